"""Liquidity Grab Reversal below the lows of three bars, which are 95, with volumes of 1 before."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "liquidity_grab_reversal"
# Every true range is 10, so the ATR is, as soon as there are its 14 bars.
CALM: list[Candle] = [(100.0, 105.0, 95.0, 100.0, 1.0)] * 13
# Half an ATR below the low of 95, a wick of 0.8 of the range, 1.5 times the mean volume of two, an RSI of 0.
GRAB: list[Candle] = [*CALM, (98.0, 100.0, 90.0, 99.0, 3.0)]


def after_a_rise(close: float) -> list[Candle]:
    """The grab from 104 to `close`; the RSI is 40 for 101: gains average 1, losses 1.5."""
    return [*CALM, (100.0, 105.0, 95.0, 104.0, 1.0), (98.0, 102.0, 90.0, close, 3.0)]


SMALL: dict[str, Any] = {"lookback_periods": 3, "volume_sma_period": 2, "rsi_period": 2}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_a_rejection_below_support() -> None:
    assert setup(GRAB) == pytest.approx(("buy", 0.75 + 0.05, 99.0, 90.0 - 2.5, 99.0 + 2.0 * 11.5))


def test_sells_a_rejection_above_resistance() -> None:
    assert setup(mirrored(GRAB)) == pytest.approx(("sell", 0.75 + 0.05, 101.0, 110.0 + 2.5, 101.0 - 2.0 * 11.5))


def test_levels_lie_as_far_away_as_set() -> None:
    deep = altered(GRAB, low=86.0)
    stop = 86.0 - 0.5 * (13 * 10.0 + 14.0) / 14
    far = {"stop_loss_atr": 0.5, "risk_reward": 3.0}
    assert setup(deep, **far) == pytest.approx(("buy", 0.8, 99.0, stop, 99.0 + 3.0 * (99.0 - stop)))
    stop = 200.0 - stop
    assert setup(mirrored(deep), **far) == pytest.approx(("sell", 0.8, 101.0, stop, 101.0 - 3.0 * (stop - 101.0)))


def test_looks_at_the_buy_first() -> None:
    both = altered(GRAB, open=100.0, high=110.0, close=100.0)
    found = setup(both)
    assert found
    assert found.action == "buy"
    sell_only = setup(altered(both, low=95.0), wick_ratio=0.25)
    assert sell_only
    assert sell_only.action == "sell"


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(GRAB, {"strong_volume_multiplier": 1.51}, 0.8, id="volume below the strong multiple"),
        pytest.param(GRAB, {"strong_volume_multiplier": 1.5}, 0.8 + 0.05, id="volume of the strong multiple"),
        pytest.param(GRAB, {"strong_volume_multiplier": 1.5, "volume_bonus": 0.1}, 0.9, id="another volume bonus"),
        pytest.param(after_a_rise(100.9), {}, 0.75 + 0.05, id="an rsi of 39.2"),
        pytest.param(after_a_rise(101.1), {}, 0.75, id="an rsi of 40.8"),
        pytest.param(GRAB, {"rsi_period": 14}, 0.75, id="no rsi yet"),
        pytest.param(GRAB, {"rsi_bonus": 0.1}, 0.85, id="another rsi bonus"),
        pytest.param(GRAB, {"base_confidence": 0.4}, 0.45, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


def test_no_bonus_for_a_sell_at_an_rsi_of_60() -> None:
    assert confidence(mirrored(after_a_rise(101.0))) == pytest.approx(0.75)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(GRAB, {"max_penetration_atr": 0.5}, id="deepest reach"),
        pytest.param(GRAB, {"wick_ratio": 0.8}, id="shortest wick"),
        pytest.param(altered(GRAB, open=99.5), {"wick_ratio": 0.9}, id="shortest wick, under a bar against the turn"),
        pytest.param(altered(GRAB, close=95.1), {}, id="close just inside"),
        pytest.param(altered(GRAB, low=94.9), {"wick_ratio": 0.1}, id="low just outside"),
        pytest.param(altered(GRAB, -5, low=90.0), {}, id="extreme before those bars as far"),
    ],
)
def test_holds_with_the(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(altered(GRAB, volume=2.9), {}, id="volume"),
        pytest.param(altered(GRAB, volume=0.0), {"volume_spike_multiplier": 0.1}, id="any volume"),
        pytest.param(altered(GRAB, low=95.0), {"wick_ratio": 0.1}, id="a low beyond the extreme, being on it"),
        pytest.param(altered(GRAB, -4, low=90.0), {}, id="a low beyond that of three bars before"),
        pytest.param(altered(GRAB, -5, low=90.0), {"lookback_periods": 4}, id="a low beyond that of four bars before"),
        pytest.param(altered(GRAB, close=95.0), {}, id="a close inside, being on the extreme"),
        pytest.param(GRAB, {"max_penetration_atr": 0.49}, id="a reach near enough"),
        pytest.param(GRAB, {"wick_ratio": 0.81}, id="a wick long enough"),
        pytest.param(GRAB[1:], {}, id="an atr yet"),
        pytest.param(GRAB, {"lookback_periods": 14}, id="an extreme yet"),
        pytest.param(GRAB, {"volume_sma_period": 15}, id="a mean volume yet"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None
