"""Minervini Trend Template with EMA(3), EMA(7) and EMA(15), which go 1/2, 1/4 and 1/8 of the way to each close."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "minervini_trend_template"
PERIODS: dict[str, Any] = {"ema_short": 3, "ema_medium": 7, "ema_long": 15}
# The EMAs: 24, 20 and 18, the long one after 16; low 8 and high 32. Every true range is 16, so the ATR is.
UP: list[Candle] = [*[(16.0, 24.0, 8.0, 16.0, 1.0)] * 15, (20.0, 32.0, 16.0, 32.0, 1.0)]


def setup(candles: list[Candle], slope_bars: int = 1, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, **PERIODS, slope_bars=slope_bars, **parameters)


def criteria(candles: list[Candle], **parameters: Any) -> int:
    """How many criteria hold, as the confidence tells when each is worth a hundredth."""
    found = setup(candles, min_criteria=1, base_confidence=0.0, criteria_weight=0.07, **parameters)
    return round(found.confidence * 100) if found else 0


def test_buys_with_distances_in_atrs() -> None:
    nearer: dict[str, Any] = {"stop_loss_atr": 0.5, "take_profit_atr": 1.5}
    assert setup(UP, **nearer) == pytest.approx(("buy", 0.7 + 0.15, 32.0, 32.0 - 8.0, 32.0 + 24.0))
    assert setup(UP) == pytest.approx(("buy", 0.85, 32.0, 32.0 - 2 * 16.0, 32.0 + 3 * 16.0))
    # A true range of 30 after those of 16.
    wider = setup(altered(UP, low=2.0), **nearer)
    assert wider == pytest.approx(("buy", 0.85, 32.0, 32.0 - 0.5 * 17.0, 32.0 + 1.5 * 17.0))


def test_buys_with_distances_in_percent_until_there_is_an_atr() -> None:
    # The close is the short EMA, not above it.
    candles = still(*[16] * 7, 32)
    found = setup_of(ID, candles, ema_short=1, ema_medium=3, ema_long=7, slope_bars=1)
    assert found == pytest.approx(("buy", 0.7 + 0.15 * 6 / 7, 32.0, 32.0 * 0.98, 32.0 * 1.05))


@pytest.mark.parametrize(
    ("parameters", "confidence"),
    [
        pytest.param({"criteria_weight": 0.0}, 0.7, id="base"),
        pytest.param({"criteria_weight": 0.3, "base_confidence": 0.5}, 0.5 + 0.3, id="all criteria"),
        pytest.param({"above_low_ratio": 4.0}, 0.7 + 0.15 * 6 / 7, id="six criteria"),
        pytest.param(
            {"above_low_ratio": 4.0, "near_high_ratio": 1.0, "min_criteria": 5}, 0.7 + 0.15 * 5 / 7, id="five criteria"
        ),
    ],
)
def test_confidence(parameters: dict[str, Any], confidence: float) -> None:
    found = setup(UP, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


def test_is_silent_below_the_least_number_of_criteria() -> None:
    assert setup(UP, min_criteria=7)
    assert setup(UP, above_low_ratio=4.0)
    assert setup(UP, above_low_ratio=4.0, min_criteria=7) is None
    assert setup(UP, above_low_ratio=4.0, near_high_ratio=1.0) is None


# The medium EMA above the long one and the close above the medium one imply a close above the long one.
@pytest.mark.parametrize(
    ("holding", "broken", "parameters"),
    [
        # The EMAs were 33.25 and 27.25, the long one 31 before that; with 57.25 it is 31 again.
        pytest.param(
            still(*[16] * 15, 80, 80, 1, 58),
            still(*[16] * 15, 80, 80, 1, 57.25),
            {"slope_bars": 2, "near_high_ratio": 0.5},
            id="long EMA risen",
        ),
        # The EMAs were 22, 28.25 and 25.6.
        pytest.param(
            still(*[16] * 15, 80, 80, 8, 8, 28.5),
            still(*[16] * 15, 80, 80, 8, 8, 28.25),
            {"near_high_ratio": 0.25},
            id="close above the medium EMA",
        ),
        # The EMAs were 26 and 29; with 47 both are 31.25.
        pytest.param(still(*[32] * 15, 8, 48), still(*[32] * 15, 8, 47), {}, id="medium EMA above the long one"),
        # The EMA was 24.
        pytest.param(
            still(*[16] * 15, 32, 24.25),
            still(*[16] * 15, 32, 24),
            {"near_high_ratio": 0.5},
            id="close above the short EMA",
        ),
        pytest.param(altered(UP, 0, low=7.75), UP, {"above_low_ratio": 4.0}, id="close above the lowest low"),
        pytest.param(
            altered(UP, 0, high=63.75), altered(UP, 0, high=64.0), {"near_high_ratio": 0.5}, id="close near the highest"
        ),
    ],
)
def test_each_criterion_counts(holding: list[Candle], broken: list[Candle], parameters: dict[str, Any]) -> None:
    assert criteria(holding, **parameters) == 7
    assert criteria(broken, **parameters) == 6
    assert setup(broken, min_criteria=7, **parameters) is None


def test_close_below_the_long_ema_counts_too() -> None:
    # The EMAs were 20, 26 and 29. Above the first two, the close misses the third, and the second is below it.
    assert criteria(still(*[32] * 15, 8, 29.25)) == 6
    # On it, the slope of it is missing as well.
    assert criteria(still(*[32] * 15, 8, 29)) == 4


def test_extremes_are_those_of_the_lookback() -> None:
    assert criteria(altered(UP, 0, high=100.0)) == 6
    assert criteria(altered(UP, 0, high=100.0), lookback_periods=15) == 7
    assert criteria(altered(UP, 1, high=100.0), lookback_periods=15) == 6
    assert criteria(UP, above_low_ratio=3.0) == 7
    assert criteria(UP, above_low_ratio=4.0) == 6
    assert criteria(altered(UP, 0, low=16.0), above_low_ratio=3.0, lookback_periods=1) == 6


def test_is_silent_until_there_is_a_long_ema() -> None:
    assert setup(UP[2:]) is None
