"""RSI Extreme Reversal with RSI(2): each bar halves the average gain and loss, and adds half of its own.

With an average gain g and an average loss l the RSI is 100*g / (g+l). The averages start as the first change is.
"""

from __future__ import annotations

from typing import Any

import pytest
from talipp.indicators import RSI

from strategies.setup import Setup
from tests.kit import Candle, setup_of, still

ID = "rsi_extreme_reversal"
# Average gains 8, 4, 2, 1 and losses 0, 4, 6, 7: the RSI falls by 12.5 from 25.
OVERSOLD = (100.0, 108.0, 100.0, 92.0, 84.0)
# Three more halvings of the gain: the RSI falls by 1.5625 from 3.125, less than the momentum threshold.
EXTREME = (*OVERSOLD, 76.0, 68.0, 60.0)
# The loss becomes 31.5: the RSI falls from 12.5 to 1.5625.
EXTREME_FALL = (*OVERSOLD, 28.0)
# Gain 0.5625 and loss 3.9375: the RSI rises from 1.5625 to 12.5.
OVERSOLD_RISE = (*EXTREME, 61.0)
# Without any gain before, now 0.03125 against a loss of 4.
EXTREME_RISE = (100.0, 92.0, 84.0, 84.0625)
# Average gains 8, 4, 2, 1 and losses 0, 4, 2, 4: the RSI falls from 50 to exactly 20.
TO_20 = (100.0, 108.0, 100.0, 100.0, 94.0)


def setup(*closes: float, **parameters: Any) -> Setup | None:
    return setup_of(ID, still(*closes), **parameters)


def test_buys_with_distances_in_percent_until_there_is_an_atr() -> None:
    assert setup(*OVERSOLD) == pytest.approx(("buy", 0.72 - 0.05, 84.0, 84.0 * 0.98, 84.0 * 1.05))


def test_buys_with_distances_in_atrs() -> None:
    # Every true range is 8. The RSI falls from 100/3 to 100/7.
    calm: list[Candle] = [(100.0, 104.0, 96.0, 100.0, 1.0)] * 10
    story: list[Candle] = [
        (100.0, 108.0, 100.0, 108.0, 1.0),
        (108.0, 108.0, 100.0, 100.0, 1.0),
        (100.0, 100.0, 92.0, 92.0, 1.0),
        (92.0, 92.0, 84.0, 84.0, 1.0),
    ]
    assert setup_of(ID, calm + story) == pytest.approx(("buy", 0.67, 84.0, 84.0 - 2 * 8.0, 84.0 + 3 * 8.0))
    nearer = setup_of(ID, calm + story, stop_loss_atr=0.5, take_profit_atr=1.5)
    assert nearer == pytest.approx(("buy", 0.67, 84.0, 80.0, 96.0))


@pytest.mark.parametrize(
    ("closes", "parameters", "confidence"),
    [
        pytest.param(OVERSOLD, {}, 0.72 - 0.05, id="oversold and falling fast"),
        pytest.param(OVERSOLD, {"momentum_threshold": -12.75}, 0.72, id="oversold and falling slowly"),
        pytest.param(TO_20, {"momentum_threshold": -30.0}, 0.72, id="falling as fast as the momentum threshold"),
        pytest.param(TO_20, {"momentum_threshold": -29.75}, 0.67, id="falling faster than the momentum threshold"),
        pytest.param(OVERSOLD, {"momentum_penalty": -0.02}, 0.72 - 0.02, id="another penalty"),
        pytest.param(OVERSOLD_RISE, {}, 0.72 + 0.08, id="rising fast"),
        pytest.param(
            OVERSOLD_RISE,
            {"momentum_adjustment_factor": 0.005},
            0.72 + 0.005 * 10.9375,
            id="rising slowly",
        ),
        pytest.param(OVERSOLD_RISE, {"momentum_boost": 0.03}, 0.72 + 0.03, id="another most of the boost"),
        pytest.param(EXTREME, {}, 0.82, id="extreme and falling slowly"),
        pytest.param(EXTREME_FALL, {}, 0.82 - 0.05, id="extreme and falling fast"),
        pytest.param(EXTREME_RISE, {}, 0.82 + 0.02 * 100 * 0.03125 / 4.03125, id="extreme and rising"),
        pytest.param((100.0, 100.0, 92.0), {}, 0.82, id="extreme without a change of the RSI"),
        pytest.param(EXTREME, {"extreme_confidence": 0.95}, 0.9, id="most of all"),
        pytest.param(OVERSOLD_RISE, {"oversold_confidence": 0.85}, 0.9, id="most of all by the boost"),
        pytest.param(OVERSOLD, {"base_confidence": 0.7}, 0.7, id="least of all"),
    ],
)
def test_confidence(closes: tuple[float, ...], parameters: dict[str, Any], confidence: float) -> None:
    found = setup(*closes, **parameters)
    assert found
    assert found.confidence == pytest.approx(confidence)


def test_rsi_as_low_as_the_extreme_threshold_is_not_extreme() -> None:
    closes = (*OVERSOLD, 76.0)
    threshold = RSI(2, input_values=list(closes))[-1]  # 6.25, but for rounding
    at, above = setup(*closes, extreme_threshold=threshold), setup(*closes, extreme_threshold=threshold + 0.01)
    assert at
    assert above
    assert (at.confidence, above.confidence) == pytest.approx((0.72 - 0.05, 0.82 - 0.05))


@pytest.mark.parametrize("threshold", [20.0, 19.75])
def test_is_silent_at_the_oversold_threshold_and_above(threshold: float) -> None:
    assert setup(*TO_20, oversold_threshold=threshold) is None
    assert setup(*TO_20, oversold_threshold=20.25)


def test_is_silent_until_there_is_an_rsi() -> None:
    assert setup(100.0, 92.0) is None
    assert setup(100.0, 92.0, 84.0)
