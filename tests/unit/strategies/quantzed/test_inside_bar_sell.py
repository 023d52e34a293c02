"""Inside Bar Sell with EMA(3), which goes half the way to each close, and EMA(7), which goes a quarter."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "inside_bar_sell"
MOTHER: Candle = (64.0, 80.0, 16.0, 64.0, 1.0)
# The EMAs: 50 and (6*64 + 36) / 7 = 60.
DOWN: list[Candle] = [*still(*[64] * 5), MOTHER, (40.0, 44.0, 34.0, 36.0, 1.0)]


def inside(first: tuple[float, ...], mother_close: float, close: float) -> list[Candle]:
    """Closes that end with an inside bar."""
    return [*still(*first), (mother_close, 100.0, 16.0, mother_close, 1.0), (close, close + 1, close - 1, close, 1.0)]


def setup(candles: list[Candle], **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_fast=3, ema_slow=7, **parameters)


def test_sells_at_the_low_with_the_stop_at_the_high() -> None:
    assert setup(DOWN) == pytest.approx(("sell", 0.8, 34.0, 44.0, 34.0 - 2 * 10.0))


def test_reward_follows_the_risk() -> None:
    assert setup(DOWN, risk_reward=0.5) == pytest.approx(("sell", 0.8, 34.0, 44.0, 29.0))


@pytest.mark.parametrize(
    ("parameters", "confidence"),
    [
        pytest.param({"strength_factor": 0.0}, 0.6, id="base"),
        pytest.param({"strength_factor": 0.25}, 0.6 + 0.25 * 24 / 36, id="distance from the slow EMA"),
        pytest.param({"strength_factor": 0.25, "base_confidence": 0.5}, 0.5 + 0.25 * 24 / 36, id="another base"),
        pytest.param({"strength_factor": 0.25, "base_confidence": 0.75}, 0.8, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], confidence: float) -> None:
    found = setup(DOWN, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("holding", "broken"),
    [
        pytest.param(altered(DOWN, high=79.75), altered(DOWN, high=80.0), id="lower high"),
        pytest.param(altered(DOWN, low=16.25), altered(DOWN, low=16.0), id="higher low"),
        pytest.param(
            altered(DOWN, open=36.0, high=36.25, low=36.0),
            altered(DOWN, open=36.0, high=36.0, low=36.0),
            id="high above the low",
        ),
        # The EMAs were 48 and 56.
        pytest.param(inside((64,) * 7, 32, 47), inside((64,) * 7, 32, 48), id="close below the fast EMA"),
        # The EMAs were 80 and 72; with 56 both are 68.
        pytest.param(inside((64,) * 7, 96, 55), inside((64,) * 7, 96, 56), id="fast EMA below the slow one"),
    ],
)
def test_each_condition_is_needed(holding: list[Candle], broken: list[Candle]) -> None:
    assert setup(holding)
    assert setup(broken) is None


def test_is_silent_until_there_is_a_slow_ema() -> None:
    assert setup(DOWN[1:]) is None
