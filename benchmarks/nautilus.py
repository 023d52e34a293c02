"""Nautilus Trader's compiled indicators, for those that it has: no ADX and no Ichimoku; of the MACD the line alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from nautilus_trader.indicators import (
    AverageTrueRange,
    BollingerBands,
    DonchianChannel,
    ExponentialMovingAverage,
    MovingAverageConvergenceDivergence,
    MovingAverageType,
    RelativeStrengthIndex,
    SimpleMovingAverage,
    VolumeWeightedAveragePrice,
)

from benchmarks.clock import Run
from benchmarks.contender import Contender, bought_volume, higher_closes
from benchmarks.wanted import KEY, Wanted, Wish
from state.bar import Bar
from state.key import split_key

_MAKERS: dict[str, Callable[..., Any]] = {
    "atr": lambda period: AverageTrueRange(period, MovingAverageType.WILDER),
    "channel": DonchianChannel,
    "ema": ExponentialMovingAverage,
    "macd": lambda fast, slow, _signal: MovingAverageConvergenceDivergence(fast, slow),
    "rsi": lambda period: RelativeStrengthIndex(period, MovingAverageType.WILDER),
    "sma": SimpleMovingAverage,
    "vwap": VolumeWeightedAveragePrice,
}


def nautilus(bars: list[Bar], wish: Wish) -> Contender:
    """(d)."""
    had = [one for one in wish.covers if one.kind in (*_MAKERS, "bollinger")]
    feeds = sorted({_feed_of(one) for one in had})
    rows = list(zip(*(_column(bars, feed) for feed in feeds), strict=True))

    def prepare() -> Run:
        updates = [[_make(one).update_raw for one in had if _feed_of(one) == feed] for feed in feeds]
        return lambda: _feed(rows, updates)

    covers = frozenset[str]().union(*(wish.covers[one] for one in had))
    return Contender("d", "Nautilus Trader", prepare, covers, len(had))


def _feed(rows: list[tuple[Any, ...]], updates: list[list[Callable[..., None]]]) -> int:
    for row in rows:
        for values, updates_of_feed in zip(row, updates, strict=True):
            if values is not None:
                for update in updates_of_feed:
                    update(*values)
    return len(rows)


def _make(one: Wanted) -> Any:
    if one.kind == "bollinger":
        return BollingerBands(one.periods[0], one.numbers[1])
    return _MAKERS[one.kind](*one.periods)


def _feed_of(one: Wanted) -> str:
    """What its update takes: the source, or for some kinds what these want of a bar."""
    return one.kind if one.kind in ("atr", "bollinger", "channel", "vwap") else one.source


def _column(bars: list[Bar], feed: str) -> list[Any]:
    """The arguments of the updates, one tuple per bar; None where there is none."""
    if feed.startswith("higher_"):
        closes = higher_closes(bars, int(feed.removeprefix("higher_")), split_key(KEY)[1].span_ms)
        return [None if close is None else (close,) for close in closes]
    return [_arguments(bar, feed) for bar in bars]


def _arguments(bar: Bar, feed: str) -> tuple[Any, ...]:
    match feed:
        case "atr":
            return bar.high, bar.low, bar.close
        case "bollinger":  # of the close, where the class takes the typical price
            return bar.close, bar.close, bar.close
        case "channel":
            return bar.high, bar.low
        case "vwap":
            opened = datetime.fromtimestamp(bar.open_time_ms / 1000, UTC)
            return (bar.high + bar.low + bar.close) / 3.0, bar.volume, opened
        case "bought":
            return (bought_volume(bar),)
    return (getattr(bar, feed),)
