"""Order Flow Imbalance in a window of two bars, against the volume of two bars before: 10 a bar."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of
from tests.unit.strategies.petrosa.mirror import View, mirrored, on_both_sides

ID = "order_flow_imbalance"
# Half of its volume is bought; its range is 2.02 % of its low, more than an absorbing bar's may be.
CALM: Candle = (100.0, 101.0, 99.0, 100.0, 10.0)
# All of the last volume is bought, so 35 of 40 are in the window. It is 3 times what is usual, 3 times the bar before,
# 1.5 times the mean of two. The last range is 1 % of the low.
FLOW: list[Candle] = [CALM, CALM, CALM, CALM, (100.0, 101.0, 100.0, 101.0, 30.0)]
OVER = 35 / 40 - 0.55


SMALL: dict[str, Any] = {"volume_window": 2, "baseline_window": 2, "price_impact_threshold": 0.015}


def setup(candles: list[Candle], **parameters: float) -> Setup | None:
    return setup_of(ID, candles, **(SMALL | parameters))


def confidence(candles: list[Candle], **parameters: float) -> float:
    found = setup(candles, **parameters)
    assert found
    return found.confidence


def test_buys_what_is_bought() -> None:
    assert setup(FLOW) == pytest.approx(("buy", 0.7 + 0.25 * OVER, 101.0, 101.0 * 0.98, 101.0 * 1.05))


def test_sells_what_is_sold() -> None:
    assert setup(mirrored(FLOW)) == pytest.approx(("sell", 0.7 + 0.25 * OVER, 99.0, 99.0 * 1.02, 99.0 * 0.95))


def test_stop_and_target_lie_as_many_atrs_away_as_set() -> None:
    long = [*[CALM] * 13, FLOW[-1]]
    atr = (13 * 2.0 + 1.0) / 14
    assert setup(long) == pytest.approx(("buy", 0.7 + 0.25 * OVER, 101.0, 101.0 - 2.0 * atr, 101.0 + 3.0 * atr))
    assert setup(mirrored(long), stop_loss_atr=0.5, take_profit_atr=1.5) == pytest.approx(
        ("sell", 0.7 + 0.25 * OVER, 99.0, 99.0 + 0.5 * atr, 99.0 - 1.5 * atr)
    )


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters", "expected"),
    [
        pytest.param(FLOW, {"imbalance_factor": 0.5}, 0.7 + 0.5 * OVER, id="another factor"),
        pytest.param(FLOW, {"imbalance_threshold": 0.875}, 0.7, id="a share of the threshold"),
        pytest.param(altered(FLOW, volume=40.0), {}, 0.7 + 0.25 * (45 / 50 - 0.55) + 0.05, id="heavy volume"),
        pytest.param(altered(FLOW, volume=40.0), {"volume_bonus": 0.1}, 0.8875, id="another volume bonus"),
        pytest.param(FLOW, {"imbalance_factor": 1.0}, 0.95, id="the highest"),
        pytest.param(FLOW, {"base_confidence": 0.5}, 0.5 + 0.25 * OVER, id="another base"),
        pytest.param(altered(FLOW, -2, high=100.0, low=100.0), {}, 0.78125, id="half of a bar without a range"),
        pytest.param(
            altered(FLOW, -2, high=101.5, low=99.5), {}, 0.7 + 0.25 * (32.5 / 40 - 0.55), id="a quarter of a bar"
        ),
    ],
)
def test_confidence(view: View, candles: list[Candle], parameters: dict[str, float], expected: float) -> None:
    assert confidence(view(candles), **parameters) == pytest.approx(expected)


def calm(volume: float) -> Candle:
    return (100.0, 101.0, 99.0, 100.0, volume)


# The bar before the last is narrow and has twice the volume that was usual for it. The last one is wide, and has less
# than twice the volume that was usual for it, which is 20.
EARLIER: list[Candle] = [
    calm(10.0),
    calm(10.0),
    calm(30.0),
    (100.0, 100.5, 99.5, 100.0, 20.0),
    (100.0, 101.5, 99.5, 101.0, 30.0),
]
# The last two bars have 2.2 times the volume of the two before. 97 of 164 are bought in the last five.
GROWING: list[Candle] = [*map(calm, (10.0, 10.0, 100.0, 10.0, 10.0, 14.0)), FLOW[-1]]


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(FLOW, {"absorption_volume_multiplier": 3.0}, id="the least volume that is absorption"),
        pytest.param(EARLIER, {}, id="absorption on the bar before, by what was usual then"),
        pytest.param(altered(FLOW, -2, volume=25.0), {}, id="the least growth of volume"),
        pytest.param(GROWING, {"volume_window": 5, "volume_trend_ratio": 2.2}, id="growth over half of an odd window"),
        pytest.param([calm(10.0)] * 11 + EARLIER, {}, id="absorption, series just cut to their depth"),
        pytest.param(
            [calm(10.0)] * 9 + GROWING,
            {"baseline_window": 3, "volume_window": 5, "volume_trend_ratio": 2.2},
            id="growth, series just cut to their depth",
        ),
        pytest.param(altered(FLOW, -2, close=99.0), {"consolidation_threshold": 0.02}, id="the widest consolidation"),
        pytest.param(altered(FLOW, -3, high=150.0, close=150.0), {}, id="a close far away before the window"),
        pytest.param(FLOW[1:], {}, id="a usual volume for the last bar only"),
    ],
)
def test_holds_with(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters)


WIDE_FALL: list[Candle] = altered(mirrored(FLOW), open=101.0, high=102.0, low=100.0, close=100.0)


@pytest.mark.parametrize(
    ("candles", "threshold", "holds"),
    [
        pytest.param(FLOW, 0.01, True, id="the highest, rising"),
        pytest.param(FLOW, 0.0099, False, id="more, rising"),
        pytest.param(WIDE_FALL, 0.02, True, id="the highest, falling"),
        pytest.param(WIDE_FALL, 0.0199, False, id="more, falling"),
    ],
)
def test_absorbs_with_a_range_of(candles: list[Candle], threshold: float, *, holds: bool) -> None:
    assert bool(setup(candles, price_impact_threshold=threshold)) is holds


@on_both_sides
@pytest.mark.parametrize(
    ("candles", "parameters"),
    [
        pytest.param(FLOW, {"absorption_volume_multiplier": 3.1}, id="absorbed volume"),
        pytest.param(FLOW, {"price_impact_threshold": 0.005}, id="a bar that absorbs"),
        pytest.param(altered(EARLIER, 0, volume=11.0), {}, id="absorption, by what was usual then"),
        pytest.param(altered(EARLIER, -2, high=101.0, low=99.0), {}, id="absorption on the bar before"),
        pytest.param([*EARLIER[:4], calm(20.0), EARLIER[-1]], {}, id="absorption inside the window"),
        pytest.param(altered(FLOW, -2, volume=25.1), {}, id="growth of volume"),
        pytest.param(GROWING, {"volume_window": 5, "volume_trend_ratio": 2.3}, id="growth over half of an odd window"),
        pytest.param(altered(FLOW, -2, close=99.0), {"consolidation_threshold": 0.0199}, id="a consolidation"),
        pytest.param(FLOW, {"imbalance_threshold": 0.876}, id="an imbalance"),
        pytest.param(altered(FLOW, open=101.0), {}, id="a body"),
        pytest.param(altered(FLOW, open=101.5, high=101.5), {}, id="a body in its direction"),
        pytest.param(
            altered(altered(FLOW, -2, volume=0.0), volume=0.0), {"absorption_volume_multiplier": 0.0}, id="volume"
        ),
        pytest.param(FLOW[2:], {}, id="a usual volume yet"),
        pytest.param(FLOW[-1:], {"volume_window": 2, "baseline_window": 1}, id="a window yet"),
    ],
)
def test_is_silent_without(view: View, candles: list[Candle], parameters: dict[str, float]) -> None:
    assert setup(view(candles), **parameters) is None
