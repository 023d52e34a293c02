"""EMA Alignment Bearish with EMA(3), which goes half the way to each close, and EMA(7), which goes a quarter."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, bars_of, setup_of, setups_of, still

ID = "ema_alignment_bearish"
# The EMAs: 64, 60, 54 and 64, 62, 58.5.
DOWN = still(*[64] * 7, 56, 48)


def setup(candles: list[Candle], **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_fast=3, ema_slow=7, **parameters)


def test_sells_at_the_close_with_the_stop_at_the_slow_ema() -> None:
    # Both bonuses are at their most: 5 * 4.5/58.5 and 10 * 6/54. The risk is 58.5 - 48.
    assert setup(DOWN) == pytest.approx(("sell", 0.7 + 0.1 + 0.05, 48.0, 58.5, 48.0 - 2.5 * 10.5))


def test_reward_follows_the_risk() -> None:
    assert setup(DOWN, risk_reward=1.0) == pytest.approx(("sell", 0.85, 48.0, 58.5, 37.5))


@pytest.mark.parametrize(
    ("parameters", "confidence"),
    [
        pytest.param({"trend_factor": 0.0, "distance_factor": 0.0}, 0.7, id="base"),
        pytest.param({"trend_factor": 0.25, "distance_factor": 0.0}, 0.7 + 0.25 * 4.5 / 58.5, id="trend"),
        pytest.param({"trend_factor": 0.0, "distance_factor": 0.125}, 0.7 + 0.125 * 6 / 54, id="distance"),
        pytest.param({"max_trend_bonus": 0.03}, 0.7 + 0.03 + 0.05, id="most of the trend"),
        pytest.param({"max_distance_bonus": 0.02}, 0.7 + 0.1 + 0.02, id="most of the distance"),
        pytest.param({"base_confidence": 0.8}, 0.85, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], confidence: float) -> None:
    found = setup(DOWN, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


# A close is below an EMA exactly when that EMA falls to it, and a close below the fast EMA is below the slow one
# above it: those conditions cannot fail alone on the last bar.
@pytest.mark.parametrize(
    ("holding", "broken", "slope_bars"),
    [
        # The fast EMA was 60.
        pytest.param(still(*[64] * 7, 56, 59.75), still(*[64] * 7, 56, 60), 2, id="close below the fast EMA"),
        # The EMAs were 66 and 58.5, and then 62 and 58.375; with 51.125 both are 56.5625.
        pytest.param(
            still(*[48] * 7, 72, 72, 58, 51), still(*[48] * 7, 72, 72, 58, 51.125), 2, id="fast EMA below the slow one"
        ),
        # The EMAs were 56 and 60.
        pytest.param(still(*[64] * 7, 48, 55, 48), still(*[64] * 7, 48, 56, 48), 2, id="fast EMA falling before"),
        # The EMAs were 66 and 58.5.
        pytest.param(
            still(*[48] * 7, 72, 72, 58, 40), still(*[48] * 7, 72, 72, 58.5, 40), 2, id="slow EMA falling before"
        ),
        pytest.param(still(*[64] * 7, 56), still(*[64] * 7, 64), 1, id="slow EMA falling now"),
    ],
)
def test_each_condition_is_needed(holding: list[Candle], broken: list[Candle], slope_bars: int) -> None:
    assert setup(holding, slope_bars=slope_bars)
    assert setup(broken, slope_bars=slope_bars) is None


def test_slope_is_asked_of_as_many_bars_as_set() -> None:
    rose_before = still(*[64] * 7, 48, 56, 48)
    assert setup(rose_before, slope_bars=2) is None
    assert setup(rose_before, slope_bars=1)


def test_is_silent_until_the_slope_of_the_slow_ema_is_known() -> None:
    assert setup(DOWN[1:]) is None
    assert setups_of(ID, bars_of(DOWN), ema_fast=3, ema_slow=7)[:-1] == [None] * 8
