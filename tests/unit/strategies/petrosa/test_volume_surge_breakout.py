"""Volume Surge Breakout over the highs of two bars, with volumes of 1 before."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "volume_surge_breakout"
# Every true range is 10, so the ATR is, as soon as there are its 14 bars.
CALM: list[Candle] = [(100.0, 105.0, 95.0, 100.0, 1.0)] * 11
# The last volume is 3 times the mean of four, the RSI over two bars 50.
SURGE: list[Candle] = [
    *CALM,
    (92.0, 93.0, 90.0, 92.0, 1.0),
    (92.0, 93.0, 83.0, 92.0, 1.0),
    (93.0, 95.0, 85.0, 94.0, 9.0),
]
RISING: list[Candle] = altered(SURGE, open=50.0, low=50.0)
FALLING: list[Candle] = altered(mirrored(SURGE), open=200.0, high=200.0)


SMALL: dict[str, Any] = {"volume_sma_period": 4, "breakout_period": 2, "rsi_period": 2}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_a_surge_above_the_range() -> None:
    assert setup(SURGE) == pytest.approx(("buy", 0.65, 94.0, 94.0 - 2.0 * 10.0, 94.0 + 3.0 * 10.0))


def test_sells_a_surge_below_the_range() -> None:
    assert setup(mirrored(SURGE)) == pytest.approx(("sell", 0.65, 106.0, 106.0 + 2.0 * 10.0, 106.0 - 3.0 * 10.0))


def test_measures_in_percents_while_there_is_no_atr() -> None:
    assert setup(SURGE[1:]) == pytest.approx(("buy", 0.65, 94.0, 94.0 * 0.98, 94.0 * 1.05))
    assert setup(mirrored(SURGE[1:])) == pytest.approx(("sell", 0.65, 106.0, 106.0 * 1.02, 106.0 * 0.95))


def test_stop_and_target_lie_as_many_atrs_away_as_set() -> None:
    wide = altered(SURGE, high=109.0)
    atr = (13 * 10.0 + 24.0) / 14
    set_to = {"stop_loss_atr": 0.5, "take_profit_atr": 1.5}
    assert setup(wide, **set_to) == pytest.approx(("buy", 0.65, 94.0, 94.0 - 0.5 * atr, 94.0 + 1.5 * atr))
    assert setup(mirrored(wide), **set_to) == pytest.approx(("sell", 0.65, 106.0, 106.0 + 0.5 * atr, 106.0 - 1.5 * atr))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        # 21 is 3.5 times the mean of 1, 1, 1 and 21.
        pytest.param(altered(SURGE, volume=21.0), {}, 0.65 + 0.5 * 0.05, id="half a multiple more"),
        pytest.param(altered(SURGE, volume=21.0), {"ratio_factor": 0.2}, 0.75, id="another factor"),
        pytest.param(SURGE, {"volume_surge_multiplier": 1.0}, 0.75, id="two multiples more"),
        pytest.param(altered(SURGE, open=92.0), {}, 0.65 + 0.05, id="a large body"),
        pytest.param(altered(SURGE, open=92.0), {"move_bonus": 0.2}, 0.85, id="another move bonus"),
        pytest.param(altered(SURGE, volume=21.0), {"ratio_factor": 1.0}, 0.95, id="the highest"),
        pytest.param(SURGE, {"max_confidence": 0.5}, 0.5, id="another highest"),
        pytest.param(SURGE, {"base_confidence": 0.4}, 0.4, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("candles", "threshold", "expected"),
    [
        pytest.param(RISING, 0.88, 0.7, id="the set size, rising"),
        pytest.param(RISING, 0.89, 0.65, id="less than the set size, rising"),
        pytest.param(FALLING, 0.47, 0.7, id="the set size, falling"),
        pytest.param(FALLING, 0.48, 0.65, id="less than the set size, falling"),
    ],
)
def test_confidence_with_a_body_of(candles: list[Candle], threshold: float, expected: float) -> None:
    assert confidence(candles, price_move_threshold=threshold) == pytest.approx(expected)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(SURGE, {"rsi_min": 49.9}, id="rsi just above its range"),
        pytest.param(SURGE, {"rsi_max": 50.1}, id="rsi just below its range"),
        pytest.param(altered(SURGE, -2, high=93.9), {}, id="close just beyond the range"),
    ],
)
def test_holds_with_the(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(altered(SURGE, volume=8.9), {}, id="a surge"),
        pytest.param(altered(SURGE, volume=0.0), {"volume_surge_multiplier": 0.1}, id="volume"),
        pytest.param(SURGE, {"rsi_min": 50.0}, id="an rsi above its lower end"),
        pytest.param(SURGE, {"rsi_max": 50.0}, id="an rsi below its upper end"),
        pytest.param(altered(SURGE, open=94.0), {}, id="a body"),
        pytest.param(altered(SURGE, open=95.0), {}, id="a body in its direction"),
        pytest.param(altered(SURGE, -2, high=94.0), {}, id="a close beyond the bar before"),
        pytest.param(altered(SURGE, -3, high=94.0), {}, id="a close beyond the first bar of the range"),
        pytest.param(SURGE, {"breakout_period": 3}, id="a close beyond a longer range"),
        pytest.param(SURGE, {"volume_sma_period": 15, "volume_surge_multiplier": 0.1}, id="a mean volume yet"),
        pytest.param(SURGE, {"rsi_period": 14}, id="an rsi yet"),
        pytest.param(
            altered(SURGE, close=200.0, high=200.0), {"breakout_period": 14, "rsi_max": 100.0}, id="a range yet"
        ),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None
