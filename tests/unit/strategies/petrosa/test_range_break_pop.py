"""Range Break Pop out of a range of four bars between 1000 and 1020, with volumes of 1 before."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import mirrored

ID = "range_break_pop"
RANGE: list[Candle] = [
    (1010.0, 1015.0, 1005.0, 1010.0, 1.0),
    (1010.0, 1020.0, 1010.0, 1015.0, 1.0),
    (1015.0, 1015.0, 1000.0, 1005.0, 1.0),
    (1005.0, 1015.0, 1005.0, 1010.0, 1.0),
]
# The last volume is 1.5 times the mean of two.
POP: list[Candle] = [*RANGE, (1010.0, 1022.0, 1008.0, 1022.0, 3.0)]
HIGH_POP: list[Candle] = altered(POP, high=1030.0, close=1030.0)
DROP: list[Candle] = [*RANGE, (1010.0, 1012.0, 998.0, 998.0, 3.0)]


SMALL: dict[str, Any] = {"range_period": 4, "volume_sma_period": 2, "volume_multiplier_threshold": 1.4}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_above_the_range() -> None:
    assert setup(POP) == pytest.approx(("buy", 0.6, 1022.0, 1010.0, 1022.0 + 2.0 * 12.0))


def test_sells_below_the_range() -> None:
    assert setup(DROP) == pytest.approx(("sell", 0.6, 998.0, 1010.0, 998.0 - 2.0 * 12.0))


def test_target_lies_as_far_per_risk_as_set() -> None:
    assert setup(POP, risk_reward=0.5) == pytest.approx(("buy", 0.6, 1022.0, 1010.0, 1028.0))
    assert setup(DROP, risk_reward=0.5) == pytest.approx(("sell", 0.6, 998.0, 1010.0, 992.0))


@pytest.mark.parametrize("candles", [pytest.param(POP, id="buy"), pytest.param(DROP, id="sell")])
@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({"strong_volume_multiplier": 1.5}, 0.6, id="volume of the strong multiple"),
        pytest.param({"strong_volume_multiplier": 1.49}, 0.6 + 0.1, id="volume above the strong multiple"),
        pytest.param({"strong_volume_multiplier": 1.4, "volume_bonus": 0.3}, 0.9, id="another volume bonus"),
        pytest.param({"base_confidence": 0.5}, 0.5, id="another base"),
    ],
)
def test_confidence(candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(candles, **parameters) == pytest.approx(expected)


def with_true_ranges(*true_ranges: float) -> list[Candle]:
    """Bars at 1010, with an ATR of 4 until those whose true ranges are given; a pop ends them."""
    calm = [4.0] * 14
    bars = [(1010.0, 1010.0 + x / 2, 1010.0 - x / 2, 1010.0, 1.0) for x in [*calm, *true_ranges]]
    return [*bars, POP[-1]]


@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        # The ATRs are 4, then (13 * 4 + 18) / 14 = 5, (13 * 5 + 4) / 14 = 4.93, 4.934 and, with the pop, more.
        pytest.param(with_true_ranges(18, 4, 5), {}, 0.6 + 0.1, id="lower than half a range before the last bar"),
        pytest.param(with_true_ranges(18, 4, 5), {"atr_bonus": 0.2}, 0.8, id="another bonus"),
        pytest.param(with_true_ranges(18, 4, 5), {"range_period": 5}, 0.7, id="half of an odd range, rounded down"),
        pytest.param(with_true_ranges(18, 4, 5), {"range_period": 6}, 0.6, id="higher than half a longer range before"),
        pytest.param(
            with_true_ranges(18, 4, 5), {"range_period": 2}, 0.6, id="higher than half a shorter range before"
        ),
        pytest.param(with_true_ranges(18, 6, 2), {}, 0.7, id="lower for the first time"),
        pytest.param(with_true_ranges(18, 4, 10), {}, 0.6, id="higher again"),
        pytest.param(with_true_ranges(4, 4, 4), {}, 0.6, id="the same"),
        pytest.param(with_true_ranges(4, 5, 4), {}, 0.6, id="higher"),
        pytest.param(with_true_ranges(18, 4, 5)[1:], {}, 0.7, id="as soon as there was an atr then"),
        pytest.param(with_true_ranges(18, 4, 5)[2:], {}, 0.6, id="no atr then"),
    ],
)
def test_bonus_for_an_atr(candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(candles, **parameters) == pytest.approx(expected)
    assert confidence(mirrored(candles, 1010.0), **parameters) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(altered(HIGH_POP, -4, high=1024.9), {}, id="range is just below its threshold"),
        pytest.param(POP, {"volume_multiplier_threshold": 1.49}, id="volume is just above its threshold"),
        pytest.param(altered(POP, close=1021.1), {}, id="close is just beyond the threshold above the range"),
        pytest.param(altered(DROP, close=998.9), {}, id="close is just beyond the threshold below the range"),
        pytest.param([(1.0, 3000.0, 1.0, 1010.0, 1.0), *POP], {}, id="bar before the range is wild"),
    ],
)
def test_holds_when_the(candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(candles, **parameters)


@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(altered(HIGH_POP, -4, high=1025.0), {}, id="a tight range, 2.5 % high"),
        pytest.param(POP, {"range_threshold": 0.02}, id="a tight range, as high as set, before a buy"),
        pytest.param(DROP, {"range_threshold": 0.02}, id="a tight range, as high as set, before a sell"),
        pytest.param([(1010.0, 1010.0, 980.0, 1010.0, 1.0), *POP], {"range_period": 5}, id="a tight range of five"),
        pytest.param(POP, {"volume_multiplier_threshold": 1.5}, id="volume above its threshold"),
        pytest.param(altered(POP, close=1021.0), {}, id="a close beyond the threshold above the range"),
        pytest.param(altered(DROP, close=999.1), {}, id="a close beyond the threshold below the range"),
        pytest.param(altered(POP, close=1020.0), {"breakout_threshold": 0.0}, id="a close above the range"),
        pytest.param(altered(DROP, close=1000.0), {"breakout_threshold": 0.0}, id="a close below the range"),
        pytest.param(altered(POP, volume=0.0), {"volume_multiplier_threshold": 0.0}, id="volume"),
        pytest.param(POP[1:], {}, id="a whole range yet"),
        pytest.param(POP, {"volume_sma_period": 6}, id="a mean volume yet"),
    ],
)
def test_is_silent_without(candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(candles, **parameters) is None
