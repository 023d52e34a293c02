"""Momentum Pulse on the first rise after a drop, seen by a MACD of periods 1, 3 and 3."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "momentum_pulse"
# Every true range is 3, so the ATR is, as soon as there are its 14 bars. The ADX over one bar is 100 wherever the
# last move has a direction.
FLAT: list[Candle] = [(100.0, 101.5, 98.5, 100.0, 1.0)] * 14
DROP: Candle = (100.0, 100.0, 97.0, 98.0, 1.0)
# hist is -0.5 and then 0.4375; the RSI over two bars is 60: gains average 0.75, losses 0.5. EMA(2) is 99 2/9, EMA(3)
# is 99.25, and EMA(4) 99.32.
PULSE: list[Candle] = [*FLAT, DROP, (98.0, 100.5, 97.5, 99.5, 1.0)]
# The RSI is 55.6.
FAINT: list[Candle] = altered(PULSE, close=99.25)
# From 88 by 3 a bar to 100. EMA(2) is 99.06, EMA(14) 98.06 and EMA(16), which is the mean of all closes, 97.95.
RISE: list[Candle] = [(close - 3, close, close - 3, close, 1.0) for close in (88.0, 91.0, 94.0, 97.0, 100.0)]
RISEN: list[Candle] = [*RISE, *FLAT[:9], *FAINT[-2:]]
# EMA(2) is 99.06, EMA(14) 99.03 and EMA(16) 99.08.
LOW_START: list[Candle] = [(88.0, 100.0, 88.0, 88.0, 1.0), *FLAT[:13], *FAINT[-2:]]
# The RSI is 75: gains average 1.5, losses 0.5.
LOUD: list[Candle] = altered(PULSE, high=101.0, close=101.0)
# EMA(3) and EMA(7) are 100.625, EMA(8) is 100.3125.
FAST_TIE: list[Candle] = [
    *[(100.0, 103.0, 97.0, 100.0, 1.0)] * 3,
    (100.0, 104.0, 97.0, 104.0, 1.0),
    (104.0, 104.0, 97.0, 100.0, 1.0),
    (100.0, 100.0, 97.0, 98.0, 1.0),
    (98.0, 100.0, 97.0, 98.0, 1.0),
    (98.0, 103.0, 98.0, 102.5, 1.0),
]
# EMA(2) is 99.89, EMA(3) and EMA(7) are 99.75.
SLOW_TIE: list[Candle] = altered(PULSE, close=100.5)

SMALL: dict[str, Any] = {
    "macd_fast": 1,
    "macd_slow": 3,
    "macd_signal": 3,
    "rsi_period": 2,
    "adx_period": 1,
    "ema_fast": 2,
    "ema_medium": 3,
    "ema_slow": 4,
}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_the_first_rise_after_a_drop() -> None:
    assert setup(PULSE) == pytest.approx(("buy", 0.6, 99.5, 99.5 - 2.0 * 3.0, 99.5 + 3.0 * 3.0))


def test_sells_the_first_drop_after_a_rise() -> None:
    assert setup(mirrored(PULSE)) == pytest.approx(("sell", 0.6, 100.5, 100.5 + 2.0 * 3.0, 100.5 - 3.0 * 3.0))


def test_measures_in_percents_while_there_is_no_atr() -> None:
    assert setup(PULSE[4:]) == pytest.approx(("buy", 0.6, 99.5, 99.5 * 0.98, 99.5 * 1.05))
    assert setup(mirrored(PULSE[4:])) == pytest.approx(("sell", 0.6, 100.5, 100.5 * 1.02, 100.5 * 0.95))


def test_stop_and_target_lie_as_many_atrs_away_as_set() -> None:
    wide = altered(PULSE, high=104.5)
    atr = (13 * 3.0 + 7.0) / 14
    set_to = {"stop_loss_atr": 0.5, "take_profit_atr": 1.5}
    assert setup(wide, **set_to) == pytest.approx(("buy", 0.6, 99.5, 99.5 - 0.5 * atr, 99.5 + 1.5 * atr))
    assert setup(mirrored(wide), **set_to) == pytest.approx(("sell", 0.6, 100.5, 100.5 + 0.5 * atr, 100.5 - 1.5 * atr))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(PULSE, {}, 0.6, id="an rsi of 60 and no alignment"),
        pytest.param(altered(PULSE, close=99.45), {}, 0.6 + 0.1, id="an rsi of 59.2"),
        pytest.param(FAINT, {}, 0.7, id="an rsi of 55.6"),
        pytest.param(FAINT, {"rsi_bonus": 0.03}, 0.63, id="another rsi bonus"),
        pytest.param(RISEN, {"ema_medium": 14, "ema_slow": 16}, 0.6 + 0.1 + 0.1, id="aligned"),
        pytest.param(RISEN, {"ema_medium": 14, "ema_slow": 16, "alignment_bonus": 0.2}, 0.9, id="another alignment"),
        pytest.param(RISEN, {"ema_medium": 3, "ema_slow": 14}, 0.7, id="the medium ema beyond the fast one"),
        pytest.param(LOW_START, {"ema_medium": 14, "ema_slow": 16}, 0.7, id="the slow ema beyond the fast one"),
        pytest.param(FAST_TIE, {"ema_fast": 3, "ema_medium": 7, "ema_slow": 8, "rsi_max": 100.0}, 0.6, id="a fast tie"),
        pytest.param(SLOW_TIE, {"ema_medium": 3, "ema_slow": 7, "rsi_max": 100.0}, 0.6, id="a slow tie"),
        pytest.param(RISEN, {"ema_medium": 14, "ema_slow": 17}, 0.7, id="no slow ema yet"),
        pytest.param(PULSE, {"base_confidence": 0.5}, 0.5, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


@on_both_sides
@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"rsi_min": 75.0, "rsi_max": 80.0}, id="lower end"),
        pytest.param({"rsi_max": 75.0}, id="upper end"),
    ],
)
def test_rsi_may_lie_on_its(view: View, parameters: dict[str, float]) -> None:
    assert setup(view(LOUD), **parameters)


@on_both_sides
def test_a_histogram_that_was_zero_crosses_it_as_well(view: View) -> None:
    assert setup(view([*FLAT, (100.0, 102.0, 99.0, 101.0, 1.0)]), rsi_max=100.0)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param([*FAINT, (99.25, 101.0, 98.0, 99.5, 1.0)], {}, id="histogram was beyond zero already"),
        pytest.param(PULSE, {"macd_signal": 1}, id="histogram is zero"),
        pytest.param(RISEN, {"macd_slow": 10, "macd_signal": 6}, id="histogram is on the other side"),
        pytest.param(LOUD, {"rsi_min": 75.1, "rsi_max": 80.0}, id="rsi short of its range"),
        pytest.param(LOUD, {"rsi_max": 74.9}, id="rsi beyond its range"),
        pytest.param(PULSE, {"adx_threshold": 100.0}, id="adx on its threshold"),
        pytest.param(PULSE, {"ema_fast": 1}, id="close on the fast ema"),
        pytest.param(altered(PULSE, close=99.0), {}, id="close on the medium ema"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param({"macd_slow": 14}, id="histogram on the bar before"),
        pytest.param({"rsi_period": 16}, id="rsi"),
        pytest.param({"adx_period": 8}, id="adx"),
        pytest.param({"ema_fast": 17, "ema_medium": 18, "ema_slow": 19}, id="fast ema"),
        pytest.param({"ema_medium": 17, "ema_slow": 18}, id="medium ema"),
    ],
)
def test_is_silent_until_there_is_a(parameters: dict[str, float]) -> None:
    assert setup(PULSE, **parameters) is None
