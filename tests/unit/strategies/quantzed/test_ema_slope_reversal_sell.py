"""EMA Slope Reversal Sell with EMA(3), which goes half the way to each close.

So the EMA falls exactly when the close is below it: that condition cannot fail alone.
"""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "ema_slope_reversal_sell"
# The EMA: 16, 20, 16, so the slopes are 4 and -4.
TURN: list[Candle] = [*still(16, 16, 16, 24), (14.0, 14.5, 10.5, 12.0, 1.0)]


def setup(candles: list[Candle], **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_period=3, **parameters)


def test_sells_at_the_low_with_the_stop_at_the_high() -> None:
    assert setup(TURN) == pytest.approx(("sell", 0.8, 10.5, 14.5, 10.5 - 2 * 4.0))


def test_reward_follows_the_risk() -> None:
    assert setup(TURN, risk_reward=0.5) == pytest.approx(("sell", 0.8, 10.5, 14.5, 8.5))


@pytest.mark.parametrize(
    ("parameters", "confidence"),
    [
        pytest.param({"slope_factor": 0.0, "distance_factor": 0.0}, 0.6, id="base"),
        pytest.param({"slope_factor": 0.125, "distance_factor": 0.0}, 0.6 + 0.125 * 8 / 12, id="slope"),
        pytest.param({"slope_factor": 0.0, "distance_factor": 0.125}, 0.6 + 0.125 * 4 / 12, id="distance"),
        pytest.param(
            {"slope_factor": 0.125, "distance_factor": 0.125, "base_confidence": 0.5}, 0.5 + 0.125 * 12 / 12, id="both"
        ),
        pytest.param({"slope_factor": 0.125, "distance_factor": 0.125, "base_confidence": 0.75}, 0.8, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], confidence: float) -> None:
    found = setup(TURN, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("holding", "broken"),
    [
        pytest.param([*still(16, 16, 16, 16.25), TURN[-1]], [*still(16, 16, 16, 16), TURN[-1]], id="EMA rising before"),
        pytest.param([*still(16, 16, 16, 17), TURN[-1]], [*still(16, 16, 16, 15), TURN[-1]], id="not falling before"),
        # The EMA was 20.
        pytest.param(altered(TURN, high=21.0, close=19.75), altered(TURN, high=21.0, close=20.0), id="EMA falling"),
        pytest.param(
            altered(TURN, open=12.0, high=12.25, low=12.0),
            altered(TURN, open=12.0, high=12.0, low=12.0),
            id="high above the low",
        ),
    ],
)
def test_each_condition_is_needed(holding: list[Candle], broken: list[Candle]) -> None:
    assert setup(holding)
    assert setup(broken) is None


def test_is_silent_until_the_slope_before_is_known() -> None:
    assert setup(TURN[1:]) is None
