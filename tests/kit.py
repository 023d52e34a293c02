"""Builders that the tests share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from state.bar import Bar
from state.indicator_set import IndicatorSet
from state.timeframe import TIMEFRAMES
from strategies.registry import STRATEGIES
from strategies.setup import Setup

Candle = tuple[float, float, float, float, float]
"""Open, high, low, close and volume."""


def bars_of(candles: Iterable[Candle], timeframe: str = "15m", start_ms: int = 0) -> list[Bar]:
    """One bar after the other, without gaps, from `start_ms`."""
    span_ms = TIMEFRAMES[timeframe].span_ms
    return [Bar(start_ms + i * span_ms, *candle) for i, candle in enumerate(candles)]


def setups_of(strategy_id: str, bars: Sequence[Bar], timeframe: str = "15m", **parameters: Any) -> list[Setup | None]:
    """The setup of one strategy on every bar, before `min_data_points`, `min_confidence` and level checks."""
    kind = STRATEGIES[strategy_id]
    need = IndicatorSet(TIMEFRAMES[timeframe])
    strategy = kind(kind.parameters(**parameters), need)
    setups = []
    for bar in bars:
        need.update(bar)
        setups.append(strategy.setup())
    return setups


def setup_of(strategy_id: str, candles: Iterable[Candle], timeframe: str = "15m", **parameters: Any) -> Setup | None:
    """The setup of one strategy on the last of some candles."""
    return setups_of(strategy_id, bars_of(candles, timeframe), timeframe, **parameters)[-1]


def still(*prices: float) -> list[Candle]:
    """A candle per price, which opens at it, never leaves it, and has a volume of 1."""
    return [(price, price, price, price, 1.0) for price in map(float, prices)]


def altered(candles: Sequence[Candle], index: int = -1, **fields: float) -> list[Candle]:
    """The candles with some fields of one of them, the last unless told, set to other values."""
    values = dict(zip(Bar._fields[1:], candles[index], strict=True)) | fields
    open_, high, low, close, volume = values.values()
    rest = list(candles)
    rest[index] = (open_, high, low, close, volume)
    return rest
