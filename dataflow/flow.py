"""The dataflow: klines and configuration in, signals out. Live and replay differ only in sources and sinks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any, NamedTuple, TypeGuard, TypeVar

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import Source
from bytewax.operators import BranchOut, KeyedStream, StatefulBatchLogic
from bytewax.outputs import Sink

from operators.live import BadMessage
from operators.tally import Tally
from strategies.signal import Signal

# A step that is renamed silently loses its state while its source resumes: these names are for ever.
FLOW_ID = "ta_bot"
KLINES_STEP = "klines"
HISTORY_STEP = "history"
CONFIG_STEP = "config"
CONFIG_KEYS_STEP = "config_keys"
ANALYZE_STEP = "analyze"
SIGNALS_STEP = "signals"
REPORT_STEP = "report"

Raw = TypeVar("Raw")
KeyedItem = tuple[str, Any] | tuple[str, Any, int] | tuple[str, Any, int, str]
"""A key and what it takes: bars, and in the live flow what else concerns it, when it was stored, and its trace."""
Bad = TypeVar("Bad", bound="tuple[str, object] | tuple[str, object, object]")
"""Bad input: a named tuple that begins with where it is."""

MakeLogic = Callable[[Any], StatefulBatchLogic[Any, Signal | Tally, Any]]
"""Makes the analyzer of one key, from its snapshot or from None."""


class ConfigInput(NamedTuple):
    """The configuration as an input: its changes and bad input, each change for every worker, and then for its keys."""

    source: Source[Any]
    for_workers: Callable[[Any], Iterable[tuple[str, Any]]]
    logic: Callable[[Any], StatefulBatchLogic[Any, Any, Any]]


def build_flow(  # everything around the graph, which is the same for all
    klines: Source[Raw],
    parse: Callable[[Raw], Iterable[KeyedItem | Bad]],
    logic: MakeLogic,
    signals: Sink[tuple[str, Signal]],
    report: Sink[tuple[str, Bad | Tally]],
    history: Source[Any] | None = None,
    config: ConfigInput | None = None,
) -> Dataflow:
    """The graph: klines → parse → key by SYMBOL|timeframe → analyze → signals, with a report on the side.

    What `history` has for keys, and changes of the configuration that concern them, join them before they are analyzed.
    Signals reach their sink with their key. The report gets bad input, and what happened to each key's bars.
    """

    def parse_all(raw: list[Raw]) -> list[KeyedItem | Bad]:
        return [item for one in raw for item in parse(one)]

    flow = Dataflow(FLOW_ID)
    raw = op.input(KLINES_STEP, flow, klines)
    parsed = op.flat_map_batch("parse", raw, parse_all)
    checked: BranchOut[Any, Any] = op.branch("check", parsed, _is_for_a_key)
    items, bad = [checked.trues], [checked.falses]
    if history is not None:
        items.append(op.input(HISTORY_STEP, flow, history))
    if config is not None:
        changes = op.branch("check_config", op.input(CONFIG_STEP, flow, config.source), _is_no_bad_input)
        for_workers = op.flat_map("to_workers", changes.trues, config.for_workers)
        items.append(op.map("to_keys", op.stateful_batch(CONFIG_KEYS_STEP, for_workers, config.logic), itemgetter(1)))
        bad.append(changes.falses)
    keyed = op.key_on("key", op.merge("all_items", *items), itemgetter(0))
    analyzed = op.branch("split", op.stateful_batch(ANALYZE_STEP, keyed, logic), _is_signal)
    bad_input = op.map("locate", op.merge("all_bad_input", *bad), _by_place)
    op.output(SIGNALS_STEP, analyzed.trues, signals)
    reports: KeyedStream[Bad | Tally] = op.merge("all_reports", bad_input, analyzed.falses)
    op.output(REPORT_STEP, reports, report)
    return flow


def _is_for_a_key(item: object) -> TypeGuard[KeyedItem]:
    return type(item) is tuple


def _is_no_bad_input(item: object) -> TypeGuard[Any]:
    return type(item) is not BadMessage


def _is_signal(item: tuple[str, Signal | Tally]) -> TypeGuard[tuple[str, Signal]]:
    return type(item[1]) is Signal


def _by_place(bad: Bad) -> tuple[str, Bad]:
    return bad[0], bad
