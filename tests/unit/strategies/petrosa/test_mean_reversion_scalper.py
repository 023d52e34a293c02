"""Mean Reversion Scalper with an EMA over 3 bars, which is halfway between where it was and the close: at 100."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "mean_reversion_scalper"


def stretched(distance: float) -> list[Candle]:
    """Closes at 100 + `distance`, and one at 100 - `distance`.

    Every true range is 10, so the ATR is, as soon as there are its 14 bars. The RSI is 0. Over two bars, the
    standard deviation is `distance` around 100.
    """
    above, below = 100.0 + distance, 100.0 - distance
    return [*[(above, above + 5, above - 5, above, 1.0)] * 13, (99.0, 105.0, 95.0, below, 1.0)]


SMALL: dict[str, Any] = {"ema_period": 3, "rsi_period": 2, "bb_period": 2}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_below_the_ema_towards_it() -> None:
    assert setup(stretched(2)) == pytest.approx(("buy", 0.65, 98.0, 98.0 - 2.0 * 10.0, 100.0))


def test_sells_above_the_ema_towards_it() -> None:
    assert setup(mirrored(stretched(2))) == pytest.approx(("sell", 0.65, 102.0, 102.0 + 2.0 * 10.0, 100.0))


def test_stop_lies_as_many_atrs_away_as_set() -> None:
    wide = altered(stretched(2), high=119.0)
    atr = (13 * 10.0 + 24.0) / 14
    assert setup(wide, stop_loss_atr=0.5) == pytest.approx(("buy", 0.65, 98.0, 98.0 - 0.5 * atr, 100.0))
    assert setup(mirrored(wide), stop_loss_atr=0.5) == pytest.approx(("sell", 0.65, 102.0, 102.0 + 0.5 * atr, 100.0))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(stretched(2.9), {}, 0.65, id="less than one and a half thresholds away"),
        pytest.param(stretched(3), {}, 0.65 + 0.05, id="one and a half thresholds away"),
        pytest.param(stretched(3.9), {}, 0.7, id="less than two thresholds away"),
        pytest.param(stretched(4), {}, 0.65 + 0.05 + 0.05, id="two thresholds away"),
        pytest.param(stretched(4), {"deviation_bonus": 0.1}, 0.85, id="another deviation bonus"),
        pytest.param(altered(stretched(2), open=98.0), {}, 0.65, id="a bar without a body"),
        pytest.param(altered(stretched(2), open=97.5), {}, 0.65 + 0.05, id="a bar that turns"),
        pytest.param(altered(stretched(2), open=97.5), {"turn_bonus": 0.2}, 0.85, id="another turn bonus"),
        pytest.param(stretched(2), {"bb_std": 1.0}, 0.65, id="a close on the band"),
        pytest.param(stretched(2), {"bb_std": 0.9}, 0.65 + 0.05, id="a close outside the bands"),
        pytest.param(stretched(2), {"bb_std": 0.9, "band_bonus": 0.2}, 0.85, id="another band bonus"),
        pytest.param(stretched(2), {"bb_std": 0.9, "bb_period": 15}, 0.65, id="no bands yet"),
        pytest.param(stretched(2), {"base_confidence": 0.4}, 0.4, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


# Up by 6 and then down by 6: the RSI is 100 * 1.5 / (1.5 + 3) = 33.3. Close and EMA are 104 and 108 before, 98 and 103.
EBBING: list[Candle] = [
    *[(98.0, 103.0, 93.0, 98.0, 1.0)] * 12,
    (98.0, 104.0, 94.0, 104.0, 1.0),
    (104.0, 104.0, 94.0, 98.0, 1.0),
]


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(stretched(1.99), {}, id="enough of a stretch"),
        pytest.param(stretched(2), {"deviation_threshold": 0.0201}, id="as much of a stretch as set"),
        pytest.param(stretched(2), {"rsi_oversold": 0.0, "rsi_overbought": 100.0}, id="an rsi beyond its level"),
        pytest.param(EBBING, {"deviation_threshold": 0.005}, id="an extreme rsi"),
        pytest.param(stretched(2), {"ema_period": 15}, id="an ema yet"),
        pytest.param(stretched(2), {"rsi_period": 14}, id="an rsi yet"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None


@on_both_sides
def test_holds_with_the_extreme_rsi_that_is_set(view: View) -> None:
    assert setup(view(EBBING), deviation_threshold=0.005, rsi_oversold=34.0, rsi_overbought=66.0)


@on_both_sides
def test_has_no_stop_that_makes_sense_until_there_is_an_atr(view: View) -> None:
    found = setup(view(stretched(2)[1:]))
    assert found
    assert not found.makes_sense()
