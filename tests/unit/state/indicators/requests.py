"""Requests to the indicator set, as the tests make them, and how many bars each takes to warm up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from state.bar import Bar
from state.indicator_set import IndicatorSet
from state.indicators.base import Series
from state.timeframe import TIMEFRAMES

Values = tuple[float, ...]
Ask = Callable[[IndicatorSet, int], Sequence[Series]]


class Request(NamedTuple):
    """A request for series `depth` values deep, and per series the first bar with a value, counted from 1."""

    name: str
    ask: Ask
    warm_on: tuple[int, ...]


def ema(n: int) -> Request:
    return Request(f"ema({n})", lambda need, depth: [need.ema(n, depth)], (n,))


def sma(n: int) -> Request:
    return Request(f"sma({n})", lambda need, depth: [need.sma(n, depth=depth)], (n,))


def volume_sma(n: int) -> Request:
    return Request(f"volume_sma({n})", lambda need, depth: [need.sma(n, "volume", depth)], (n,))


def volume_ratio(n: int) -> Request:
    return Request(f"volume_ratio({n})", lambda need, depth: [need.volume_ratio(n, depth)], (n,))


def bought_volume_sma(n: int) -> Request:
    return Request(f"bought_volume_sma({n})", lambda need, depth: [need.bought_volume_sma(n, depth)], (n,))


def rsi(n: int) -> Request:
    return Request(f"rsi({n})", lambda need, depth: [need.rsi(n, depth)], (n + 1,))


def macd(fast: int, slow: int, signal: int) -> Request:
    def ask(need: IndicatorSet, depth: int) -> Sequence[Series]:
        return [need.macd_histogram(fast, slow, signal, depth)]

    return Request(f"macd({fast},{slow},{signal})", ask, (slow + signal - 1,))


def atr(n: int) -> Request:
    return Request(f"atr({n})", lambda need, depth: [need.atr(n, depth)], (n,))


def adx(n: int) -> Request:
    return Request(f"adx({n})", lambda need, depth: [need.adx(n, depth)], (2 * n,))


def bollinger(n: int, width: float) -> Request:
    return Request(f"bollinger({n},{width})", lambda need, depth: need.bollinger(n, width, depth), (n,) * 3)


def vwap() -> Request:
    return Request("vwap", lambda need, depth: [need.vwap(depth)], (1,))


def highest(n: int) -> Request:
    return Request(f"highest({n})", lambda need, depth: [need.highest("high", n, depth)], (n,))


def lowest(n: int) -> Request:
    return Request(f"lowest({n})", lambda need, depth: [need.lowest("low", n, depth)], (n,))


def highest_volume(n: int) -> Request:
    return Request(f"highest_volume({n})", lambda need, depth: [need.highest("volume", n, depth)], (n,))


def highest_so_far(n: int) -> Request:
    return Request(f"highest_so_far({n})", lambda need, depth: [need.highest("high", n, depth, partial=True)], (1,))


def lowest_so_far(n: int) -> Request:
    return Request(f"lowest_so_far({n})", lambda need, depth: [need.lowest("low", n, depth, partial=True)], (1,))


def ichimoku(tenkan: int, kijun: int, senkou_b: int, displacement: int) -> Request:
    name = f"ichimoku({tenkan},{kijun},{senkou_b},{displacement})"
    warm_on = (tenkan, kijun, max(tenkan, kijun) + displacement, senkou_b + displacement)
    return Request(name, lambda need, _: need.ichimoku(tenkan, kijun, senkou_b, displacement), warm_on)


def higher_timeframe(multiplier: int, fast: int, slow: int) -> Request:
    """As warm as said where the first bar opens a higher one."""
    name = f"higher_timeframe({multiplier},{fast},{slow})"
    warm_on = (multiplier, multiplier * fast, multiplier * slow)
    return Request(name, lambda need, _: need.higher_timeframe(multiplier, fast, slow), warm_on)


USUAL = [
    *[ema(n) for n in (8, 9, 12, 20, 21, 26, 30, 50, 80, 200)],
    *[sma(n) for n in (10, 20)],
    *[volume_sma(n) for n in (5, 10, 20)],
    volume_ratio(20),
    bought_volume_sma(10),
    *[rsi(n) for n in (2, 14)],
    macd(12, 26, 9),
    atr(14),
    adx(14),
    bollinger(20, 2.0),
    vwap(),
    *[highest(n) for n in (10, 19, 20)],
    *[lowest(n) for n in (10, 19, 20)],
    highest_volume(3),
    highest_so_far(252),
    lowest_so_far(252),
    ichimoku(9, 26, 52, 26),
    higher_timeframe(4, 8, 21),
]
"""What the strategies ask for with their defaults."""

UNUSUAL = [
    *[ema(1), sma(1), volume_ratio(1), bought_volume_sma(1), macd(1, 2, 1), macd(5, 7, 13), atr(1), atr(5), adx(1)],
    *[adx(3), rsi(7), bollinger(1, 2.0), bollinger(2, 0.5), bollinger(17, 3.0), highest(1), lowest(1), highest(2)],
    *[highest_so_far(1), lowest_so_far(7), ichimoku(1, 2, 3, 1), ichimoku(7, 5, 9, 30), higher_timeframe(2, 1, 3)],
    *[higher_timeframe(7, 2, 3), sma(33), volume_sma(16)],
]
"""The smallest periods, and some that divide nothing."""

EVERY = USUAL + UNUSUAL


def newest(series: Sequence[Series]) -> Values:
    return tuple(one[-1] for one in series)


def values_of(request: Request, bars: Iterable[Bar], timeframe: str = "15m", depth: int = 2) -> list[Values]:
    """The request's values after every bar."""
    need = IndicatorSet(TIMEFRAMES[timeframe])
    series = request.ask(need, depth)
    values = []
    for bar in bars:
        need.update(bar)
        values.append(newest(series))
    return values


def exactly(values: Iterable[Values]) -> list[str]:
    """Floats so that equal means equal to the last bit, and NaN equals NaN."""
    return [repr(value) for value in values]


def from_midnight(bars: Iterable[Bar]) -> list[Bar]:
    """The same 15m bars, opening from the Unix epoch on, where a day and every higher bar begins."""
    return [bar._replace(open_time_ms=i * 900_000) for i, bar in enumerate(bars)]
