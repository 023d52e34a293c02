"""Batch indicators: one value per bar, oldest first, NaN where undefined.

Recursive indicators are talipp's own classes run over the whole history; windowed ones are computed window by window.
Prices are in quote units, oscillators in 0..100, times in milliseconds since the Unix epoch.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from talipp.indicators import ADX, ATR, EMA, MACD, RSI
from talipp.ohlcv import OHLCV

from tests.oracle.arrays import Floats, Ints, ago, deviation, floats, highest, lowest, mean, ratio

DAY_MS = 86_400_000


class Bands(NamedTuple):
    """Bollinger Bands, as prices."""

    lower: Floats
    middle: Floats
    upper: Floats


class Cloud(NamedTuple):
    """Ichimoku lines as prices; span_a and span_b are the cloud over the bar itself."""

    tenkan: Floats
    kijun: Floats
    span_a: Floats
    span_b: Floats


class HigherBars(NamedTuple):
    """Completed higher-timeframe bars, in order: the index of the bar that completed each, and its close."""

    completed_on: list[int]
    close: Floats


def _defined(values: Iterable[float | None]) -> Floats:
    return floats([np.nan if value is None else value for value in values])


def _candles(high: Floats, low: Floats, close: Floats) -> list[OHLCV]:
    return [OHLCV(c, h, lo, c) for h, lo, c in zip(high.tolist(), low.tolist(), close.tolist(), strict=True)]


def ema(x: Floats, n: int) -> Floats:
    """talipp's EMA, seeded with the mean of the first n values."""
    return _defined(EMA(n, x.tolist()))


def rsi(close: Floats, n: int) -> Floats:
    """talipp's RSI, 0..100."""
    return _defined(RSI(n, close.tolist()))


def atr(high: Floats, low: Floats, close: Floats, n: int) -> Floats:
    """talipp's ATR (Wilder), in price units."""
    return _defined(ATR(n, _candles(high, low, close)))


def adx(high: Floats, low: Floats, close: Floats, n: int) -> Floats:
    """talipp's ADX with n for both its periods, 0..100."""
    return _defined(None if value is None else value.adx for value in ADX(n, n, _candles(high, low, close)))


def macd_hist(close: Floats, fast: int, slow: int, signal: int) -> Floats:
    """The histogram of talipp's MACD, in price units."""
    return _defined(None if value is None else value.histogram for value in MACD(fast, slow, signal, close.tolist()))


def bollinger(close: Floats, n: int, k: float) -> Bands:
    """The mean of the last n closes, and k population standard deviations to either side."""
    middle, width = mean(close, n), k * deviation(close, n)
    return Bands(middle - width, middle, middle + width)


def _middle(high: Floats, low: Floats, n: int) -> Floats:
    return (highest(high, n) + lowest(low, n)) / 2


def ichimoku(high: Floats, low: Floats, tenkan: int, kijun: int, senkou_b: int, displacement: int) -> Cloud:
    """Ichimoku lines; both spans over a bar were computed exactly `displacement` bars before it."""
    conversion, base = _middle(high, low, tenkan), _middle(high, low, kijun)
    span_a = ago((conversion + base) / 2, displacement)
    span_b = ago(_middle(high, low, senkou_b), displacement)
    return Cloud(conversion, base, span_a, span_b)


def vwap(open_time_ms: Ints, high: Floats, low: Floats, close: Floats, volume: Floats) -> Floats:
    """VWAP of the typical price since 00:00 UTC, undefined while no volume has traded that day."""
    day = open_time_ms // DAY_MS
    traded = volume * (high + low + close) / 3
    out = np.full(len(close), np.nan)
    for today in (day == d for d in np.unique(day)):
        out[today] = ratio(np.cumsum(traded[today]), np.cumsum(volume[today]))
    return out


def higher_bars(open_time_ms: Ints, close: Floats, span_ms: int, multiplier: int) -> HigherBars:
    """Groups of `multiplier` bars aligned to the Unix epoch.

    A group completes on its last bar if that one ends the group's span, otherwise on the bar after it. A group of
    which only a part was seen counts; the one still open at the end does not.
    """
    group_ms = multiplier * span_ms
    group = open_time_ms // group_ms
    lasts = [i for i in range(len(close)) if i + 1 == len(close) or group[i + 1] != group[i]]
    completed = [(i if open_time_ms[i] + span_ms >= (group[i] + 1) * group_ms else i + 1, i) for i in lasts]
    completed = [(on, last) for on, last in completed if on < len(close)]
    return HigherBars([on for on, _ in completed], floats([close[last] for _, last in completed]))


def spread(bars: HigherBars, values: Floats, length: int) -> Floats:
    """Per bar, the value of the latest higher bar completed on or before it."""
    out = np.full(length, np.nan)
    for on, value in zip(bars.completed_on, values, strict=True):
        out[on:] = value
    return out
