"""Multi-Timeframe Trend Continuation: a higher bar is four bars, and its EMAs are over two and three of them."""

from __future__ import annotations

from typing import Any

import pytest
from talipp.indicators import ADX
from talipp.ohlcv import OHLCV

from state.timeframe import TIMEFRAMES
from strategies.setup import Setup
from tests.kit import Candle, altered, bars_of, setup_of, setups_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "multi_timeframe_trend_continuation"
SPAN_MS = TIMEFRAMES["15m"].span_ms


def around(*closes: float) -> list[Candle]:
    """Candles that reach half a point to either side of their closes, with a volume of 1."""
    return [(close, close + 0.5, close - 0.5, close, 1.0) for close in closes]


def up_to_110(start: int) -> list[Candle]:
    """Closes that rise by 2 a bar: an EMA over n bars is n - 1 behind."""
    return around(*range(start, 111, 2))


# The higher closes are 94, 102 and 110, their EMAs end at 106 and 102. EMA(2), EMA(3) and EMA(4) go from 109, 108 and
# 107 to 107.67, 107.5 and 107, and then to 109.22, 108.75 and 108.2. The RSI over two bars is 40 on the bar before.
TREND: list[Candle] = [*up_to_110(88), *around(107.0, 110.0)]
# EMA(3), EMA(4) and EMA(5) are 2, 3 and 4 behind the close, at 100, 99 and 98. The RSI is 100.
STEADY: list[Candle] = around(*range(76, 103, 2))
SLOWER = {"ema_fast": 3, "ema_medium": 4, "ema_slow": 5, "pullback_threshold": 0.02, "rsi_pullback": 100.0}

SMALL: dict[str, Any] = {
    "higher_ema_fast": 2,
    "higher_ema_slow": 3,
    "ema_fast": 2,
    "ema_medium": 3,
    "ema_slow": 4,
    "rsi_period": 2,
    "volume_sma_period": 2,
    "adx_period": 1,
}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def test_buys_what_resumes_after_a_pullback_in_an_uptrend() -> None:
    assert setup(TREND) == pytest.approx(("buy", 0.75 + 0.1, 110.0, 108.75, 110.0 + 3.0 * 1.25))


def test_sells_what_resumes_after_a_pullback_in_a_downtrend() -> None:
    assert setup(mirrored(TREND)) == pytest.approx(("sell", 0.75 + 0.1, 90.0, 91.25, 90.0 - 3.0 * 1.25))


def test_target_lies_as_far_per_risk_as_set() -> None:
    assert setup(TREND, risk_reward=2.0) == pytest.approx(("buy", 0.85, 110.0, 108.75, 112.5))
    assert setup(mirrored(TREND), risk_reward=2.0) == pytest.approx(("sell", 0.85, 90.0, 91.25, 87.5))


@on_both_sides
@pytest.mark.parametrize(
    ("adx_period", "parameters", "base", "factor"),
    [
        pytest.param(2, {}, 0.75, 0.1, id="adx"),
        pytest.param(2, {"strength_factor": 0.5}, 0.75, 0.5, id="another factor"),
        pytest.param(2, {"base_confidence": 0.3}, 0.3, 0.1, id="another base"),
        pytest.param(7, {}, 0.75, 0.1, id="the first adx"),
    ],
)
def test_confidence(view: View, adx_period: int, parameters: dict[str, float], base: float, factor: float) -> None:
    candles = view(TREND)
    adx = ADX(adx_period, adx_period, input_values=[OHLCV(*candle) for candle in candles])[-1].adx
    assert 10.0 < adx < 99.0
    found = setup(candles, adx_period=adx_period, **parameters)
    assert found
    assert found.confidence == pytest.approx(base + factor * adx / 100)


@on_both_sides
def test_has_no_confidence_until_there_is_an_adx(view: View) -> None:
    found = setup(view(TREND), adx_period=8)
    assert found
    assert not found.confidence >= 0.0


