"""How many bars of history a key needs before its strategies see what they would see had it always run."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

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
    kinds = tuple((strategy_id, config.parameters) for strategy_id, config in configuration.strategies.items())
    return _bars_to_warm(kinds, timeframe)


@lru_cache(maxsize=256)  # keys of a timeframe share it, as long as they share their parameters
def _bars_to_warm(kinds: Kinds, timeframe: Timeframe) -> int:
    need = IndicatorSet(timeframe)
    for strategy_id, parameters in kinds:
        STRATEGIES[strategy_id](parameters, need)
    return max(warm_on(need).values(), default=1)


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
