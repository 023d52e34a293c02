"""TA-Lib, which has no memory: it computes the last 300 bars again on every bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import talib

from benchmarks.contender import Contender, bought_volume, higher_closes
from benchmarks.wanted import KEY, Wanted, Wish
from state.bar import Bar
from state.key import split_key

WINDOW = 300

Window = dict[str, Any]


class _Arrays:
    """The values of every source as arrays, for bars that come one by one."""

    def __init__(self, bars: list[Bar], sources: set[str]) -> None:
        self.series: Window = {
            name: np.array([getattr(bar, name) for bar in bars]) for name in ("high", "low", "close", "volume")
        }
        self.series["bought"] = np.array([bought_volume(bar) for bar in bars])
        self.higher: dict[str, tuple[list[int], Any]] = {}
        for name in (source for source in sources if source.startswith("higher_")):
            closes = higher_closes(bars, int(name.removeprefix("higher_")), split_key(KEY)[1].span_ms)
            ended = np.cumsum([0, *(close is not None for close in closes)])
            self.higher[name] = ended.tolist(), np.array([close for close in closes if close is not None])

    def window(self, end: int) -> Window:
        """What the last bars before `end` say; of longer bars, those that ended in their time."""
        start = end - WINDOW
        window = {name: values[start:end] for name, values in self.series.items()}
        for name, (ended, closes) in self.higher.items():
            window[name] = closes[ended[start] : ended[end]]
        return window


def ta_lib(bars: list[Bar], wish: Wish, sample: int) -> Contender:
    """(c), measured on `sample` bars."""
    found = {one: _calls(one) for one in wish.covers}
    had = [one for one, calls in found.items() if calls]
    calls = [call for one in had for call in found[one]]
    arrays = _Arrays(bars[: sample + WINDOW], {one.source for one in had})

    def run() -> int:
        for end in range(WINDOW, WINDOW + sample):
            window = arrays.window(end)
            for call in calls:
                call(window)
        return sample

    covers = frozenset[str]().union(*(wish.covers[one] for one in had))
    return Contender("c", f"TA-Lib over {WINDOW} bars", lambda: run, covers, len(calls))


Call = Callable[[Window], object]


def _channel(period: int) -> list[Call]:
    return [lambda w: talib.MAX(w["high"], period), lambda w: talib.MIN(w["low"], period)]


_OF_BARS: dict[str, Callable[..., list[Call]]] = {
    "adx": lambda period: [lambda w: talib.ADX(w["high"], w["low"], w["close"], period)],
    "atr": lambda period: [lambda w: talib.ATR(w["high"], w["low"], w["close"], period)],
    "channel": _channel,
    "ichimoku": lambda *periods: [call for period in periods[:3] for call in _channel(period)],
}
_OF_A_SERIES: dict[str, Any] = {
    "ema": talib.EMA,
    "highest": talib.MAX,
    "lowest": talib.MIN,
    "macd": talib.MACD,
    "rsi": talib.RSI,
    "sma": talib.SMA,
}


def _calls(one: Wanted) -> list[Call]:
    """What is called on every bar; nothing for what TA-Lib does not have."""
    source, periods = one.source, one.periods
    if one.kind in _OF_BARS:
        return _OF_BARS[one.kind](*periods)
    if one.kind == "bollinger":
        width = one.numbers[1]
        return [lambda w: talib.BBANDS(w[source], periods[0], width, width)]
    function = _OF_A_SERIES.get(one.kind)
    return [lambda w: function(w[source], *periods)] if function else []
