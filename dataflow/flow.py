"""The dataflow: closed klines in, signals out. Live trading and replay differ only in sources and sinks."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any, TypeGuard

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.outputs import Sink

from dataflow.analysis import Analysis, KeyLogic
from operators.rows import BadInput, Chunk, parse_chunk
from operators.tally import Tally
from state.bar import Bar
from strategies.signal import Signal

# A step that is renamed silently loses its state while its source resumes: these names are for ever.
FLOW_ID = "ta_bot"
KLINES_STEP = "klines"
ANALYZE_STEP = "analyze"
SIGNALS_STEP = "signals"
REPORT_STEP = "report"

KeyedBar = tuple[str, Bar]
Reported = BadInput | Tally


def build_flow(
    klines: Source[Chunk],
    analysis: Analysis,
    signals: Sink[tuple[str, Signal]],
    report: Sink[tuple[str, Reported]],
    parse: Callable[[Chunk], list[KeyedBar | BadInput]] = parse_chunk,
) -> Dataflow:
    """The graph: klines → parse → key by SYMBOL|timeframe → analyze → signals, with a report on the side.

    Signals reach their sink with their key. The report gets bad input, and per key and batch what happened to its bars.
    """

    def parse_all(chunks: list[Chunk]) -> list[KeyedBar | BadInput]:
        return [item for chunk in chunks for item in parse(chunk)]

    flow = Dataflow(FLOW_ID)
    chunks = op.input(KLINES_STEP, flow, klines)
    parsed = op.branch("check", op.flat_map_batch("parse", chunks, parse_all), _is_bar)
    bars = op.key_on("key", parsed.trues, itemgetter(0))
    analyzed = op.branch(
        "split", op.stateful_batch(ANALYZE_STEP, bars, lambda resume: KeyLogic(analysis, resume)), _is_signal
    )
    bad_input = op.map("locate", parsed.falses, _by_place)
    op.output(SIGNALS_STEP, analyzed.trues, signals)
    op.output(REPORT_STEP, op.merge("all_reports", bad_input, analyzed.falses), report)
    return flow


def _is_bar(item: KeyedBar | BadInput) -> TypeGuard[KeyedBar]:
    return type(item) is tuple


def _is_signal(item: tuple[str, Signal | Tally]) -> TypeGuard[tuple[str, Signal]]:
    return type(item[1]) is Signal


def _by_place(bad: KeyedBar | BadInput) -> tuple[str, Any]:
    return str(bad[0]), bad
