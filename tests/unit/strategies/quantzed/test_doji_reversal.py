"""Doji Reversal on two closes: the close is half their distance from their mean."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.setup import Setup
from tests.kit import Candle, altered, setup_of

ID = "doji_reversal"
# Every true range is 8, so the ATR is, as soon as there are its 14 bars; the mean is half an ATR away.
CALM: list[Candle] = [(100.0, 104.0, 96.0, 100.0, 1.0)] * 13
LOW_DOJI: list[Candle] = [*CALM, (92.5, 100.0, 92.0, 92.0, 1.0)]  # mean 96, body 1/16 of the range
HIGH_DOJI: list[Candle] = [*CALM, (107.5, 108.0, 100.0, 108.0, 1.0)]  # mean 104, body 1/16 of the range


def setup(candles: list[Candle], min_trend_atr: float = 0.5, **parameters: Any) -> Setup | None:
    return setup_of(ID, candles, trend_period=2, min_trend_atr=min_trend_atr, body_size_threshold=0.125, **parameters)


def test_buys_at_the_high_with_the_stop_at_the_low() -> None:
    assert setup(LOW_DOJI) == pytest.approx(("buy", 0.55 + 0.1 * 0.5 + 0.1, 100.0, 92.0, 100.0 + 1.2 * 8.0))


def test_sells_at_the_low_with_the_stop_at_the_high() -> None:
    assert setup(HIGH_DOJI) == pytest.approx(("sell", 0.55 + 0.1 * 0.5 + 0.1, 100.0, 108.0, 100.0 - 1.2 * 8.0))


def test_reward_follows_the_risk() -> None:
    assert setup(LOW_DOJI, risk_reward=0.5) == pytest.approx(("buy", 0.7, 100.0, 92.0, 104.0))
    assert setup(HIGH_DOJI, risk_reward=0.5) == pytest.approx(("sell", 0.7, 100.0, 108.0, 96.0))


@pytest.mark.parametrize(
    ("parameters", "of_a_buy", "of_a_sell"),
    [
        pytest.param({"quality_weight": 0.0, "trend_factor": 0.0}, 0.55, 0.55, id="base"),
        pytest.param({"quality_weight": 0.04, "trend_factor": 0.0}, 0.55 + 0.02, 0.55 + 0.02, id="quality"),
        pytest.param(
            {"quality_weight": 0.0, "trend_factor": 0.5}, 0.55 + 0.5 * 4 / 92, 0.55 + 0.5 * 4 / 108, id="distance"
        ),
        pytest.param({"max_trend_bonus": 0.03}, 0.55 + 0.05 + 0.03, 0.55 + 0.05 + 0.03, id="most of the distance"),
        pytest.param({"base_confidence": 0.65}, 0.75, 0.75, id="most of all"),
    ],
)
def test_confidence(parameters: dict[str, Any], of_a_buy: float, of_a_sell: float) -> None:
    buy, sell = setup(LOW_DOJI, **parameters), setup(HIGH_DOJI, **parameters)
    assert buy
    assert sell
    assert (buy.confidence, sell.confidence) == pytest.approx((of_a_buy, of_a_sell))


def test_quality_is_best_without_a_body_and_nothing_with_the_largest() -> None:
    found = [setup(altered(LOW_DOJI, open=open_), trend_factor=0.0) for open_ in (92.0, 93.0)]
    assert found == [pytest.approx(("buy", confidence, 100.0, 92.0, 109.6)) for confidence in (0.65, 0.55)]


@pytest.mark.parametrize(
    ("holding", "broken"),
    [
        pytest.param(altered(LOW_DOJI, open=93.0), altered(LOW_DOJI, open=93.25), id="buy, body"),
        pytest.param(altered(HIGH_DOJI, open=107.0), altered(HIGH_DOJI, open=106.75), id="sell, body"),
        pytest.param(
            altered(LOW_DOJI, open=92.0, high=92.25), altered(LOW_DOJI, open=92.0, high=92.0), id="buy, range"
        ),
        pytest.param(
            altered(HIGH_DOJI, open=108.0, low=107.75), altered(HIGH_DOJI, open=108.0, low=108.0), id="sell, range"
        ),
        # The true range becomes larger, and the ATR with it.
        pytest.param(LOW_DOJI, altered(LOW_DOJI, high=100.25), id="buy, distance"),
        pytest.param(HIGH_DOJI, altered(HIGH_DOJI, low=99.75), id="sell, distance"),
    ],
)
def test_each_condition_is_needed(holding: list[Candle], broken: list[Candle]) -> None:
    assert setup(holding)
    assert setup(broken) is None


def test_distance_is_asked_in_atrs() -> None:
    for candles in (LOW_DOJI, HIGH_DOJI):
        assert setup(candles, min_trend_atr=0.5)
        assert setup(candles, min_trend_atr=0.51) is None


def test_is_silent_on_the_mean() -> None:
    on_the_mean = [*CALM, (100.0, 104.0, 96.0, 100.0, 1.0)]
    assert setup(on_the_mean, min_trend_atr=0.0) is None
    assert setup(altered(on_the_mean, close=99.75), min_trend_atr=0.0)


@pytest.mark.parametrize("candles", [pytest.param(LOW_DOJI, id="buy"), pytest.param(HIGH_DOJI, id="sell")])
def test_is_silent_until_there_is_an_atr(candles: list[Candle]) -> None:
    assert setup(candles[1:]) is None


@pytest.mark.parametrize("candles", [pytest.param(LOW_DOJI, id="buy"), pytest.param(HIGH_DOJI, id="sell")])
def test_is_silent_until_there_is_a_mean(candles: list[Candle]) -> None:
    assert setup_of(ID, candles, trend_period=15, min_trend_atr=0.0, body_size_threshold=0.125) is None
    assert setup_of(ID, candles, trend_period=14, min_trend_atr=0.0, body_size_threshold=0.125)
