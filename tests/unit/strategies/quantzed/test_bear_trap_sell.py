"""Bear Trap Sell with EMA(3), which goes half the way to each close."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "bear_trap_sell"
# The EMA: 40, 36.
TRAP: list[Candle] = [*still(48, 48, 24), (34.0, 44.0, 28.0, 32.0, 1.0)]


def setup(candles: list[Candle], strength_bars: int = 2, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, ema_period=3, strength_bars=strength_bars, **parameters)


def test_sells_at_the_low_with_the_stop_at_the_high() -> None:
    assert setup(TRAP, risk_reward=1.0) == pytest.approx(("sell", 0.6 + 0.25 * 12 / 16, 28.0, 44.0, 12.0))


def test_reward_follows_the_risk() -> None:
    assert setup(TRAP, risk_reward=0.5) == pytest.approx(("sell", 0.7875, 28.0, 44.0, 20.0))
    assert setup(altered(TRAP, high=36.25)) == pytest.approx(
        ("sell", 0.6 + 0.25 * 4.25 / 8.25, 28.0, 36.25, 28.0 - 2 * 8.25)
    )


@pytest.mark.parametrize(
    ("candles", "parameters", "confidence"),
    [
        pytest.param(TRAP, {"rejection_factor": 0.0}, 0.6, id="base"),
        pytest.param(TRAP, {"rejection_factor": 0.1}, 0.6 + 0.1 * 0.75, id="another factor"),
        pytest.param(altered(TRAP, low=20.0), {}, 0.6 + 0.25 * 0.5, id="close in the middle"),
        pytest.param(altered(TRAP, low=32.0), {"base_confidence": 0.5}, 0.5 + 0.25, id="close at the low"),
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
        pytest.param(altered(TRAP, high=36.25), altered(TRAP, high=36.0), 2, id="high above the EMA"),
        # The EMA was 40.
        pytest.param(altered(TRAP, close=39.75), altered(TRAP, close=40.0), 1, id="close below the EMA"),
        # The EMA was 48.
        pytest.param([*still(48, 48, 48, 47), TRAP[-1]], [*still(48, 48, 48, 48), TRAP[-1]], 2, id="close before"),
        pytest.param(
            [*still(48, 48, 48, 47, 24), TRAP[-1]], [*still(48, 48, 48, 48, 24), TRAP[-1]], 3, id="close before that"
        ),
    ],
)
def test_each_condition_is_needed(holding: list[Candle], broken: list[Candle], strength_bars: int) -> None:
    assert setup(holding, strength_bars)
    assert setup(broken, strength_bars) is None


def test_closes_are_asked_of_as_many_bars_as_set() -> None:
    candles = [*still(48, 48, 48, 48), TRAP[-1]]
    assert setup(candles, 2) is None
    assert setup(candles, 1)


def test_is_silent_until_there_are_enough_emas() -> None:
    assert setup(TRAP[1:]) is None
    assert setup(TRAP[1:], 1)
    assert setup(TRAP[2:], 1) is None
