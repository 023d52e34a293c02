"""The dataflow: closed klines in, signals out. Live trading and replay differ only in sources and sinks."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import TypeGuard, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import KeyedStream
from bytewax.outputs import Sink

from dataflow.analysis import Analysis, KeyLogic
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

Raw = TypeVar("Raw")
Bad = TypeVar("Bad", bound="tuple[str, object] | tuple[str, object, object]")
"""Bad input: a named tuple that begins with where it is."""


def build_flow(
    klines: Source[Raw],
    parse: Callable[[Raw], list[KeyedBar | Bad]],
    analysis: Analysis,
    signals: Sink[tuple[str, Signal]],
    report: Sink[tuple[str, Bad | Tally]],
) -> Dataflow:
    """The graph: klines → parse → key by SYMBOL|timeframe → analyze → signals, with a report on the side.

    Signals reach their sink with their key. The report gets bad input, and per key and batch what happened to its bars.
    """

    def parse_all(raw: list[Raw]) -> list[KeyedBar | Bad]:
        return [item for one in raw for item in parse(one)]

    flow = Dataflow(FLOW_ID)
    raw = op.input(KLINES_STEP, flow, klines)
    parsed = op.branch("check", op.flat_map_batch("parse", raw, parse_all), _is_bar)
    bars = op.key_on("key", parsed.trues, itemgetter(0))
    analyzed = op.branch(
        "split", op.stateful_batch(ANALYZE_STEP, bars, lambda resume: KeyLogic(analysis, resume)), _is_signal
    )
    bad_input = op.map("locate", parsed.falses, _by_place)
    op.output(SIGNALS_STEP, analyzed.trues, signals)
    reports: KeyedStream[Bad | Tally] = op.merge("all_reports", bad_input, analyzed.falses)
    op.output(REPORT_STEP, reports, report)
    return flow


def _is_bar(item: KeyedBar | Bad) -> TypeGuard[KeyedBar]:
    return type(item) is tuple


def _is_signal(item: tuple[str, Signal | Tally]) -> TypeGuard[tuple[str, Signal]]:
    return type(item[1]) is Signal


def _by_place(bad: Bad) -> tuple[str, Bad]:
    return bad[0], bad
