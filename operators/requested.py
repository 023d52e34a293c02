"""What strategies ask an indicator set for, and what another configuration asks for beyond that."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from operators.order import IN_ORDER, BarOrder
from operators.warm_up import Kinds, asks_of, defined_on, set_for
from state.bar import Bar
from state.indicator_set import IndicatorSet
from state.timeframe import Timeframe
from strategies.configuration import Configuration
from strategies.parameters import Parameters


class Step(NamedTuple):
    """What it takes to go from one configuration to another."""

    same_requests: bool
    """Whether both ask for the same, so that all indicators stay."""
    lacking: Kinds
    """Those strategies that ask for something that the one before did not, or not as far back."""
    new: frozenset[str]
    """What that is."""
    bars: int
    """After how many bars all of that is defined, as far back as they look."""
    changed: tuple[str, ...]
    """Strategies that both have, with other parameters."""


@lru_cache(maxsize=128)  # all keys of a timeframe take the same steps
def step_between(before: Configuration, after: Configuration, timeframe: Timeframe) -> Step:
    """The step from one configuration to another, for keys of `timeframe`."""
    known, wanted = _asks_together(before, timeframe), _asks_together(after, timeframe)
    new = frozenset(name for name, depth in wanted.items() if known.get(name, 0) < depth)
    lacking, bars = asking_for(new, after, timeframe)
    changed = tuple(
        strategy_id
        for strategy_id in after.strategies.keys() & before.strategies.keys()
        if after.strategies[strategy_id].parameters != before.strategies[strategy_id].parameters
    )
    return Step(known == wanted, lacking, new, bars, changed)


@lru_cache(maxsize=128)
def asking_for(names: frozenset[str], configuration: Configuration, timeframe: Timeframe) -> tuple[Kinds, int]:
    """Those strategies that ask for some of `names`, and after how many bars that is defined as far as they look."""
    kinds: list[tuple[str, Parameters]] = []
    bars = 0
    for strategy_id, config in configuration.strategies.items():
        asks = asks_of(strategy_id, config.parameters, timeframe)
        if not names.isdisjoint(asks):
            kinds.append((strategy_id, config.parameters))
            defined = defined_on(strategy_id, config.parameters, timeframe)
            bars = max(bars, *(defined[name] + asks[name] - 1 for name in names.intersection(asks)))
    return tuple(kinds), bars


def _asks_together(configuration: Configuration, timeframe: Timeframe) -> dict[str, int]:
    """What all enabled strategies together ask for, and how many values back they look."""
    together = dict(IndicatorSet(timeframe).requests())
    for strategy_id, config in configuration.strategies.items():
        for name, depth in asks_of(strategy_id, config.parameters, timeframe).items():
            together[name] = max(depth, together.get(name, 0))
    return together


def warmed_up(kinds: Kinds, timeframe: Timeframe, bars: Iterable[Bar]) -> IndicatorSet:
    """What some strategies ask for, after `bars`; repeated ones and ones out of order are left out."""
    need, order = set_for(kinds, timeframe), BarOrder(timeframe)
    for bar in bars:
        if order.see(bar.open_time_ms) in IN_ORDER:
            need.update(bar)
    return need
