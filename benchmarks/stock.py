"""talipp's own classes for the same indicators.

Everything around them is made beforehand, so that nothing but their updates is timed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from talipp.indicators import ADX, ATR, BB, EMA, MACD, RSI, SMA, VWAP, DonchianChannels, Ichimoku
from talipp.ohlcv import OHLCV

from benchmarks.clock import Run
from benchmarks.contender import Contender, bought_volume, higher_closes
from benchmarks.wanted import KEY, Wanted, Wish
from state.bar import Bar
from state.key import split_key

_MAKERS: dict[str, Callable[..., Any]] = {
    "adx": lambda period: ADX(period, period),
    "atr": ATR,
    "ema": EMA,
    "macd": MACD,
    "rsi": RSI,
    "sma": SMA,
    "vwap": VWAP,
    "ichimoku": lambda tenkan, kijun, senkou_b, shift: Ichimoku(kijun, tenkan, shift, senkou_b, shift),
}
_CHANNEL: dict[str, Callable[..., Any]] = {"channel": DonchianChannels}


def stock_talipp(bars: list[Bar], wish: Wish, *, channels: bool) -> Contender:
    """(b), and with `channels` (b+): its Donchian channels for rolling highest highs and lowest lows as well."""
    kinds = {"bollinger", *_MAKERS, *(_CHANNEL if channels else ())}
    had = [one for one in wish.covers if one.kind in kinds]
    sources = sorted({one.source for one in had})
    rows = list(zip(*(_column(bars, source) for source in sources), strict=True))

    def prepare() -> Run:
        adds = [[_make(one).add for one in had if one.source == source] for source in sources]
        return lambda: _feed(rows, adds)

    id_, label = ("b+", "stock talipp, with channels") if channels else ("b", "stock talipp")
    return Contender(id_, label, prepare, frozenset[str]().union(*(wish.covers[one] for one in had)), len(had))


def _feed(rows: list[tuple[Any, ...]], adds: list[list[Callable[[Any], None]]]) -> int:
    for row in rows:
        for value, adds_of_source in zip(row, adds, strict=True):
            if value is not None:
                for add in adds_of_source:
                    add(value)
    return len(rows)


def _make(one: Wanted) -> Any:
    if one.kind == "bollinger":
        return BB(one.periods[0], one.numbers[1])
    return (_MAKERS | _CHANNEL)[one.kind](*one.periods)


def _column(bars: list[Bar], source: str) -> list[Any]:
    """The values that indicators over `source` take, one per bar; None where they take none."""
    if source == "bar":
        return [OHLCV(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
    if source == "bought":
        return [bought_volume(bar) for bar in bars]
    if source.startswith("higher_"):
        return higher_closes(bars, int(source.removeprefix("higher_")), split_key(KEY)[1].span_ms)
    return [getattr(bar, source) for bar in bars]
