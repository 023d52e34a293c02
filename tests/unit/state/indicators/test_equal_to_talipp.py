"""Every indicator against stock talipp, after every bar of a year.

Where ours means something else than talipp's class of that name, talipp's classes are put together to mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from math import isnan, nan

import pytest
from talipp.indicators import ADX, ATR, BB, EMA, MACD, RSI, SMA, VWAP, DonchianChannels, Ichimoku
from talipp.ohlcv import OHLCV

from state.bar import Bar
from state.timeframe import DAY_MS
from tests.kit import real_bars
from tests.unit.state.indicators import requests as ask
from tests.unit.state.indicators.requests import Request, Values, values_of

TOLERANCE = 1e-9
QUARTER_MS = 900_000
SYMBOLS = ("BTCUSDT", "1000SHIBUSDT")  # prices near 100,000 and near 0.01

Bars = Sequence[Bar]
Stock = Callable[[Bars], list[Values]]


def ohlcv(bar: Bar) -> OHLCV:
    return OHLCV(bar.open, bar.high, bar.low, bar.close, bar.volume)


def candles(bars: Bars) -> list[OHLCV]:
    return [ohlcv(bar) for bar in bars]


def closes(bars: Bars) -> list[float]:
    return [bar.close for bar in bars]


def volumes(bars: Bars) -> list[float]:
    return [bar.volume for bar in bars]


def column(values: Iterable[float | None]) -> list[Values]:
    return [(nan if value is None else value,) for value in values]


def of(outputs: Iterable[object], *names: str) -> list[Values]:
    """Some attributes of talipp's outputs, NaN for what is not there."""
    rows = ([getattr(output, name, None) for name in names] for output in outputs)
    return [tuple(nan if value is None else value for value in row) for row in rows]


def bought(bar: Bar) -> float:
    span = bar.high - bar.low
    return bar.volume * (bar.close - bar.low) / span if span else bar.volume / 2.0


def volume_ratio(bars: Bars, n: int) -> list[Values]:
    averages = SMA(n, volumes(bars))
    return [(nan if average is None else bar.volume / average,) for bar, average in zip(bars, averages, strict=True)]


def daily_vwap(bars: Bars) -> list[Values]:
    """A fresh VWAP every UTC day."""
    days = groupby(bars, key=lambda bar: bar.open_time_ms // DAY_MS)
    return [value for _, day in days for value in column(VWAP(candles(list(day))))]


def ichimoku(bars: Bars, tenkan: int, kijun: int, senkou_b: int, displacement: int) -> list[Values]:
    """The slow span lies one bar further back in talipp's class, so it is that of a displacement one smaller."""
    lines = Ichimoku(kijun, tenkan, 1, senkou_b, displacement, candles(bars))
    slow = Ichimoku(kijun, tenkan, 1, senkou_b, displacement - 1, candles(bars))
    ours = of(lines, "conversion_line", "base_line", "cloud_leading_fast_line")
    return [a + b for a, b in zip(ours, of(slow, "cloud_leading_slow_line"), strict=True)]


def higher_timeframe(bars: Bars, multiplier: int, fast: int, slow: int) -> list[Values]:
    """EMAs over the closes of groups of 15m bars between multiples of their span; no bar is missing."""
    group_ms = multiplier * QUARTER_MS
    averages, values = [EMA(fast), EMA(slow)], []
    now: Values = (nan, nan, nan)
    for bar in bars:
        if (bar.open_time_ms + QUARTER_MS) % group_ms == 0:
            for average in averages:
                average.add(bar.close)
            now = (bar.close, *(nan if average[-1] is None else average[-1] for average in averages))
        values.append(now)
    return values


def so_far(prices: Sequence[float], n: int, pick: Callable[[Sequence[float]], float]) -> list[Values]:
    return [(pick(prices[max(0, i + 1 - n) : i + 1]),) for i in range(len(prices))]


def bollinger(bars: Bars, n: int, width: float) -> list[Values]:
    return of(BB(n, width, closes(bars)), "lb", "cb", "ub")


PAIRS: list[tuple[Request, Stock]] = [
    *[(ask.ema(n), lambda bars, n=n: column(EMA(n, closes(bars)))) for n in (1, 8, 9, 12, 20, 21, 26, 30, 50, 80, 200)],
    *[(ask.sma(n), lambda bars, n=n: column(SMA(n, closes(bars)))) for n in (1, 10, 20, 33)],
    *[(ask.volume_sma(n), lambda bars, n=n: column(SMA(n, volumes(bars)))) for n in (5, 10, 20)],
    *[(ask.volume_ratio(n), lambda bars, n=n: volume_ratio(bars, n)) for n in (1, 20)],
    (ask.bought_volume_sma(10), lambda bars: column(SMA(10, [bought(bar) for bar in bars]))),
    *[(ask.rsi(n), lambda bars, n=n: column(RSI(n, closes(bars)))) for n in (2, 7, 14)],
    *[
        (ask.macd(*p), lambda bars, p=p: of(MACD(*p, closes(bars)), "histogram"))
        for p in ((12, 26, 9), (1, 2, 1), (5, 7, 13))
    ],
    *[(ask.atr(n), lambda bars, n=n: column(ATR(n, candles(bars)))) for n in (1, 5, 14)],
    *[(ask.adx(n), lambda bars, n=n: of(ADX(n, n, candles(bars)), "adx")) for n in (1, 3, 14)],
    *[(ask.bollinger(*p), lambda bars, p=p: bollinger(bars, *p)) for p in ((20, 2.0), (1, 2.0), (2, 0.5), (17, 3.0))],
    (ask.vwap(), daily_vwap),
    *[(ask.highest(n), lambda bars, n=n: of(DonchianChannels(n, candles(bars)), "ub")) for n in (1, 2, 10, 19, 20)],
    *[(ask.lowest(n), lambda bars, n=n: of(DonchianChannels(n, candles(bars)), "lb")) for n in (1, 10, 19, 20)],
    (
        ask.highest_volume(3),
        lambda bars: of(DonchianChannels(3, [OHLCV(0, bar.volume, 0, 0) for bar in bars]), "ub"),
    ),
    (ask.highest_so_far(252), lambda bars: so_far([bar.high for bar in bars], 252, max)),
    (ask.lowest_so_far(252), lambda bars: so_far([bar.low for bar in bars], 252, min)),
    *[(ask.ichimoku(*p), lambda bars, p=p: ichimoku(bars, *p)) for p in ((9, 26, 52, 26), (7, 5, 9, 30))],
    *[
        (ask.higher_timeframe(*p), lambda bars, p=p: higher_timeframe(bars, *p))
        for p in ((4, 8, 21), (2, 1, 3), (7, 2, 3))
    ],
]


def differs(ours: Values, stock: Values) -> bool:
    """Whether any value is more than the tolerance away, or defined on one side only."""
    return any(isnan(a) != isnan(b) or abs(a - b) > TOLERANCE * abs(b) for a, b in zip(ours, stock, strict=True))


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("request_", "stock"), PAIRS, ids=[request.name for request, _ in PAIRS])
def test_every_value_of_a_year_is_stock_talipps(symbol: str, request_: Request, stock: Stock) -> None:
    bars = real_bars(symbol)
    pairs = list(zip(values_of(request_, bars), stock(bars), strict=True))

    assert len(pairs) > 35_000
    assert not isnan(pairs[-1][1][-1])
    assert [(i, *pair) for i, pair in enumerate(pairs) if differs(*pair)][:5] == []


def test_everything_that_strategies_ask_for_by_default_is_compared() -> None:
    assert {request.name for request in ask.USUAL} <= {request.name for request, _ in PAIRS}
