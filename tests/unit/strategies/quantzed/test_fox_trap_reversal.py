"""Fox Trap Reversal with EMA(3), EMA(7) and EMA(15), which go 1/2, 1/4 and 1/8 of the way to each close."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "fox_trap_reversal"
PERIODS: dict[str, Any] = {"ema_fast": 3, "ema_medium": 7, "ema_slow": 15}
# The EMAs: (32, 24, 20), (30, 25, 21), (32, 27.25, 22.625). A 64th above 32 is 32.5.
UP: list[Candle] = [*still(*[16] * 15, 48), (34.0, 34.0, 28.0, 28.0, 1.0), (33.0, 36.0, 32.5, 34.0, 1.0)]
# The EMAs: (32, 40, 44), (34, 39, 43), (32, 36.75, 41.375). A 64th below 32 is 31.5.
DOWN: list[Candle] = [*still(*[48] * 15, 16), (30.0, 36.0, 30.0, 36.0, 1.0), (31.0, 31.5, 28.0, 30.0, 1.0)]
# The EMAs: (40, 30, ...), (30, 27.5, ...), (25, 25.625, 22.678...), the slow one below.
PEAK = still(*[16] * 15, 48, 48, 20, 20)
# The EMAs: (24, 34, ...), (34, 36.5, ...), (39, 38.375, 41.321...), the slow one above.
TROUGH = still(*[48] * 15, 16, 16, 44, 44)


def setup(candles: list[Candle], persistence_bars: int = 2, **parameters: Any) -> Setup | None:
    threshold = 1 / 64
    return setup_of(ID, candles, **PERIODS, touch_threshold=threshold, persistence_bars=persistence_bars, **parameters)


def test_buys_at_the_high_with_the_stop_at_the_low() -> None:
    assert setup(UP) == pytest.approx(("buy", 0.78 + 0.08, 36.0, 32.5, 36.0 + 2 * 3.5))


def test_sells_at_the_low_with_the_stop_at_the_high() -> None:
    assert setup(DOWN) == pytest.approx(("sell", 0.78 + 0.08, 28.0, 31.5, 28.0 - 2 * 3.5))


def test_reward_follows_the_risk() -> None:
    assert setup(UP, risk_reward=4.0) == pytest.approx(("buy", 0.86, 36.0, 32.5, 50.0))
    assert setup(DOWN, risk_reward=4.0) == pytest.approx(("sell", 0.86, 28.0, 31.5, 14.0))


@pytest.mark.parametrize(
    ("parameters", "of_a_buy", "of_a_sell"),
    [
        pytest.param({"separation_factor": 0.0}, 0.78, 0.78, id="base"),
        pytest.param(
            {"separation_factor": 2.0},
            0.78 + 0.08 * 2 * (32 - 22.625) / 22.625,
            0.78 + 0.08 * 2 * (41.375 - 32) / 41.375,
            id="separation",
        ),
        pytest.param({"separation_weight": 0.03}, 0.81, 0.81, id="most of the separation"),
        pytest.param({"base_confidence": 0.9}, 0.92, 0.92, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], of_a_buy: float, of_a_sell: float) -> None:
    buy, sell = setup(UP, **parameters), setup(DOWN, **parameters)
    assert buy
    assert sell
    assert (buy.confidence, sell.confidence) == pytest.approx((of_a_buy, of_a_sell))


@pytest.mark.parametrize(
    ("holding", "broken"),
    [
        # With 30 the EMA stays there.
        pytest.param(
            altered(UP, open=30.0, low=30.0, close=30.25),
            altered(UP, open=29.0, low=29.0, close=30.0),
            id="close above",
        ),
        # With 32 before the EMA stays there, and then rises to 33.
        pytest.param([*UP[:-2], *still(31.75), UP[-1]], [*UP[:-2], *still(32), UP[-1]], id="close below before"),
        pytest.param(UP, altered(UP, low=32.75), id="low at the fast EMA"),
        pytest.param(altered(UP, open=33.75), altered(UP, open=34.0), id="close above the open"),
        # With 26.875 both EMAs are 25.9375.
        pytest.param(
            [*PEAK, (26.0, 27.0, 26.0, 27.0, 1.0)],
            [*PEAK, (26.0, 27.0, 26.0, 26.875, 1.0)],
            id="fast EMA above the medium one",
        ),
    ],
)
def test_each_condition_of_a_buy_is_needed(holding: list[Candle], broken: list[Candle]) -> None:
    found = setup(holding)
    assert found
    assert found.action == "buy"
    assert setup(broken) is None


@pytest.mark.parametrize(
    ("holding", "broken"),
    [
        # With 34 the EMA stays there.
        pytest.param(
            altered(DOWN, open=34.0, high=34.0, close=33.75),
            altered(DOWN, open=35.0, high=35.0, close=34.0),
            id="close below",
        ),
        # With 32 before the EMA stays there, and then falls to 31.
        pytest.param(
            [*DOWN[:-2], *still(32.25), DOWN[-1]], [*DOWN[:-2], *still(32), DOWN[-1]], id="close above before"
        ),
        pytest.param(DOWN, altered(DOWN, high=31.25), id="high at the fast EMA"),
        pytest.param(altered(DOWN, open=30.25), altered(DOWN, open=30.0), id="close below the open"),
        # With 37.125 both EMAs are 38.0625.
        pytest.param(
            [*TROUGH, (38.0, 38.0, 37.0, 37.0, 1.0)],
            [*TROUGH, (38.0, 38.0, 37.0, 37.125, 1.0)],
            id="fast EMA below the medium one",
        ),
    ],
)
def test_each_condition_of_a_sell_is_needed(holding: list[Candle], broken: list[Candle]) -> None:
    found = setup(holding)
    assert found
    assert found.action == "sell"
    assert setup(broken) is None


@pytest.mark.parametrize("candles", [pytest.param(UP, id="buy"), pytest.param(DOWN, id="sell")])
def test_trend_must_have_persisted(candles: list[Candle]) -> None:
    # Before the three last bars the EMAs were equal.
    assert setup(candles, persistence_bars=3)
    assert setup(candles, persistence_bars=4) is None


@pytest.mark.parametrize("candles", [pytest.param(UP, id="buy"), pytest.param(DOWN, id="sell")])
def test_is_silent_until_there_are_emas(candles: list[Candle]) -> None:
    assert setup(candles[3:], persistence_bars=1)
    assert setup(candles[4:], persistence_bars=1) is None
