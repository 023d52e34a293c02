"""Ichimoku Cloud Momentum with lines over 1, 2 and 3 bars and a cloud from two bars ago."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "ichimoku_cloud_momentum"
FLAT: Candle = (100.0, 101.0, 99.0, 100.0, 1.0)
BELOW: Candle = (97.5, 98.5, 96.5, 97.0, 1.0)
# Two bars before the last one, tenkan and kijun are 100, and so is span A, but span B is (101 + 97) / 2 = 99; on the
# bar before that, span A is (100 + 99) / 2 = 99.5. On the last bar, tenkan is (102 + 98) / 2 = 100, kijun
# (102 + 96.5) / 2 = 99.25. Its volume is 1.5 times the mean of two.
BREAKOUT: list[Candle] = [
    FLAT,
    (100.0, 101.0, 97.0, 100.0, 1.0),
    FLAT,
    FLAT,
    BELOW,
    (98.0, 102.0, 98.0, 101.0, 3.0),
]
# Span A is 100 and span B is (103 + 99) / 2 = 101, on the bar before 100.5 and 101. Kijun is (103 + 96.5) / 2 = 99.75.
FALLING_CLOUD: list[Candle] = [
    FLAT,
    (100.0, 103.0, 99.0, 100.0, 1.0),
    FLAT,
    FLAT,
    BELOW,
    (98.0, 103.0, 98.0, 102.0, 3.0),
]
# Spans A and B were 99.5 and 99, and are 102 and 101.
RISEN_CLOUD: list[Candle] = [
    *BREAKOUT[:3],
    (100.0, 105.0, 99.0, 100.0, 1.0),
    BELOW,
    (98.0, 104.0, 98.0, 103.0, 3.0),
]
NO_CLOUD: list[Candle] = [FLAT, FLAT, FLAT, FLAT, *BREAKOUT[-2:]]


SMALL: dict[str, Any] = {
    "tenkan_period": 1,
    "kijun_period": 2,
    "senkou_b_period": 3,
    "displacement": 2,
    "volume_sma_period": 2,
}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_out_of_the_cloud_upwards() -> None:
    assert setup(BREAKOUT) == pytest.approx(("buy", 0.7 + 0.05, 101.0, 99.25, 101.0 + 2.0 * 1.75))


def test_sells_out_of_the_cloud_downwards() -> None:
    assert setup(mirrored(BREAKOUT)) == pytest.approx(("sell", 0.7 + 0.05, 99.0, 100.75, 99.0 - 2.0 * 1.75))


def test_target_lies_as_far_per_risk_as_set() -> None:
    assert setup(BREAKOUT, risk_reward=4.0) == pytest.approx(("buy", 0.75, 101.0, 99.25, 108.0))
    assert setup(mirrored(BREAKOUT), risk_reward=4.0) == pytest.approx(("sell", 0.75, 99.0, 100.75, 92.0))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(BREAKOUT, {"volume_multiplier_threshold": 1.5}, 0.75, id="volume of the multiple"),
        pytest.param(BREAKOUT, {"volume_multiplier_threshold": 1.49}, 0.75 + 0.05, id="volume above the multiple"),
        pytest.param(altered(BREAKOUT, volume=9.0), {"volume_bonus": 0.2}, 0.95, id="another volume bonus"),
        pytest.param(altered(BREAKOUT, volume=9.0), {"volume_sma_period": 7}, 0.75, id="no mean volume yet"),
        pytest.param(FALLING_CLOUD, {}, 0.7, id="a cloud the other way round"),
        pytest.param(altered(BREAKOUT, 0, high=107.0), {}, 0.75, id="a cloud that was the other way round"),
        pytest.param(RISEN_CLOUD, {}, 0.75, id="a cloud that rose"),
        pytest.param(NO_CLOUD, {}, 0.7, id="a cloud of no height"),
        pytest.param(BREAKOUT, {"cloud_bonus": 0.2}, 0.9, id="another cloud bonus"),
        pytest.param(BREAKOUT, {"base_confidence": 0.5}, 0.55, id="another base"),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


@on_both_sides
@pytest.mark.parametrize(
    "candles",
    [
        pytest.param(altered(BREAKOUT, close=100.1), id="just outside"),
        pytest.param(altered(FALLING_CLOUD, 0, high=107.0), id="outside of where it is, not of where it was"),
        pytest.param(altered(BREAKOUT, -2, high=99.5, close=99.5), id="from its edge"),
        pytest.param(altered(FALLING_CLOUD, -2, high=101.0, close=101.0), id="from its edge, which is span b"),
    ],
)
def test_holds_for_a_close_out_of_the_cloud(view: View, candles: list[Candle]) -> None:
    assert setup(view(candles))


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(altered(BREAKOUT, close=100.0), {}, id="a close outside the cloud, being on its edge"),
        pytest.param(altered(BREAKOUT, close=99.5), {}, id="a close outside the cloud, being beyond span b"),
        pytest.param(altered(FALLING_CLOUD, close=100.5), {}, id="a close outside the cloud, being beyond span a"),
        pytest.param(altered(BREAKOUT, -2, high=99.6, close=99.6), {}, id="a close inside the cloud before"),
        pytest.param(altered(FALLING_CLOUD, -2, high=101.1, close=101.1), {}, id="a close inside that cloud before"),
        pytest.param(altered(BREAKOUT, low=96.5), {}, id="tenkan beyond kijun, being on it"),
        pytest.param(altered(BREAKOUT, high=105.5), {}, id="a close beyond kijun, being on it"),
        pytest.param(altered(BREAKOUT, high=110.0), {}, id="a close beyond kijun"),
        pytest.param(BREAKOUT[1:], {}, id="a cloud over the bar before yet"),
        pytest.param(BREAKOUT, {"displacement": 3}, id="a cloud from three bars ago yet"),
        pytest.param(BREAKOUT, {"kijun_period": 7, "senkou_b_period": 8}, id="a kijun yet"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None
