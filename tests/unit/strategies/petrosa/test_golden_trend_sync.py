"""Golden Trend Sync with EMAs over 3 and 7 bars, which go half and a quarter of the way to each close."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "golden_trend_sync"
# Every true range is 10, so the ATR is, as soon as there are its 14 bars. The ADX over one bar is 100 wherever the
# last move has a direction. Only the last bar is traded, so the VWAP is its typical price.
START: list[Candle] = [(90.0, 95.0, 85.0, 90.0, 0.0)] * 12
RISE: Candle = (90.0, 100.0, 90.0, 100.0, 0.0)
PULLBACK: Candle = (100.0, 105.0, 95.0, 100.0, 0.0)
RESUME: Candle = (101.0, 107.0, 97.0, 106.0, 1.0)
# The fast EMA is 97.5 on the bar before and 101.75 on the last one, the slow one 97.28; the VWAP is 103 1/3.
SYNC: list[Candle] = [*START, RISE, PULLBACK, RESUME]
# The same bars after a fall from 110: the fast EMA is 104.25, the slow one 105.72.
COUNTERTREND: list[Candle] = [
    *[(110.0, 115.0, 105.0, 110.0, 0.0)] * 12,
    (110.0, 110.0, 100.0, 100.0, 0.0),
    PULLBACK,
    RESUME,
]
# Both EMAs are 105 on the last bar: (106 + 106 + 106) / 3 goes to 103 and to 105, (3 * 106 + 100 + 107) / 5 is it.
TIED: list[Candle] = [
    *[(106.0, 108.0, 104.0, 106.0, 0.0)] * 3,
    PULLBACK,
    (101.0, 107.0, 97.0, 107.0, 1.0),
]
# The fast EMA is 106.25 on the bar before, which stays below it, and so does the close.
BELOW_FAST: list[Candle] = [
    *[(60.0, 65.0, 55.0, 60.0, 0.0)] * 12,
    *[(120.0, 125.0, 115.0, 120.0, 0.0)] * 3,
    (100.0, 101.0, 91.0, 100.0, 0.0),
    (101.0, 107.0, 97.0, 106.25, 1.0),
]


SMALL: dict[str, Any] = {"ema_fast": 3, "ema_slow": 7, "adx_period": 1}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_out_of_a_pullback_in_an_uptrend() -> None:
    assert setup(SYNC) == pytest.approx(("buy", 0.65 + 3 * 0.05, 106.0, 106.0 - 2.0 * 10.0, 106.0 + 3.0 * 10.0))


def test_sells_out_of_a_pullback_in_a_downtrend() -> None:
    assert setup(mirrored(SYNC)) == pytest.approx(("sell", 0.65 + 3 * 0.05, 94.0, 94.0 + 20.0, 94.0 - 30.0))


def test_measures_in_percents_while_there_is_no_atr() -> None:
    assert setup(SYNC[2:]) == pytest.approx(("buy", 0.8, 106.0, 106.0 * 0.98, 106.0 * 1.05))
    assert setup(mirrored(SYNC[2:])) == pytest.approx(("sell", 0.8, 94.0, 94.0 * 1.02, 94.0 * 0.95))


def test_stop_and_target_lie_as_many_atrs_away_as_set() -> None:
    wide = altered(SYNC, high=107.0, low=83.0)
    atr = (13 * 10.0 + 24.0) / 14
    set_to = {"stop_loss_atr": 0.5, "take_profit_atr": 1.5}
    # A move both ways leaves the ADX at 100, and the lower low only lowers the VWAP.
    assert setup(wide, **set_to) == pytest.approx(("buy", 0.8, 106.0, 106.0 - 0.5 * atr, 106.0 + 1.5 * atr))
    assert setup(mirrored(wide), **set_to) == pytest.approx(("sell", 0.8, 94.0, 94.0 + 0.5 * atr, 94.0 - 1.5 * atr))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(SYNC, {"adx_strong": 99.9}, 0.8, id="an adx above its threshold"),
        pytest.param(SYNC, {"adx_strong": 100.0}, 0.75, id="an adx on its threshold"),
        pytest.param(SYNC[1:], {"adx_period": 7}, 0.8, id="a first adx, the mean of four times 0 and three times 100"),
        pytest.param(SYNC, {"adx_period": 8}, 0.75, id="no adx yet"),
        pytest.param(SYNC, {"trend_bonus": 0.11}, 0.86, id="another trend bonus"),
        pytest.param(altered(SYNC, high=115.0), {}, 0.75, id="a close on the vwap"),
        pytest.param(altered(SYNC, volume=0.0), {}, 0.75, id="no vwap on a day without trades"),
        pytest.param(SYNC, {"vwap_bonus": 0.12}, 0.87, id="another vwap bonus"),
        pytest.param(altered(SYNC, -3, volume=1.0), {}, 0.8, id="a volume as high as one in its window"),
        pytest.param(altered(SYNC, -3, volume=1.1), {}, 0.75, id="a volume lower than one in its window"),
        pytest.param(altered(SYNC, -4, volume=1.1), {}, 0.8, id="a volume lower than one before its window"),
        pytest.param(altered(SYNC, -4, volume=1.1), {"volume_rank_window": 4}, 0.75, id="a longer window"),
        pytest.param(SYNC, {"volume_bonus": 0.13}, 0.88, id="another volume bonus"),
        pytest.param(SYNC, {"base_confidence": 0.5}, 0.65, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(altered(SYNC, -2, low=97.5), {}, id="pullback only just touched the fast ema"),
        pytest.param(
            altered(SYNC, open=102.0, low=101.75), {"pullback_threshold": 0.0}, id="bar starts on the fast ema"
        ),
        pytest.param(altered(SYNC, open=102.2, low=102.2), {}, id="bar starts near the fast ema"),
        pytest.param(altered(BELOW_FAST, close=106.5), {}, id="close is beyond the fast ema"),
        pytest.param(altered(TIED, 0, close=105.0), {}, id="fast ema is beyond the slow one"),
    ],
)
def test_holds_when_the(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **({"ema_slow": 5} if len(candles) == 5 else {}), **parameters)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(COUNTERTREND, {}, id="a trend in its direction"),
        pytest.param(TIED, {"ema_slow": 5}, id="a trend, the emas being equal"),
        pytest.param(altered(SYNC, -2, low=98.0), {}, id="a touch on the bar before"),
        pytest.param(altered(SYNC, open=102.4, low=102.4), {}, id="a start near the fast ema"),
        pytest.param(BELOW_FAST, {}, id="a close beyond the fast ema, being on it"),
        pytest.param(altered(BELOW_FAST, close=104.0), {}, id="a close beyond the fast ema"),
        pytest.param(altered(SYNC, open=106.0), {}, id="a bar in its direction"),
        pytest.param(altered(SYNC, -2, high=106.0), {}, id="a close beyond the bar before"),
        pytest.param(SYNC[-3:], {}, id="a slow ema yet"),
        pytest.param(SYNC[-3:], {"ema_slow": 4}, id="a slow ema, the fast one being new"),
        pytest.param(SYNC[:1], {}, id="a bar before"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None
