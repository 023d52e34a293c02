"""Hammer Reversal Pattern on a candle whose shadows are exactly as long as they may and must be."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of, still

ID = "hammer_reversal_pattern"
# The body is 2, the lower shadow 2.5 and the upper one 0.25 times as long. Two closes of three are above 12.
HAMMER: list[Candle] = [*still(13, 12), (11.0, 13.0, 11.0, 13.0, 1.0), (10.0, 12.5, 5.0, 12.0, 1.0)]


def setup(candles: list[Candle], **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, upper_shadow_ratio_threshold=0.25, trend_bars=3, **parameters)


def test_buys_at_the_high_with_the_stop_at_the_low() -> None:
    assert setup(HAMMER) == pytest.approx(("buy", 0.68 + 0.1 * 2.5 / 5, 12.5, 5.0, 12.5 + 2 * 7.5))


def test_colour_of_the_body_does_not_matter() -> None:
    black = altered(HAMMER, open=12.0, close=10.0)
    # Now all closes are above.
    assert setup(black) == pytest.approx(("buy", 0.68 + 0.08 + 0.05, 12.5, 5.0, 27.5))


def test_reward_follows_the_risk() -> None:
    assert setup(HAMMER, risk_reward=1.0) == pytest.approx(("buy", 0.73, 12.5, 5.0, 20.0))


@pytest.mark.parametrize(
    ("candles", "parameters", "confidence"),
    [
        pytest.param(HAMMER, {"wick_weight": 0.0}, 0.68, id="base"),
        pytest.param(HAMMER, {"wick_weight": 0.04}, 0.68 + 0.04 * 0.5, id="another weight"),
        pytest.param(altered(HAMMER, low=2.0), {}, 0.68 + 0.1 * 0.8, id="longer shadow"),
        pytest.param(altered(HAMMER, open=11.5, high=12.0), {}, 0.68 + 0.1, id="most of the shadow"),
        pytest.param([*still(13, 13, 13), HAMMER[-1]], {}, 0.68 + 0.05 + 0.08, id="all closes above"),
        pytest.param(
            [*still(13, 13, 13), HAMMER[-1]], {"context_bonus": 0.02}, 0.68 + 0.05 + 0.02, id="another bonus for that"
        ),
        pytest.param([*still(13, 13, 13), HAMMER[-1]], {"base_confidence": 0.8}, 0.88, id="most of all"),
    ],
)
def test_confidence(candles: list[Candle], parameters: dict[str, Any], confidence: float) -> None:
    found = setup(candles, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(altered(HAMMER, open=12.0, high=12.0), id="body"),
        pytest.param(altered(HAMMER, low=5.25), id="long lower shadow"),
        pytest.param(altered(HAMMER, high=12.75), id="short upper shadow"),
        pytest.param([*still(12, 12, 13), HAMMER[-1]], id="enough closes above"),
        pytest.param([*still(13, 11, 12), HAMMER[-1]], id="enough closes above among lower ones"),
        pytest.param([*still(13, 12, 12, 13), HAMMER[-1]], id="enough closes above of the last ones"),
    ],
)
def test_each_condition_is_needed(broken: list[Candle]) -> None:
    assert setup(HAMMER)
    assert setup(broken) is None


def test_closes_above_are_counted_as_set() -> None:
    assert setup(HAMMER, trend_count=3) is None
    assert setup([*still(12, 12, 13), HAMMER[-1]], trend_count=1)


def test_is_silent_until_there_are_enough_closes() -> None:
    assert setup(HAMMER[2:]) is None
