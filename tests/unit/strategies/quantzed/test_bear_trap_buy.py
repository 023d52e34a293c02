"""Bear Trap Buy with EMA(3), which goes half the way to each close."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "bear_trap_buy"
# The EMA: 24, 28.
TRAP: list[Candle] = [*still(16, 16, 40), (30.0, 36.0, 20.0, 32.0, 1.0)]


def setup(candles: list[Candle], strength_bars: int = 2, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_period=3, strength_bars=strength_bars, **parameters)


def test_buys_at_the_high_with_the_stop_at_the_low() -> None:
    assert setup(TRAP) == pytest.approx(("buy", 0.6 + 0.25 * 12 / 16, 36.0, 20.0, 36.0 + 2 * 16.0))


def test_reward_follows_the_risk() -> None:
    assert setup(TRAP, risk_reward=0.5) == pytest.approx(("buy", 0.7875, 36.0, 20.0, 44.0))


@pytest.mark.parametrize(
    ("candles", "parameters", "confidence"),
    [
        pytest.param(TRAP, {"recovery_factor": 0.0}, 0.6, id="base"),
        pytest.param(TRAP, {"recovery_factor": 0.1}, 0.6 + 0.1 * 0.75, id="another factor"),
        pytest.param(altered(TRAP, high=44.0), {}, 0.6 + 0.25 * 0.5, id="close in the middle"),
        pytest.param(altered(TRAP, high=32.0), {"base_confidence": 0.5}, 0.5 + 0.25, id="close at the high"),
        pytest.param(TRAP, {"base_confidence": 0.7}, 0.85, id="most of all"),
    ],
)
def test_confidence(candles: list[Candle], parameters: dict[str, Any], confidence: float) -> None:
    found = setup(candles, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    ("holding", "broken", "strength_bars"),
    [
        pytest.param(altered(TRAP, low=27.75), altered(TRAP, low=28.0), 2, id="low below the EMA"),
        # The EMA was 24.
        pytest.param(altered(TRAP, close=24.25), altered(TRAP, close=24.0), 1, id="close above the EMA"),
        # The EMA was 16.
        pytest.param([*still(16, 16, 16, 17), TRAP[-1]], [*still(16, 16, 16, 16), TRAP[-1]], 2, id="close before"),
        pytest.param(
            [*still(16, 16, 16, 17, 40), TRAP[-1]], [*still(16, 16, 16, 16, 40), TRAP[-1]], 3, id="close before that"
        ),
    ],
)
def test_each_condition_is_needed(holding: list[Candle], broken: list[Candle], strength_bars: int) -> None:
    assert setup(holding, strength_bars)
    assert setup(broken, strength_bars) is None


def test_closes_are_asked_of_as_many_bars_as_set() -> None:
    candles = [*still(16, 16, 16, 16), TRAP[-1]]
    assert setup(candles, 2) is None
    assert setup(candles, 1)


def test_is_silent_until_there_are_enough_emas() -> None:
    assert setup(TRAP[1:]) is None
    assert setup(TRAP[1:], 1)
    assert setup(TRAP[2:], 1) is None
