"""The dataflow: closed klines in, signals out. Live trading and replay differ only in sources and sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, TypeGuard, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import BranchOut, KeyedStream, StatefulBatchLogic
from bytewax.outputs import Sink

from operators.tally import Tally
from strategies.signal import Signal

# A step that is renamed silently loses its state while its source resumes: these names are for ever.
FLOW_ID = "ta_bot"
KLINES_STEP = "klines"
HISTORY_STEP = "history"
ANALYZE_STEP = "analyze"
SIGNALS_STEP = "signals"
REPORT_STEP = "report"

Raw = TypeVar("Raw")
KeyedItem = tuple[str, Any]
"""A key and what it takes: bars, and in the live flow what else concerns it."""
Bad = TypeVar("Bad", bound="tuple[str, object] | tuple[str, object, object]")
"""Bad input: a named tuple that begins with where it is."""

MakeLogic = Callable[[Any], StatefulBatchLogic[KeyedItem, Signal | Tally, Any]]
"""Makes the analyzer of one key, from its snapshot or from None."""


def build_flow(
    klines: Source[Raw],
    parse: Callable[[Raw], Iterable[KeyedItem | Bad]],
    logic: MakeLogic,
    signals: Sink[tuple[str, Signal]],
    report: Sink[tuple[str, Bad | Tally]],
    history: Source[Any] | None = None,
) -> Dataflow:
    """The graph: klines → parse → key by SYMBOL|timeframe → analyze → signals, with a report on the side.

    What `history` has for keys joins them before they are analyzed. Signals reach their sink with their key. The
    report gets bad input, and what happened to each key's bars.
    """

    def parse_all(raw: list[Raw]) -> list[KeyedItem | Bad]:
        return [item for one in raw for item in parse(one)]

    flow = Dataflow(FLOW_ID)
    raw = op.input(KLINES_STEP, flow, klines)
    parsed = op.flat_map_batch("parse", raw, parse_all)
    checked: BranchOut[Any, Any] = op.branch("check", parsed, _is_for_a_key)
    items = checked.trues
    if history is not None:
        items = op.merge("all_items", items, op.input(HISTORY_STEP, flow, history))
    keyed = op.key_on("key", items, itemgetter(0))
    analyzed = op.branch("split", op.stateful_batch(ANALYZE_STEP, keyed, logic), _is_signal)
    bad_input = op.map("locate", checked.falses, _by_place)
    op.output(SIGNALS_STEP, analyzed.trues, signals)
    reports: KeyedStream[Bad | Tally] = op.merge("all_reports", bad_input, analyzed.falses)
    op.output(REPORT_STEP, reports, report)
    return flow


def _is_for_a_key(item: object) -> TypeGuard[KeyedItem]:
    return type(item) is tuple


def _is_signal(item: tuple[str, Signal | Tally]) -> TypeGuard[tuple[str, Signal]]:
    return type(item[1]) is Signal


def _by_place(bad: Bad) -> tuple[str, Bad]:
    return bad[0], bad
