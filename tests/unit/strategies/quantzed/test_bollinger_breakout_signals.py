"""Bollinger Breakout Signals on two closes: half a standard deviation is a quarter of their distance."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of

ID = "bollinger_breakout_signals"
# Every true range is 8, so the ATR is, as soon as there are its 14 bars.
CALM: list[Candle] = [(100.0, 104.0, 96.0, 100.0, 1.0)] * 13
DROP: list[Candle] = [*CALM, (98.0, 100.0, 92.0, 92.0, 1.0)]  # bands 94, 96 and 98
JUMP: list[Candle] = [*CALM, (102.0, 108.0, 100.0, 108.0, 1.0)]  # bands 102, 104 and 106


def setup(candles: list[Candle], bb_std: float = 0.5, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, bb_period=2, bb_std=bb_std, **parameters)


def test_buys_below_the_lower_band_towards_the_middle() -> None:
    assert setup(DROP) == pytest.approx(("buy", 0.68 + 0.12, 92.0, 92.0 - 1.5 * 8.0, 96.0))


def test_sells_above_the_upper_band_towards_the_middle() -> None:
    assert setup(JUMP) == pytest.approx(("sell", 0.68 + 0.12, 108.0, 108.0 + 1.5 * 8.0, 104.0))


def test_stop_lies_as_many_atrs_away_as_set() -> None:
    assert setup(DROP, stop_loss_atr=0.25) == pytest.approx(("buy", 0.8, 92.0, 90.0, 96.0))
    assert setup(JUMP, stop_loss_atr=0.25) == pytest.approx(("sell", 0.8, 108.0, 110.0, 104.0))


@pytest.mark.parametrize(
    ("parameters", "of_a_buy", "of_a_sell"),
    [
        pytest.param({"distance_factor": 0.0}, 0.68, 0.68, id="base"),
        pytest.param({"distance_factor": 4.0}, 0.68 + 4 * 2 / 94, 0.68 + 4 * 2 / 106, id="distance"),
        pytest.param({"max_distance_bonus": 0.03}, 0.71, 0.71, id="most of the distance"),
        pytest.param({"base_confidence": 0.5}, 0.62, 0.62, id="another base"),
    ],
)
def test_confidence(parameters: dict[str, Any], of_a_buy: float, of_a_sell: float) -> None:
    buy, sell = setup(DROP, **parameters), setup(JUMP, **parameters)
    assert buy
    assert sell
    assert (buy.confidence, sell.confidence) == pytest.approx((of_a_buy, of_a_sell))


@pytest.mark.parametrize(
    ("candles", "bb_std"),
    [
        pytest.param(DROP, 1.0, id="on the lower band"),
        pytest.param(JUMP, 1.0, id="on the upper band"),
        pytest.param(DROP, 1.5, id="above the lower band"),
        pytest.param(JUMP, 1.5, id="below the upper band"),
        pytest.param(CALM, 0.5, id="on all of them"),
    ],
)
def test_is_silent_inside_the_bands(candles: list[Candle], bb_std: float) -> None:
    assert setup(candles, bb_std=bb_std) is None


@pytest.mark.parametrize("candles", [pytest.param(DROP, id="low below them"), pytest.param(JUMP, id="high above them")])
def test_is_silent_when_only_a_shadow_leaves_the_bands(candles: list[Candle]) -> None:
    assert setup(altered(candles, close=100.0)) is None


def test_is_silent_until_there_are_bands() -> None:
    assert setup(DROP[-1:]) is None


def test_has_no_stop_that_makes_sense_until_there_is_an_atr() -> None:
    buy, sell = setup(DROP[1:]), setup(JUMP[1:])
    assert buy
    assert sell
    assert not buy.makes_sense()
    assert not sell.makes_sense()
