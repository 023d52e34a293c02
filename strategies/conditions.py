"""Words that the definitions are made of.

Series end with this bar: `x[-1]` is the value on this bar and `x[-1 - k]` the one k bars earlier. NaN stands
for an undefined value: every comparison with it is false, and it passes through `clamp` and `at_most`.
"""

# ruff: noqa: SIM110  # on the hot path all() with a generator takes three times as long as a plain loop
from __future__ import annotations

from math import nan

from state.indicators.base import Series


def clamp(x: float, low: float, high: float) -> float:
    """`x`, but at least `low` and at most `high`.

    >>> clamp(1.2, 0.0, 1.0)
    1.0
    """
    if x < low:
        return low
    return high if x > high else x


def at_most(limit: float, x: float) -> float:
    """`x`, but at most `limit`; unlike `min`, undefined where `x` is."""
    return limit if x > limit else x


def ratio(numerator: float, denominator: float) -> float:
    """The quotient, undefined where the denominator is 0."""
    return numerator / denominator if denominator else nan


def higher_of(a: float, b: float) -> float:
    """The higher of two values, undefined where one of them is."""
    if a > b:
        return a
    return b if b >= a else nan


def lower_of(a: float, b: float) -> float:
    """The lower of two values, undefined where one of them is."""
    if a < b:
        return a
    return b if b <= a else nan


def shape(open_: float, high: float, low: float, close: float) -> tuple[float, float, float]:
    """Body, lower and upper shadow of a candle, each at least 0.

    >>> shape(10.0, 12.0, 7.0, 11.0)
    (1.0, 3.0, 1.0)
    """
    if close > open_:
        return close - open_, open_ - low, high - close
    return open_ - close, close - low, high - open_


def rises(x: Series, bars: int) -> bool:
    """Whether `x` was above its value one bar earlier on each of the last `bars` bars."""
    for i in range(1, bars + 1):
        if not x[-i] > x[-i - 1]:
            return False
    return True


def falls(x: Series, bars: int) -> bool:
    """Whether `x` was below its value one bar earlier on each of the last `bars` bars."""
    for i in range(1, bars + 1):
        if not x[-i] < x[-i - 1]:
            return False
    return True


def all_above(x: Series, y: Series, bars: int, ago: int = 0) -> bool:
    """Whether `x` was above `y` on each of the last `bars` bars, as seen `ago` bars ago."""
    for i in range(1 + ago, bars + ago + 1):
        if not x[-i] > y[-i]:
            return False
    return True


def all_below(x: Series, y: Series, bars: int) -> bool:
    """Whether `x` was below `y` on each of the last `bars` bars."""
    for i in range(1, bars + 1):
        if not x[-i] < y[-i]:
            return False
    return True
