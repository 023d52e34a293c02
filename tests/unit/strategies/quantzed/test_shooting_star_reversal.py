"""Shooting Star Reversal on a candle whose shadows are exactly as long as they may and must be."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "shooting_star_reversal"
# The body is 2, the upper shadow 2.5 and the lower one 0.25 times as long. Two closes of three are below 12, the one
# before is 12, and so is the mean of the two last.
STAR: list[Candle] = [*still(11), (13.0, 13.0, 11.0, 11.0, 1.0), *still(12), (14.0, 19.0, 11.5, 12.0, 1.0)]


def setup(candles: list[Candle], trend_period: int = 2, **parameters: Any) -> Setup | None:
    return setup_of(
        ID, candles, lower_shadow_ratio_threshold=0.25, trend_bars=3, trend_period=trend_period, **parameters
    )


def test_sells_at_the_low_with_the_stop_at_the_high() -> None:
    assert setup(STAR) == pytest.approx(("sell", 0.6 + 0.1 * 2.5 / 5, 11.5, 19.0, 11.5 - 1.5 * 7.5))


def test_colour_of_the_body_does_not_matter() -> None:
    white = altered(STAR, open=12.0, close=14.0)
    # Now the close is above the mean.
    assert setup(white) == pytest.approx(("sell", 0.6 + 0.05 + 0.1, 11.5, 19.0, 0.25))


def test_reward_follows_the_risk() -> None:
    assert setup(STAR, risk_reward=1.0) == pytest.approx(("sell", 0.65, 11.5, 19.0, 4.0))


@pytest.mark.parametrize(
    ("candles", "parameters", "confidence"),
    [
        pytest.param(STAR, {"wick_weight": 0.0}, 0.6, id="base"),
        pytest.param(STAR, {"wick_weight": 0.04}, 0.6 + 0.04 * 0.5, id="another weight"),
        pytest.param(altered(STAR, high=22.0), {}, 0.6 + 0.1 * 0.8, id="longer shadow"),
        pytest.param(altered(STAR, open=12.5, low=12.0), {}, 0.6 + 0.1, id="most of the shadow"),
        pytest.param(STAR, {"trend_period": 3}, 0.6 + 0.05 + 0.1, id="close above the mean"),
        pytest.param(STAR, {"trend_period": 3, "trend_bonus": 0.02}, 0.6 + 0.05 + 0.02, id="another bonus for that"),
        pytest.param(STAR, {"trend_period": 5}, 0.6 + 0.05, id="no mean yet"),
        pytest.param(STAR, {"trend_period": 3, "base_confidence": 0.7}, 0.8, id="most of all"),
    ],
)
def test_confidence(candles: list[Candle], parameters: dict[str, Any], confidence: float) -> None:
    found = setup(candles, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(altered(STAR, open=12.0, low=12.0), id="body"),
        pytest.param(altered(STAR, high=18.75), id="long upper shadow"),
        pytest.param(altered(STAR, low=11.25), id="short lower shadow"),
        pytest.param([*still(12, 12, 11), STAR[-1]], id="enough closes below"),
        pytest.param([*still(11, 13, 12), STAR[-1]], id="enough closes below among higher ones"),
        pytest.param([*still(11, 12, 12, 11), STAR[-1]], id="enough closes below of the last ones"),
    ],
)
def test_each_condition_is_needed(broken: list[Candle]) -> None:
    assert setup(STAR)
    assert setup(broken) is None


def test_closes_below_are_counted_as_set() -> None:
    assert setup(STAR, trend_count=3) is None
    assert setup([*still(12, 12, 11), STAR[-1]], trend_count=1)


def test_is_silent_until_there_are_enough_closes() -> None:
    assert setup(STAR[2:]) is None
