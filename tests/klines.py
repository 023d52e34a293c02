"""Kline messages as an exchange sends them."""

from __future__ import annotations

from typing import Any

from state.bar import Bar


def kline_event(symbol: str, timeframe: str, bar: Bar, *, closed: bool = True) -> dict[str, Any]:
    """The event of a bar, with numbers as texts."""
    fields = {name: repr(value) for name, value in zip("ohlcv", bar[1:], strict=True)}
    kline = {"t": bar.open_time_ms, "s": symbol, "i": timeframe, **fields, "n": 100, "x": closed}
    return {"e": "kline", "E": bar.open_time_ms, "s": symbol, "k": kline}


def candle(bar: Bar) -> dict[str, Any]:
    """A bar as one of a batch."""
    return {
        "timestamp": bar.open_time_ms,
        **dict(zip(("open", "high", "low", "close", "volume"), bar[1:], strict=True)),
    }
