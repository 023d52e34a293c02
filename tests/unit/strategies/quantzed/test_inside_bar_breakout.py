"""Inside Bar Breakout with EMA(3), which goes half the way to each close, and EMA(7), which goes a quarter."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, bars_of, setup_of, setups_of, still

ID = "inside_bar_breakout"


def inside(first: tuple[float, ...], mother_close: float, close: float) -> list[Candle]:
    """Closes that end with an inside bar of a range of 8 in a bar of a range of 32."""
    mother = (mother_close, 40.0, 8.0, mother_close, 1.0)
    return [*still(*first), mother, (close, 36.0, 28.0, close, 1.0)]


# The EMAs: 16, 20, 26 and 16, 18, 21.5.
UP = inside((16,) * 7, 24, 32)
DIP = (32,) * 7 + (8, 8)  # the EMAs: 14 and 21.5


def setup(candles: list[Candle], trend_bars: int = 2, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_fast=3, ema_slow=7, trend_bars=trend_bars, **parameters)


def test_buys_at_the_high_with_the_stop_at_the_low() -> None:
    # A quarter of the range before; the distance between the EMAs earns its most.
    assert setup(UP) == pytest.approx(("buy", 0.76 + 0.1 * 0.75 + 0.08, 36.0, 28.0, 36.0 + 2 * 8.0))


def test_reward_follows_the_risk() -> None:
    assert setup(UP, risk_reward=0.5) == pytest.approx(("buy", 0.915, 36.0, 28.0, 40.0))


@pytest.mark.parametrize(
    ("parameters", "confidence"),
    [
        pytest.param({"quality_factor": 0.0, "trend_factor": 0.0}, 0.76, id="base"),
        pytest.param({"quality_factor": 0.04, "trend_factor": 0.0}, 0.76 + 0.04 * 0.75, id="quality"),
        pytest.param({"quality_factor": 0.0, "trend_factor": 0.25}, 0.76 + 0.25 * 4.5 / 21.5, id="trend"),
        pytest.param({"quality_factor": 0.0, "max_trend_bonus": 0.03}, 0.76 + 0.03, id="most of the trend"),
        pytest.param({"base_confidence": 0.8}, 0.92, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], confidence: float) -> None:
    found = setup(UP, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


# A close is above an EMA exactly when that EMA rises to it, so the last bar can fail neither condition alone; on the
# bar before, each is asked for by a number of bars of its own.
@pytest.mark.parametrize(
    ("holding", "broken", "trend_bars", "slope_bars"),
    [
        pytest.param(altered(UP, high=39.75), altered(UP, high=40.0), 2, 2, id="lower high"),
        pytest.param(altered(UP, low=8.25), altered(UP, low=8.0), 2, 2, id="higher low"),
        pytest.param(
            altered(UP, high=32.25, low=32.0), altered(UP, high=32.0, low=32.0), 2, 2, id="high above the low"
        ),
        # The EMAs were 20 and 18.
        pytest.param(inside((16,) * 7, 24, 28), altered(UP, open=30, low=20, close=20), 1, 1, id="close above the EMA"),
        # The EMAs were 18 and 21.625; with 28.875 both are 23.4375.
        pytest.param(inside(DIP, 22, 29), inside(DIP, 22, 28.875), 2, 2, id="fast EMA above the slow one"),
        # The EMAs were 24 and 20.
        pytest.param(inside((16,) * 7 + (32,), 25, 32), inside((16,) * 7 + (32,), 24, 32), 2, 1, id="close before"),
        pytest.param(inside((16,) * 7 + (32,), 25, 32), inside((16,) * 7 + (32,), 24, 32), 1, 2, id="fast EMA rising"),
        # The EMAs were 14 and 21.5.
        pytest.param(inside(DIP, 22, 36), inside(DIP, 21.5, 36), 2, 2, id="slow EMA rising"),
    ],
)
def test_each_condition_is_needed(
    holding: list[Candle], broken: list[Candle], trend_bars: int, slope_bars: int
) -> None:
    assert setup(holding, trend_bars=trend_bars, slope_bars=slope_bars)
    assert setup(broken, trend_bars=trend_bars, slope_bars=slope_bars) is None


def test_bar_before_the_asked_ones_does_not_matter() -> None:
    fell_before = inside((16,) * 7 + (32,), 24, 32)
    assert setup(fell_before, trend_bars=1, slope_bars=1)


def test_is_silent_until_the_slope_of_the_slow_ema_is_known() -> None:
    assert setup(UP[1:]) is None
    assert setups_of(ID, bars_of(UP), ema_fast=3, ema_slow=7, trend_bars=2)[:-1] == [None] * 8
