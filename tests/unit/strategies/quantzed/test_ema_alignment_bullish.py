"""EMA Alignment Bullish with EMA(3), which goes half the way to each close, and EMA(7), which goes a quarter."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, bars_of, setup_of, setups_of, still

ID = "ema_alignment_bullish"
# The EMAs: 16, 20, 26 and 16, 18, 21.5.
UP = still(*[16] * 7, 24, 32)


def setup(candles: list[Candle], **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_fast=3, ema_slow=7, **parameters)


def test_buys_at_the_close_with_the_stop_at_the_slow_ema() -> None:
    # Both bonuses are at their most; the risk is 32 - 21.5.
    assert setup(UP) == pytest.approx(("buy", 0.74 + 0.1 + 0.05, 32.0, 21.5, 32.0 + 2.5 * 10.5))


def test_reward_follows_the_risk() -> None:
    assert setup(UP, risk_reward=1.0) == pytest.approx(("buy", 0.89, 32.0, 21.5, 42.5))


@pytest.mark.parametrize(
    ("parameters", "confidence"),
    [
        pytest.param({"trend_factor": 0.0, "distance_factor": 0.0}, 0.74, id="base"),
        pytest.param({"trend_factor": 0.25, "distance_factor": 0.0}, 0.74 + 0.25 * 4.5 / 21.5, id="trend"),
        pytest.param({"trend_factor": 0.0, "distance_factor": 0.125}, 0.74 + 0.125 * 6 / 26, id="distance"),
        pytest.param({"max_trend_bonus": 0.03}, 0.74 + 0.03 + 0.05, id="most of the trend"),
        pytest.param({"max_distance_bonus": 0.02}, 0.74 + 0.1 + 0.02, id="most of the distance"),
        pytest.param({"base_confidence": 0.9}, 0.95, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], confidence: float) -> None:
    found = setup(UP, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


# A close is above an EMA exactly when that EMA rises to it, and a close above the fast EMA is above the slow one
# below it: those conditions cannot fail alone on the last bar.
@pytest.mark.parametrize(
    ("holding", "broken", "slope_bars"),
    [
        # The fast EMA was 20.
        pytest.param(still(*[16] * 7, 24, 20.25), still(*[16] * 7, 24, 20), 2, id="close above the fast EMA"),
        # The EMAs were 14 and 21.5, and then 18 and 21.625; with 28.875 both are 23.4375.
        pytest.param(
            still(*[32] * 7, 8, 8, 22, 29), still(*[32] * 7, 8, 8, 22, 28.875), 2, id="fast EMA above the slow one"
        ),
        # The EMAs were 24 and 20.
        pytest.param(still(*[16] * 7, 32, 25, 32), still(*[16] * 7, 32, 24, 32), 2, id="fast EMA rising before"),
        # The EMAs were 14 and 21.5.
        pytest.param(still(*[32] * 7, 8, 8, 22, 40), still(*[32] * 7, 8, 8, 21.5, 40), 2, id="slow EMA rising before"),
        pytest.param(still(*[16] * 7, 24), still(*[16] * 7, 16), 1, id="slow EMA rising now"),
    ],
)
def test_each_condition_is_needed(holding: list[Candle], broken: list[Candle], slope_bars: int) -> None:
    assert setup(holding, slope_bars=slope_bars)
    assert setup(broken, slope_bars=slope_bars) is None


def test_slope_is_asked_of_as_many_bars_as_set() -> None:
    fell_before = still(*[16] * 7, 32, 24, 32)
    assert setup(fell_before, slope_bars=2) is None
    assert setup(fell_before, slope_bars=1)


def test_is_silent_until_the_slope_of_the_slow_ema_is_known() -> None:
    assert setup(UP[1:]) is None
    assert setups_of(ID, bars_of(UP), ema_fast=3, ema_slow=7)[:-1] == [None] * 8
