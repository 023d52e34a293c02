"""A market seen upside down: what is a buy in a table of candles is a sell in its mirror image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.kit import Candle

View = Callable[[Sequence[Candle]], list[Candle]]


def as_it_is(candles: Sequence[Candle]) -> list[Candle]:
    return list(candles)


def mirrored(candles: Sequence[Candle], around: float = 100.0) -> list[Candle]:
    """Every price as far below `around` as it was above."""
    up = 2.0 * around
    return [(up - open_, up - low, up - high, up - close, volume) for open_, high, low, close, volume in candles]


on_both_sides = pytest.mark.parametrize("view", [pytest.param(as_it_is, id="buy"), pytest.param(mirrored, id="sell")])
