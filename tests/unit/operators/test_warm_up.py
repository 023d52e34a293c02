"""With how many bars a key is seeded: what the slowest indicator takes, worked out from its formula."""

from __future__ import annotations

from typing import Any

import pytest

from operators.analyzer import KeyAnalyzer
from operators.warm_up import MOST_BARS, bars_to_seed, bars_to_warm
from state.timeframe import TIMEFRAMES
from strategies.configuration import Configuration, configuration_of
from tests.kit import real_bars

QUARTER = TIMEFRAMES["15m"]


def only(strategy_id: str, **parameters: Any) -> Configuration:
    return configuration_of({"enabled_strategies": (strategy_id,)}, {strategy_id: parameters})


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_by_default_the_slowest_indicators_need_252_bars_so_that_756_are_read(timeframe: str) -> None:
    """The longest EMA has 200 bars, the longest window 252."""
    assert bars_to_warm(configuration_of(), TIMEFRAMES[timeframe]) == 252
    assert bars_to_seed(configuration_of(), TIMEFRAMES[timeframe], 500) == 3 * 252


@pytest.mark.parametrize(
    ("configuration", "bars"),
    [
        (only("hammer_reversal_pattern"), 1),  # reads candles only
        (only("ema_slope_reversal_sell", ema_period=37), 37),  # an EMA begins with the mean of its first 37 closes
        (only("doji_reversal", trend_period=40), 40),
        (only("minervini_trend_template", lookback_periods=300), 300),  # defined before, but of fewer bars
        # The EMA over 30 higher bars of 10 bars each, the first of which is complete after 10.
        (only("multi_timeframe_trend_continuation", higher_timeframe_multiplier=10, higher_ema_slow=30), 300),
        # Senkou B, 52 bars, displaced by 26.
        (only("ichimoku_cloud_momentum", kijun_period=26, senkou_b_period=52, displacement=26), 52 + 26),
    ],
)
def test_the_slowest_indicator_decides(configuration: Configuration, bars: int) -> None:
    assert bars_to_warm(configuration, QUARTER) == bars


def test_as_many_bars_as_are_wanted_are_read_when_indicators_need_fewer() -> None:
    assert bars_to_seed(only("hammer_reversal_pattern"), QUARTER, 500) == 500
    assert bars_to_seed(configuration_of(), QUARTER, 5_000) == 5_000


def test_no_strategy_lacks_its_data_points() -> None:
    assert bars_to_seed(only("hammer_reversal_pattern", min_data_points=499), QUARTER, 10) == 499


def test_without_strategies_the_least_is_read() -> None:
    assert bars_to_seed(configuration_of({"enabled_strategies": ()}), QUARTER, 500) == 500


def test_there_is_an_end_to_it() -> None:
    slow = only("multi_timeframe_trend_continuation", higher_timeframe_multiplier=100, higher_ema_slow=100)

    assert bars_to_warm(slow, QUARTER) == MOST_BARS


def test_a_seeded_key_gives_the_signals_of_one_that_always_ran() -> None:
    """All but those few that indicators' beginnings, or what was emitted before, decide."""
    bars, first = real_bars("BTCUSDT")[:6_000], 3_000
    configuration = configuration_of({"cooldown_bars": 0})
    always, seeded = (KeyAnalyzer("BTCUSDT|15m", configuration) for _ in range(2))
    always.warm_up(bars[:first])
    seeded.warm_up(bars[first - bars_to_seed(configuration, QUARTER, 500) : first])
    theirs, ours = ({s.signal_id for bar in bars[first:] for s in one.on_bar(bar)} for one in (always, seeded))

    assert len(theirs) > 500
    assert len(theirs ^ ours) <= len(theirs) // 200
