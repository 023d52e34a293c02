"""What an evaluation leaves: every trade in the order of their ends, and scores of groups of trades."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson

from dataflow.replay.plan import Plan
from dataflow.replay.results import Summary, output_to, reported
from dataflow.replay.watched import records_of
from operators.evaluation.statistics import Ended, Score
from operators.evaluation.trade import RandomEntries
from state.key import split_key
from strategies.registry import STRATEGIES

FIELDS = ("strategy_id", "symbol", "timeframe", "action")
"""What trades are grouped by."""

ALL: tuple[str, ...] = ()
BY_STRATEGY = ("strategy_id",)


class Group(NamedTuple):
    """Trades that have these in common; None for whatever it is."""

    strategy_id: str | None = None
    symbol: str | None = None
    timeframe: str | None = None
    action: str | None = None


@dataclass
class Evaluation:
    """Scores by what trades were grouped by, and what happened to the bars."""

    summary: Summary
    groupings: tuple[tuple[str, ...], ...]
    scores: dict[tuple[str, ...], dict[Group, Score]] = field(init=False)
    _found: dict[tuple[str, ...], list[Score]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.scores = {grouping: {} for grouping in self.groupings}

    def of(self, grouping: tuple[str, ...]) -> list[tuple[Group, Score]]:
        """The scores of one grouping: strategies in the registry's order, symbols, timeframes and actions by name."""
        places = {strategy_id: place for place, strategy_id in enumerate(STRATEGIES)}

        def order(found: tuple[Group, Score]) -> tuple[int, Sequence[str]]:
            group = found[0]
            return places.get(group.strategy_id or "", -1), [name or "" for name in group[1:]]

        return sorted(self.scores[grouping].items(), key=order)

    def add_trade(self, trade: dict[str, Any]) -> None:
        """Count a trade in its groups."""
        ended = _ended(trade)
        for score in self._scores(trade["strategy_id"], trade["symbol"], trade["timeframe"], trade["action"]):
            score.add(ended)

    def add_baseline(self, baseline: dict[str, Any]) -> None:
        """Count a key's random entries in their groups."""
        symbol, timeframe = split_key(baseline["key"])
        for strategy_id, actions in baseline["entries"].items():
            for action, counts in actions.items():
                for score in self._scores(strategy_id, symbol, timeframe.name, action):
                    score.add_random(RandomEntries(**counts))

    def _scores(self, *names: str) -> list[Score]:
        """The scores that trades with these fields count in."""
        found = self._found.get(names)
        if found is None:
            fields = dict(zip(FIELDS, names, strict=True))
            groups = [Group(**{name: fields[name] for name in grouping}) for grouping in self.groupings]
            scored = zip(self.scores.values(), groups, strict=True)
            found = self._found[names] = [scores.setdefault(group, Score()) for scores, group in scored]
        return found


def collect_trades(plan: Plan, trades: Path | IO[bytes] | None, by: tuple[str, ...]) -> Evaluation:
    """Write the trades of an ended evaluation in the order of their ends, and score them; files appear whole or not.

    Trades are scored all together, by strategy, by all of `FIELDS`, and by the fields in `by`.

    Raises:
        StopProgram: a file cannot be written.
    """
    groupings = tuple(dict.fromkeys((ALL, BY_STRATEGY, by, FIELDS)))
    evaluation = Evaluation(reported(plan), groupings)
    with ExitStack() as outputs:
        out = outputs.enter_context(output_to(trades))
        for kind, record in records_of(plan):
            if kind == "trade":
                out.write(record)
                evaluation.add_trade(orjson.loads(record))
            else:
                evaluation.add_baseline(orjson.loads(record))
    return evaluation


def _ended(trade: dict[str, Any]) -> Ended:
    filled = trade["fill_price"] is not None
    if trade["r"] is None:
        return Ended(trade["reason"], filled)
    return Ended(
        trade["reason"], filled, trade["exit_time"], trade["bars"], trade["r"], trade["gross_r"], trade["return_bps"]
    )
