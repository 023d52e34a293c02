"""EMA Pullback Continuation with EMA(3), EMA(7) and EMA(15), which go 1/2, 1/4 and 1/8 of the way to each close."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "ema_pullback_continuation"
PERIODS: dict[str, Any] = {"ema_signal": 3, "ema_period": 7, "ema_trend": 15}
# The EMAs: (16, 16, 16), (24, 20, 18), (32, 25, 20.75). A quarter above 25 is 31.25.
LOW = still(*[16] * 15)
UP: list[Candle] = [*LOW, (16.0, 32.0, 16.0, 32.0, 1.0), (32.0, 44.0, 31.25, 40.0, 1.0)]
# The EMAs: (64, 64, 64), (48, 56, 60), (42, 51, 57). A quarter below 51 is 38.25.
HIGH = still(*[64] * 15)
DOWN: list[Candle] = [*HIGH, (37.0, 37.5, 32.0, 32.0, 1.0), (36.0, 38.25, 35.0, 36.0, 1.0)]


def setup(candles: list[Candle], trend_bars: int = 2, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, **PERIODS, pullback_threshold=0.25, trend_bars=trend_bars, **parameters)


def test_buys_at_the_high_with_the_stop_at_the_low() -> None:
    # The trend has its whole weight, the depth none.
    assert setup(UP) == pytest.approx(("buy", 0.74 + 0.08, 44.0, 31.25, 44.0 + 2 * 12.75))


def test_sells_at_the_low_with_the_stop_at_the_high() -> None:
    assert setup(DOWN) == pytest.approx(("sell", 0.74 + 0.08, 35.0, 38.25, 35.0 - 2 * 3.25))


def test_reward_follows_the_risk() -> None:
    assert setup(UP, risk_reward=1.0) == pytest.approx(("buy", 0.82, 44.0, 31.25, 56.75))
    assert setup(DOWN, risk_reward=1.0) == pytest.approx(("sell", 0.82, 35.0, 38.25, 31.75))


@pytest.mark.parametrize(
    ("parameters", "of_a_buy", "of_a_sell"),
    [
        pytest.param({"trend_factor": 0.0}, 0.74, 0.74, id="base"),
        pytest.param(
            {"trend_factor": 2.0},
            0.74 + 0.08 * 2 * (25 - 20.75) / 20.75,
            0.74 + 0.08 * 2 * (57 - 51) / 57,
            id="trend",
        ),
        pytest.param({"trend_weight": 0.03}, 0.77, 0.77, id="weight of the trend"),
        pytest.param(
            {"trend_factor": 0.0, "depth_factor": 0.5},
            0.74 + 0.06 * (1 - 0.5 * (40 - 25) / 25),
            0.74 + 0.06 * (1 - 0.5 * (51 - 36) / 51),
            id="depth",
        ),
        pytest.param(
            {"trend_factor": 0.0, "depth_factor": 0.0, "depth_weight": 0.04}, 0.78, 0.78, id="weight of the depth"
        ),
        pytest.param({"depth_factor": 0.0, "base_confidence": 0.75}, 0.88, 0.88, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], of_a_buy: float, of_a_sell: float) -> None:
    buy, sell = setup(UP, **parameters), setup(DOWN, **parameters)
    assert buy
    assert sell
    assert (buy.confidence, sell.confidence) == pytest.approx((of_a_buy, of_a_sell))


@pytest.mark.parametrize(
    ("holding", "broken", "trend_bars"),
    [
        pytest.param(UP, altered(UP, low=31.5), 2, id="low at the EMA"),
        # The EMA was 20.
        pytest.param([*LOW, *still(32, 21), UP[-1]], [*LOW, *still(32, 20), UP[-1]], 2, id="close above it before"),
        pytest.param([*LOW, *still(32, 21)], [*LOW, *still(32, 20)], 1, id="close above it now"),
        # The EMAs were 28 and 30; with 42 both are 31.5.
        pytest.param(
            [*still(*[32] * 15, 16), (32.0, 43.0, 32.0, 43.0, 1.0)],
            [*still(*[32] * 15, 16), (32.0, 42.0, 32.0, 42.0, 1.0)],
            1,
            id="EMA above the trend EMA",
        ),
    ],
)
def test_each_condition_of_a_buy_is_needed(holding: list[Candle], broken: list[Candle], trend_bars: int) -> None:
    found = setup(holding, trend_bars=trend_bars)
    assert found
    assert found.action == "buy"
    assert setup(broken, trend_bars=trend_bars) is None


@pytest.mark.parametrize(
    ("holding", "broken", "trend_bars"),
    [
        pytest.param(DOWN, altered(DOWN, high=38.0), 2, id="high at the EMA"),
        pytest.param(altered(DOWN, -2, high=38.0), altered(DOWN, -2, high=38.25), 2, id="higher high"),
        # The EMA was 64.
        pytest.param(
            [*HIGH, *still(63), (65.0, 65.0, 36.0, 36.0, 1.0)],
            [*HIGH, *still(64), (65.0, 65.0, 36.0, 36.0, 1.0)],
            2,
            id="close below it before",
        ),
        # The EMA was 56.
        pytest.param([*HIGH, *still(32, 55)], [*HIGH, *still(32, 56)], 1, id="close below it now"),
        # The EMAs were 96 and 80; with 48 both are 72.
        pytest.param(
            [*HIGH, *still(128), (129.0, 129.0, 47.0, 47.0, 1.0)],
            [*HIGH, *still(128), (129.0, 129.0, 48.0, 48.0, 1.0)],
            1,
            id="signal EMA below the EMA",
        ),
    ],
)
def test_each_condition_of_a_sell_is_needed(holding: list[Candle], broken: list[Candle], trend_bars: int) -> None:
    found = setup(holding, trend_bars=trend_bars)
    assert found
    assert found.action == "sell"
    assert setup(broken, trend_bars=trend_bars) is None


def test_closes_are_asked_of_as_many_bars_as_set() -> None:
    # Before both stories the closes lie on the EMA.
    assert setup(UP, trend_bars=3) is None
    assert setup(DOWN, trend_bars=3) is None


def test_is_silent_until_there_are_emas() -> None:
    assert setup(UP[3:]) is None
    assert setup(DOWN[-6:], trend_bars=1) is None


def test_sell_has_no_confidence_until_there_is_a_trend_ema() -> None:
    found = setup(DOWN[3:])
    assert found
    assert not found.confidence >= 0.0
