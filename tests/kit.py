"""Builders that the tests share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from dataflow.recorded import read_bars
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


SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT", "SOLUSDT", "1000SHIBUSDT")
"""Those with a year of real bars, of 15m and of 1h."""


def real_klines() -> Path:
    """The folder of recorded klines, beside the project; the test fails where there is none."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "klines"
    if not any(folder.glob("*.csv.gz")):
        pytest.fail(f"this test needs the recorded klines (*.csv.gz) in {folder}, and there are none", pytrace=False)
    return folder


def real_klines_file(symbol: str, timeframe: str) -> Path:
    """The file with a year of real bars of a key."""
    return real_klines() / f"{symbol}-{timeframe}.csv.gz"


@lru_cache(maxsize=2)
def real_bars(symbol: str, timeframe: str = "15m") -> tuple[Bar, ...]:
    """A year of real bars, without gaps."""
    return tuple(bar for _, bar in read_bars([real_klines_file(symbol, timeframe)]))
