"""Band Fade Reversal on four closes around 100: 107, 101, 93 and 99 have a standard deviation of 5."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "band_fade_reversal"
# Every true range is 10, so the ATR is, as soon as there are its 14 bars. With 16 bars, series have just been cut.
CALM: list[Candle] = [(107.0, 112.0, 102.0, 107.0, 1.0)] * 13
FALL: list[Candle] = [(107.0, 108.0, 98.0, 101.0, 1.0), (101.0, 102.0, 92.0, 93.0, 1.0)]
# The bands are 95, 100 and 105. The RSI over two bars is 0 on the bar before, and 52 on the last one.
FADE: list[Candle] = [*CALM, *FALL, (98.0, 103.0, 93.0, 99.0, 1.0)]

# The same closes in another order: the RSI is 67, 16 and 49 on the last three bars.
DIVE: list[Candle] = [
    *CALM[:12],
    (107.0, 108.0, 98.0, 101.0, 1.0),
    (101.0, 108.0, 98.0, 107.0, 1.0),
    (107.0, 108.0, 92.0, 93.0, 1.0),
    FADE[-1],
]
# It reaches 93, which is 1.4 standard deviations from 100.
BARELY: list[Candle] = altered(FADE, -2, low=93.0)


SMALL: dict[str, Any] = {"bb_period": 4, "bb_std": 1.0, "rsi_period": 2}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_a_turn_off_the_lower_band_towards_the_middle() -> None:
    assert setup(FADE) == pytest.approx(("buy", 0.55 + 0.1, 99.0, 92.0 - 10.0, 100.0))


def test_sells_a_turn_off_the_upper_band_towards_the_middle() -> None:
    assert setup(mirrored(FADE)) == pytest.approx(("sell", 0.55 + 0.1, 101.0, 108.0 + 10.0, 100.0))


def test_stop_lies_beyond_the_last_bar_where_that_reaches_further() -> None:
    last_is_lower = altered(FADE, low=90.0, high=100.0)
    assert setup(last_is_lower, rejection_wick_atr=1.0) == pytest.approx(("buy", 0.65, 99.0, 90.0 - 10.0, 100.0))
    last_is_higher = mirrored(last_is_lower)
    assert setup(last_is_higher, rejection_wick_atr=1.0) == pytest.approx(("sell", 0.65, 101.0, 110.0 + 10.0, 100.0))


def test_stop_lies_as_many_atrs_away_as_set() -> None:
    wide = altered(FADE, high=117.0)
    atr = (13 * 10.0 + 24.0) / 14
    assert setup(wide, stop_loss_atr=0.5) == pytest.approx(("buy", 0.65, 99.0, 92.0 - 0.5 * atr, 100.0))
    assert setup(mirrored(wide), stop_loss_atr=0.5) == pytest.approx(("sell", 0.65, 101.0, 108.0 + 0.5 * atr, 100.0))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(FADE, {"rsi_oversold": 0.0, "rsi_overbought": 100.0}, 0.55, id="an rsi on its level"),
        pytest.param(FADE, {"rsi_oversold": 0.1, "rsi_overbought": 99.9}, 0.65, id="an rsi beyond its level"),
        pytest.param(DIVE, {}, 0.65, id="an rsi beyond its level on the bar before only"),
        pytest.param(FADE, {"rsi_period": 16}, 0.55, id="no rsi yet"),
        pytest.param(FADE, {"rsi_period": 15}, 0.55, id="no rsi on the bar before"),
        pytest.param(FADE, {"rsi_bonus": 0.02}, 0.57, id="another rsi bonus"),
        pytest.param(altered(FADE, open=98.5), {}, 0.55 + 0.1 + 0.1, id="a wick beyond half an atr"),
        pytest.param(altered(FADE, open=99.0), {"rejection_wick_atr": 0.6}, 0.65, id="a wick of the set length"),
        pytest.param(altered(FADE, open=102.0), {}, 0.75, id="a wick under a bar against the turn"),
        pytest.param(altered(FADE, open=98.5), {"wick_bonus": 0.2}, 0.85, id="another wick bonus"),
        pytest.param(FADE, {"base_confidence": 0.3}, 0.4, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(BARELY, {"bb_std": 1.4}, id="on the bar before"),
        pytest.param(altered(BARELY, low=92.0), {"bb_std": 1.6}, id="on this bar"),
    ],
)
def test_holds_when_price_only_touched_the_band(
    view: View, candles: list[Candle], parameters: dict[str, float]
) -> None:
    assert setup(view(candles), **parameters)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(BARELY, {"bb_std": 1.5}, id="a touch of the outer band"),
        pytest.param(FADE, {"bb_std": 0.2}, id="a close inside the outer band, being on it"),
        pytest.param(altered(FADE, -4, close=103.0), {}, id="a close short of the middle, being on it"),
        pytest.param(FADE, {"bb_period": 3}, id="a close short of the middle, being beyond it"),
        pytest.param(
            altered(altered(FADE, -4, close=115.0, high=115.0), -3, close=93.0, low=92.0),
            {"bb_std": 0.5},
            id="a fall on the bar before",
        ),
        pytest.param(altered(FADE, close=93.0), {}, id="a turn, the close being that before"),
        pytest.param(FADE, {"bb_period": 17}, id="bands yet"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None


@on_both_sides
def test_has_no_stop_that_makes_sense_until_there_is_an_atr(view: View) -> None:
    found = setup(view(FADE[3:]))
    assert found
    assert not found.makes_sense()
