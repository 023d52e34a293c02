"""Signals over a year of real bars against a naive batch reading of the same definitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import isclose
from typing import Any

import pytest

from operators.analyzer import KeyAnalyzer
from strategies.configuration import Configuration, configuration_of
from strategies.registry import STRATEGIES
from tests.kit import SYMBOLS, real_bars, real_klines_file
from tests.oracle.defaults import DEFAULTS
from tests.oracle.emission import Signal, emitted_by_all
from tests.oracle.market import read_market
from tests.oracle.setups import all_setups

TOLERANCE = 1e-9
TIMEFRAMES = ("15m", "1h")
Overrides = Mapping[str, Mapping[str, Any]]

OTHER_PERIODS: Overrides = {
    "momentum_pulse": {"macd_fast": 8, "macd_slow": 21, "macd_signal": 5, "rsi_period": 9, "adx_period": 10},
    "band_fade_reversal": {"bb_period": 30, "bb_std": 1.5, "rsi_period": 7},
    "golden_trend_sync": {"ema_fast": 13, "ema_slow": 34, "adx_period": 7, "volume_rank_window": 5},
    "range_break_pop": {"range_period": 17, "volume_sma_period": 11, "risk_reward": 1.5},
    "divergence_trap": {"rsi_period": 7},
    "volume_surge_breakout": {"volume_sma_period": 33},
    "mean_reversion_scalper": {"ema_period": 34, "bb_period": 15, "rsi_period": 9},
    "ichimoku_cloud_momentum": {"tenkan_period": 7, "kijun_period": 22, "senkou_b_period": 44, "displacement": 13},
    "liquidity_grab_reversal": {"lookback_periods": 31, "volume_sma_period": 12},
    "multi_timeframe_trend_continuation": {
        "higher_timeframe_multiplier": 6,
        "higher_ema_fast": 3,
        "higher_ema_slow": 10,
        "ema_slow": 100,
        "min_data_points": 60,
    },
    "order_flow_imbalance": {"volume_window": 7, "baseline_window": 15},
    "ema_alignment_bullish": {"ema_fast": 5, "ema_slow": 40, "slope_bars": 4},
    "bollinger_squeeze_alert": {"bb_period": 13},
    "bollinger_breakout_signals": {"bb_period": 13, "bb_std": 2.5},
    "rsi_extreme_reversal": {"rsi_period": 3},
    "ema_pullback_continuation": {"ema_signal": 7, "ema_period": 15, "ema_trend": 25, "trend_bars": 3},
    "ema_momentum_reversal": {"ema_period": 12, "window": 7},
    "fox_trap_reversal": {"ema_fast": 6, "ema_medium": 15, "ema_slow": 45, "persistence_bars": 3},
    "hammer_reversal_pattern": {"trend_bars": 6, "trend_count": 3},
    "bear_trap_buy": {"ema_period": 50, "strength_bars": 2},
    "inside_bar_sell": {"ema_fast": 5, "ema_slow": 50},
    "shooting_star_reversal": {"trend_bars": 3, "trend_period": 33},
    "doji_reversal": {"trend_period": 25},
    "ema_alignment_bearish": {"ema_fast": 5, "ema_slow": 40, "slope_bars": 3},
    "ema_slope_reversal_sell": {"ema_period": 14},
    "minervini_trend_template": {"ema_short": 5, "ema_medium": 30, "ema_long": 90, "lookback_periods": 100},
    "bear_trap_sell": {"ema_period": 50, "strength_bars": 3},
}

OTHER_THRESHOLDS: Overrides = {
    "momentum_pulse": {"rsi_min": 40.0, "rsi_max": 75.0, "adx_threshold": 12.0, "take_profit_atr": 1.0},
    "band_fade_reversal": {"rejection_wick_atr": 0.1, "stop_loss_atr": 0.3, "base_confidence": 0.45},
    "golden_trend_sync": {"pullback_threshold": 0.02, "adx_strong": 15.0, "vwap_bonus": 0.2},
    "range_break_pop": {"range_threshold": 0.05, "breakout_threshold": 0.0, "volume_multiplier_threshold": 1.1},
    "liquidity_grab_reversal": {"wick_ratio": 0.3, "max_penetration_atr": 3.0, "volume_spike_multiplier": 1.0},
    "multi_timeframe_trend_continuation": {"pullback_threshold": 0.03, "rsi_pullback": 60.0, "strength_factor": 0.9},
    "order_flow_imbalance": {"absorption_volume_multiplier": 1.2, "imbalance_threshold": 0.51},
    "bollinger_squeeze_alert": {"squeeze_threshold": 0.02, "strong_squeeze_threshold": 0.01},
    "bollinger_breakout_signals": {"distance_factor": 5.0, "stop_loss_atr": 0.5},
    "ema_pullback_continuation": {"pullback_threshold": 0.01, "base_confidence": 0.5},
    "ema_momentum_reversal": {"momentum_factor": 30.0, "distance_factor": 40.0},
    "fox_trap_reversal": {"touch_threshold": 0.01, "separation_factor": 3.0},
    "hammer_reversal_pattern": {"lower_shadow_ratio_threshold": 1.5, "upper_shadow_ratio_threshold": 0.9},
    "shooting_star_reversal": {"upper_shadow_ratio_threshold": 1.5, "lower_shadow_ratio_threshold": 0.9},
    "doji_reversal": {"body_size_threshold": 0.2, "min_trend_atr": 0.4},
    "minervini_trend_template": {"above_low_ratio": 1.05, "near_high_ratio": 0.9, "min_criteria": 5},
    "rsi_extreme_reversal": {"oversold_threshold": 35.0, "extreme_threshold": 8.0},
}

OTHERS: list[tuple[dict[str, Any], Overrides]] = [
    ({"min_confidence": 0.6}, OTHER_PERIODS),
    ({"cooldown_bars": 10}, OTHER_THRESHOLDS),
]


def emitted(symbol: str, timeframe: str, configuration: Configuration) -> list[Signal]:
    """What the analyzer emits, by bar and strategy."""
    analyzer = KeyAnalyzer(f"{symbol}|{timeframe}", configuration)
    return sorted(
        Signal(i, s.strategy_id, s.action, s.confidence, s.price, s.stop_loss, s.take_profit)
        for i, bar in enumerate(real_bars(symbol, timeframe))
        for s in analyzer.on_bar(bar)
    )


@lru_cache(maxsize=10)
def emitted_by_default(symbol: str, timeframe: str) -> list[Signal]:
    return emitted(symbol, timeframe, configuration_of())


def referenced(symbol: str, timeframe: str, overrides: Overrides, **engine: Any) -> list[Signal]:
    """What the reference emits, by bar and strategy."""
    parameters = {name: {**defaults, **overrides.get(name, {})} for name, defaults in DEFAULTS.items()}
    min_data_points = {name: int(values["min_data_points"]) for name, values in parameters.items()}
    setups = all_setups(read_market(real_klines_file(symbol, timeframe)), parameters)
    return sorted(emitted_by_all(setups, min_data_points, **engine))


def is_close(a: float | None, b: float | None) -> bool:
    return a == b if a is None or b is None else isclose(a, b, rel_tol=TOLERANCE)


def same(ours: Signal, theirs: Signal) -> bool:
    return ours[:3] == theirs[:3] and all(map(is_close, ours[3:], theirs[3:]))


def assert_equal(ours: Sequence[Signal], theirs: Sequence[Signal]) -> None:
    ours_by_place, theirs_by_place = ({signal[:3]: signal for signal in signals} for signals in (ours, theirs))
    assert sorted(ours_by_place.keys() ^ theirs_by_place.keys())[:5] == []
    assert len(ours) == len(theirs)
    assert [pair for pair in zip(ours, theirs, strict=True) if not same(*pair)][:5] == []


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_defaults_give_the_signals_of_the_reference(symbol: str, timeframe: str) -> None:
    theirs = referenced(symbol, timeframe, {})

    assert len(theirs) > 1_000
    assert_equal(emitted_by_default(symbol, timeframe), theirs)


@pytest.mark.parametrize(("engine", "overrides"), OTHERS, ids=["periods", "thresholds"])
def test_other_parameters_give_the_signals_of_the_reference(engine: dict[str, Any], overrides: Overrides) -> None:
    theirs = referenced("ETHUSDT", "1h", overrides, **engine)

    assert len({signal.strategy_id for signal in theirs}) > 20
    assert_equal(emitted("ETHUSDT", "1h", configuration_of(engine, overrides)), theirs)


def test_every_strategy_emits_on_real_bars() -> None:
    counts = Counter(
        signal.strategy_id
        for timeframe in TIMEFRAMES
        for symbol in ("BTCUSDT", "1000SHIBUSDT")
        for signal in emitted_by_default(symbol, timeframe)
    )

    assert len(STRATEGIES) == 28
    assert counts.keys() == STRATEGIES.keys()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_there_are_25_to_40_trades_a_day(symbol: str) -> None:
    trades = [s for timeframe in TIMEFRAMES for s in emitted_by_default(symbol, timeframe) if s.action != "hold"]
    bars = real_bars(symbol)
    days = (bars[-1].open_time_ms - bars[0].open_time_ms) / 86_400_000

    assert 25 <= len(trades) / days <= 40
