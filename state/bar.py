"""The bar: what one closed kline says, checked once where it enters and trusted from then on."""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from state.errors import SkipInput
from state.timeframe import Timeframe


class Bar(NamedTuple):
    """One closed bar. Prices in the quote currency, volume in the base currency."""

    open_time_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def check_bar(bar: Bar, timeframe: Timeframe) -> None:
    """Check that `bar` is a possible bar of `timeframe`.

    Raises:
        SkipInput: a number is not finite, a price is not above 0, the volume is below 0,
            open or close lie outside low..high, or the open time is not a multiple of the timeframe.
    """
    open_time_ms, open_, high, low, close, volume = bar
    # NaN fails every comparison, so one chain settles order, sign and finiteness on the hot path.
    if not (0.0 < low <= open_ <= high < inf and low <= close <= high and 0.0 <= volume < inf):
        raise SkipInput(_what_is_wrong(bar))
    if not timeframe.is_aligned(open_time_ms):
        raise SkipInput(f"open time {open_time_ms} ms is not a multiple of the timeframe {timeframe.name}")


def _what_is_wrong(bar: Bar) -> str:
    for name in ("open", "high", "low", "close"):
        value = getattr(bar, name)
        if not 0.0 < value < inf:
            return f"{name} must be a finite number above 0, got {value}"
    if not 0.0 <= bar.volume < inf:
        return f"volume must be a finite number of at least 0, got {bar.volume}"
    if bar.low > bar.high:
        return f"low {bar.low} is above high {bar.high}"
    outside = "open" if not bar.low <= bar.open <= bar.high else "close"
    return f"{outside} {getattr(bar, outside)} lies outside low {bar.low} .. high {bar.high}"