# Higher closes of 130, 94, 102 and 110: EMA(2) ends at 108.44, EMA(4) is their mean, 109.
AFTER_A_FALL: list[Candle] = [*around(86.0, 86.0, 86.0, 130.0), *TREND]
# Higher closes of 109, 109, 109, 103 and 110: EMA(3) and EMA(5) are 108.
HIGHER_TIE: list[Candle] = around(*[109.0] * 12, 107.0, 105.0, 103.0, 103.0, 104.0, 106.0, 108.0, 110.0, 107.0, 110.0)
# The same but for the first higher close.
NO_HIGHER_TIE: list[Candle] = altered(HIGHER_TIE, 3, open=108.0, high=108.0, low=108.0, close=108.0)
# Two bars to a higher bar: higher closes of 96, 100, 104, 108 and 104, whose EMA(3) is 104 as well.
ON_HIGHER_EMA: list[Candle] = [*up_to_110(94), *around(104.0, 109.0)]
ON_HIGHER = {"higher_timeframe_multiplier": 2, "higher_ema_fast": 3, "higher_ema_slow": 5, "pullback_threshold": 0.02}
# EMA(18) of 190, 190, 190 and 86 before the trend is their mean, 114.5.
FAR_BELOW_START: list[Candle] = [*around(190.0, 190.0, 190.0, 86.0), *TREND]
# EMA(2), EMA(3) and EMA(4) are 105.89, 106 and 105.88.
DEEP: list[Candle] = [*up_to_110(88), *around(104.0, 106.0)]
# EMA(3) and EMA(7) are 101.5, EMA(15) is 96.4.
FAST_TIE: list[Candle] = [*up_to_110(80), *around(92.0, 103.0)]
TIE_OF_FAST = {"ema_fast": 3, "ema_medium": 7, "ema_slow": 15, "pullback_threshold": 0.02}
# EMA(2) is 101.24, EMA(3) and EMA(7) are 101.125.
SLOW_TIE: list[Candle] = [*up_to_110(88), *around(92.0, 100.0, 102.25)]
TIE_OF_SLOW = {"ema_slow": 7, "pullback_threshold": 0.02}
# The RSI was at most 50 three bars ago, 66.7 two bars ago and more since.
LONG_BACK: list[Candle] = [*up_to_110(88), *around(107.0, 109.0, 111.0, 113.0)]


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(NO_HIGHER_TIE, {"higher_ema_fast": 3, "higher_ema_slow": 5}, id="higher emas apart"),
        pytest.param(altered(ON_HIGHER_EMA, -2, close=104.1), ON_HIGHER, id="higher close beyond its ema"),
        pytest.param([*FAST_TIE[:-1], *around(103.5)], TIE_OF_FAST, id="fast and medium ema apart"),
        pytest.param([*SLOW_TIE[:-1], *around(102.3)], TIE_OF_SLOW, id="medium and slow ema apart"),
        pytest.param(STEADY[:-1] + altered(STEADY[-1:], low=100.0), SLOWER, id="low on the fast ema"),
        pytest.param(altered(STEADY, -2, low=98.0), SLOWER, id="low on the fast ema one bar back"),
        pytest.param(altered(STEADY, -3, low=96.0), SLOWER, id="low on the fast ema two bars back"),
        pytest.param(LONG_BACK[:-1], {"pullback_threshold": 0.02}, id="low rsi two bars back"),
        pytest.param(LONG_BACK, {"pullback_threshold": 0.02, "rsi_pullback": 67.0}, id="rsi low enough two bars back"),
        pytest.param([*DEEP[:-1], *around(106.5)], {"ema_fast": 3, "ema_medium": 8, "ema_slow": 9}, id="close beyond"),
        pytest.param(altered(TREND, -2, high=109.9), {}, id="close just beyond the bar before"),
        pytest.param([*around(86.0, 86.0), *TREND], {"higher_timeframe_multiplier": 2}, id="series cut to their depth"),
    ],
)
def test_holds_with_the(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(AFTER_A_FALL, {"higher_ema_slow": 4}, id="a higher trend in its direction"),
        pytest.param(HIGHER_TIE, {"higher_ema_fast": 3, "higher_ema_slow": 5}, id="a higher trend"),
        pytest.param(ON_HIGHER_EMA, ON_HIGHER, id="a higher close beyond its ema, being on it"),
        pytest.param(DEEP, {}, id="the fast ema beyond the medium one"),
        pytest.param(FAST_TIE, TIE_OF_FAST, id="the fast ema beyond the medium one, being on it"),
        pytest.param(FAR_BELOW_START, {"ema_slow": 18}, id="the medium ema beyond the slow one"),
        pytest.param(SLOW_TIE, TIE_OF_SLOW, id="the medium ema beyond the slow one, being on it"),
        pytest.param(STEADY, SLOWER, id="a touch of the fast ema"),
        pytest.param(altered(STEADY, -4, low=94.0), SLOWER, id="a touch of the fast ema on the last three bars"),
        pytest.param(altered(STEADY, low=100.0), SLOWER | {"pullback_threshold": 0.0199}, id="nearness"),
        pytest.param(altered(STEADY, low=100.0), SLOWER | {"rsi_pullback": 99.0}, id="a pullback of the rsi"),
        pytest.param(LONG_BACK, {"pullback_threshold": 0.02}, id="a pullback of the rsi on the last three bars"),
        pytest.param([*DEEP[:-1], *around(105.0)], {"ema_medium": 8, "ema_slow": 9}, id="a close beyond the fast ema"),
        pytest.param(
            DEEP, {"ema_fast": 3, "ema_medium": 8, "ema_slow": 9}, id="a close beyond the fast ema, being on it"
        ),
        pytest.param(altered(TREND, -2, high=110.0), {}, id="a close beyond the bar before"),
        pytest.param(altered(TREND, volume=0.99), {}, id="volume"),
        pytest.param(TREND, {"volume_multiplier_threshold": 1.01}, id="volume of a higher multiple"),
        pytest.param(TREND[1:], {"higher_ema_slow": 4}, id="a slow higher ema yet"),
        pytest.param(TREND, {"ema_slow": 15}, id="a slow ema yet"),
        pytest.param(TREND, {"rsi_period": 14, "rsi_pullback": 100.0}, id="an rsi yet"),
        pytest.param(TREND, {"rsi_period": 12, "rsi_pullback": 100.0}, id="an rsi on three bars yet"),
        pytest.param(TREND, {"volume_sma_period": 15}, id="a mean volume yet"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None


# Two bars to a higher bar. If the last bar completes one, the higher closes are 102, 106, 110 and 110; if that before
# does, they are 100, 104, 108 and 105, and end below their EMA(2), 105.33.
ALIGNED: list[Candle] = [*up_to_110(100), *around(105.0, 110.0)]
BY_TWO = {"higher_timeframe_multiplier": 2, "pullback_threshold": 0.02}


@on_both_sides
@pytest.mark.parametrize(
    ("start_bar", "holds"),
    [
        pytest.param(0, True, id="completed by the last bar"),
        pytest.param(1, False, id="completed by the bar before"),
        pytest.param(2, True, id="completed by the last bar again"),
    ],
)
def test_higher_bars_are_aligned_to_the_epoch(view: View, start_bar: int, *, holds: bool) -> None:
    bars = bars_of(view(ALIGNED), start_ms=start_bar * SPAN_MS)
    assert bool(setups_of(ID, bars, **(SMALL | BY_TWO))[-1]) is holds


@on_both_sides
@pytest.mark.parametrize(
    ("bars_later", "holds"),
    [
        pytest.param(1, True, id="not while its last bar may come"),
        pytest.param(2, False, id="with the next bar"),
    ],
)
def test_a_higher_bar_completes_without_its_last_bar(view: View, bars_later: int, *, holds: bool) -> None:
    bars = bars_of(view(ALIGNED))
    # The pullback opens a higher bar now; the close before it was that of the higher bar before.
    pullback = bars[-2]._replace(open_time_ms=bars[-2].open_time_ms + 2 * SPAN_MS)
    resume = bars[-1]._replace(open_time_ms=pullback.open_time_ms + bars_later * SPAN_MS)
    assert bool(setups_of(ID, [*bars[:-2], pullback, resume], **(SMALL | BY_TWO))[-1]) is holds
