"""Divergence Trap: older lows on the bars 4 to 2 before the last one, recent ones on that before and the last."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "divergence_trap"
# Every true range is 10, so the ATR is, as soon as there are its 14 bars. With 16 bars, series have just been cut.
CALM: list[Candle] = [(100.0, 105.0, 95.0, 100.0, 1.0)] * 11
# The RSI over two bars is 0 at the older low, then 50 twice, 25 at the recent low, and 50.
TRAP: list[Candle] = [
    *CALM,
    (100.0, 101.0, 91.0, 92.0, 1.0),
    (92.0, 102.0, 92.0, 96.0, 1.0),
    (96.0, 102.0, 92.0, 96.0, 1.0),
    (96.0, 100.0, 90.0, 94.0, 1.0),
    (93.0, 102.0, 92.0, 95.0, 1.0),
]
SMALL: dict[str, Any] = {"rsi_period": 2, "price_lookback": 4, "pivot_gap": 2, "strength_scale": 50.0}
DIVERGENCE = 0.15 * 25 / 50  # earned by 25 points on a scale of 50


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_the_turn_after_an_unconfirmed_low() -> None:
    assert setup(TRAP) == pytest.approx(("buy", 0.6 + DIVERGENCE, 95.0, 90.0 - 5.0, 95.0 + 2.0 * 10.0))


def test_sells_the_turn_after_an_unconfirmed_high() -> None:
    assert setup(mirrored(TRAP)) == pytest.approx(("sell", 0.6 + DIVERGENCE, 105.0, 110.0 + 5.0, 105.0 - 2.0 * 10.0))


def test_levels_lie_as_far_away_as_set() -> None:
    wide = altered(TRAP, high=116.0)
    stop = 90.0 - 0.25 * (13 * 10.0 + 24.0) / 14
    far = {"stop_loss_atr": 0.25, "risk_reward": 3.0}
    assert setup(wide, **far) == pytest.approx(("buy", 0.6 + DIVERGENCE, 95.0, stop, 95.0 + 3.0 * (95.0 - stop)))
    stop = 200.0 - stop
    expected = ("sell", 0.6 + DIVERGENCE, 105.0, stop, 105.0 - 3.0 * (stop - 105.0))
    assert setup(mirrored(wide), **far) == pytest.approx(expected)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(TRAP, {}, 0.675, id="half the scale"),
        pytest.param(TRAP, {"strength_scale": 25.0}, 0.6 + 0.15, id="the scale"),
        pytest.param(TRAP, {"strength_scale": 15.0}, 0.6 + 0.15, id="more than the scale"),
        pytest.param(TRAP, {"strength_bonus": 0.3}, 0.75, id="another strength bonus"),
        pytest.param(TRAP, {"wick_ratio": 0.1}, 0.675, id="a wick of the ratio"),
        pytest.param(TRAP, {"wick_ratio": 0.09}, 0.675 + 0.05, id="a wick beyond the ratio"),
        pytest.param(TRAP, {"wick_ratio": 0.09, "wick_bonus": 0.2}, 0.875, id="another wick bonus"),
        pytest.param(TRAP, {"base_confidence": 0.3}, 0.375, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


def test_the_last_bar_may_be_the_recent_extreme() -> None:
    lowest = altered(TRAP, low=89.0)
    buy, sell = setup(lowest, rsi_oversold=50.0), setup(mirrored(lowest), rsi_overbought=50.0)
    atr = (13 * 10.0 + 13.0) / 14
    assert buy == pytest.approx(("buy", 0.6 + 0.15, 95.0, 89.0 - atr / 2, 95.0 + 2.0 * (6.0 + atr / 2)))
    assert sell == pytest.approx(("sell", 0.6 + 0.15, 105.0, 111.0 + atr / 2, 105.0 - 2.0 * (6.0 + atr / 2)))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(TRAP, {"divergence_threshold": 25.0}, id="the least divergence"),
        pytest.param(TRAP, {"rsi_oversold": 25.0, "rsi_overbought": 75.0}, id="an rsi on its level"),
        pytest.param(altered(TRAP, -3, low=91.0), {}, id="an older low again, of which the first counts"),
        pytest.param(altered(TRAP, low=90.0), {}, id="the recent low again, of which the first counts"),
        pytest.param(altered(TRAP, -6, low=80.0), {}, id="a lower low before the older bars"),
        pytest.param(TRAP, {"pivot_gap": 3}, id="one older bar less"),
        pytest.param(TRAP, {"price_lookback": 5}, id="one older bar more"),
    ],
)
def test_holds_with(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters)


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(altered(TRAP, -2, low=91.0), {}, id="a new extreme, the older one being as far"),
        pytest.param(altered(TRAP, -6, low=90.0), {"price_lookback": 5}, id="a new extreme of a longer time"),
        pytest.param(TRAP, {"pivot_gap": 1}, id="a recent extreme, the bar before being older"),
        pytest.param(TRAP, {"divergence_threshold": 25.1}, id="divergence"),
        pytest.param(altered(TRAP, -3, low=90.5), {}, id="divergence from the lowest of the older bars"),
        pytest.param(TRAP, {"price_lookback": 3}, id="divergence from the lowest of fewer older bars"),
        pytest.param(TRAP, {"rsi_oversold": 24.9, "rsi_overbought": 75.1}, id="an extreme rsi"),
        pytest.param(altered(TRAP, low=89.0), {}, id="an extreme rsi at the recent extreme"),
        pytest.param(altered(TRAP, close=94.0), {}, id="a turn, the close being that before"),
        pytest.param(altered(TRAP, open=95.0), {}, id="a turn, the bar having no body"),
        pytest.param(TRAP, {"rsi_period": 12}, id="an rsi at the older extreme yet"),
        pytest.param(TRAP[-4:], {}, id="older bars yet"),
        pytest.param(TRAP[:1], {}, id="a bar before"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None


@on_both_sides
def test_has_no_stop_that_makes_sense_until_there_is_an_atr(view: View) -> None:
    found = setup(view(TRAP[3:]))
    assert found
    assert not found.makes_sense()
