"""How many bars of history a key needs before its strategies see what they would see had it always run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import islice
from types import MappingProxyType

from state.bar import Bar
from state.indicator_set import IndicatorSet
from state.timeframe import Timeframe
from strategies.configuration import Configuration
from strategies.parameters import Parameters
from strategies.registry import STRATEGIES

# Indicators slower than this are seeded with what these many bars give: so many more would be read for every key.
MOST_BARS = 5_000

Kinds = tuple[tuple[str, Parameters], ...]
"""Strategies by their ids, with their parameters."""

# By what is asked for: thresholds do not change it, and finding it out takes long.
_DEFINED_ON: dict[tuple[tuple[tuple[str, int], ...], Timeframe], Mapping[str, int]] = {}
MOST_REMEMBERED = 4_096

# How often what makes an indicator defined is read.
TIMES = 3


def bars_to_seed(configuration: Configuration, timeframe: Timeframe, least: int) -> int:
    """How many bars a new key is seeded with: `least` or more.

    An indicator that is defined need not be right yet. An EMA begins as the mean of its first n closes, and forgets
    that beginning by ``(1 - 2/(n+1))^bars``: after 2n more bars, 3n in all, some e^-4, or 2 %, of it is left, of what
    is a mean of closes already. Wilder's averages over n bars are EMAs over 2n-1 and forget more slowly, but the
    longest indicators are EMAs. So it is three times what the slowest indicator takes until it is defined, and no less
    than any strategy's `min_data_points`.
    """
    points: list[int] = [config.parameters.min_data_points for config in configuration.strategies.values()]
    return max(least, TIMES * bars_to_warm(configuration, timeframe), *points)


def bars_to_warm(configuration: Configuration, timeframe: Timeframe) -> int:
    """After how many bars all that the enabled strategies read is defined and every window full; `MOST_BARS` at most.

    Counted from the start of a higher bar, where the higher timeframe's averages take longest.
    """
    counts: list[int] = []
    for strategy_id, config in configuration.strategies.items():
        counts += defined_on(strategy_id, config.parameters, timeframe).values()
    return max(counts, default=1)


def defined_on(strategy_id: str, parameters: Parameters, timeframe: Timeframe) -> Mapping[str, int]:
    """After how many bars what a strategy asks for is defined, by name."""
    asked = tuple(asks_of(strategy_id, parameters, timeframe).items())
    if (asked, timeframe) not in _DEFINED_ON:
        if len(_DEFINED_ON) >= MOST_REMEMBERED:
            _DEFINED_ON.clear()
        _DEFINED_ON[asked, timeframe] = warm_on(set_for(((strategy_id, parameters),), timeframe))
    return _DEFINED_ON[asked, timeframe]


@lru_cache(maxsize=4096)
def asks_of(strategy_id: str, parameters: Parameters, timeframe: Timeframe) -> Mapping[str, int]:
    """What a strategy asks for, and how many values back it looks, by name."""
    return MappingProxyType(set_for(((strategy_id, parameters),), timeframe).requests())


def set_for(kinds: Kinds, timeframe: Timeframe) -> IndicatorSet:
    """What some strategies ask for."""
    need = IndicatorSet(timeframe)
    for strategy_id, parameters in kinds:
        STRATEGIES[strategy_id](parameters, need)
    return need


def warm_on(need: IndicatorSet) -> dict[str, int]:
    """After how many bars each of the series that were asked for is defined, and its window full."""
    counts: dict[str, int] = {}
    for count, bar in enumerate(islice(_bars(need.timeframe), MOST_BARS), 1):
        need.update(bar)
        cold = need.cold()
        for name in need.requests().keys() - counts.keys() - cold:
            counts[name] = count
        if not cold:
            break
    return {name: counts.get(name, MOST_BARS) for name in need.requests()}


def _bars(timeframe: Timeframe) -> Iterator[Bar]:
    """Bars that move enough for every indicator to be defined."""
    open_ms = 0
    while True:
        close = 100.0 + (open_ms // timeframe.span_ms * 7) % 13
        yield Bar(open_ms, close - 0.5, close + 1.0, close - 1.0, close, close)
        open_ms = timeframe.close_ms(open_ms)
