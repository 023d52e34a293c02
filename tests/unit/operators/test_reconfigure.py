"""A key that is given another configuration goes on as if it had had it all along, with what it held and emitted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from operators.analyzer import KeyAnalyzer
from state.bar import Bar
from strategies.configuration import Configuration, configuration_of
from strategies.registry import STRATEGIES
from strategies.schema import schema_of
from tests.kit import real_bars

KEY = "ETHUSDT|1h"
ENGINE = {"cooldown_bars": 5, "min_confidence": 0.0}
BEFORE, AFTER = 600, 250

Overrides = dict[str, dict[str, Any]]


def bars() -> tuple[Bar, ...]:
    return real_bars("ETHUSDT", "1h")[: BEFORE + AFTER]


def run(configuration: Configuration, count: int, keep_bars: int = 0) -> KeyAnalyzer:
    analyzer = KeyAnalyzer(KEY, configuration, keep_bars)
    for bar in bars()[:count]:
        analyzer.on_bar(bar)
    return analyzer


def rest(analyzer: KeyAnalyzer) -> list[bytes]:
    return [signal.to_json() for bar in bars()[BEFORE:] for signal in analyzer.on_bar(bar)]


def all_along(new: Configuration, old: KeyAnalyzer) -> KeyAnalyzer:
    """A key that has had `new` from its first bar on, but held and emitted what `old` did."""
    snapshot = run(new, BEFORE).snapshot()
    known = {name: one for name, one in old.snapshot()["emissions"].items() if name in snapshot["emissions"]}
    analyzer = KeyAnalyzer(KEY, new)
    analyzer.resume({**snapshot, "emissions": {**snapshot["emissions"], **known}})
    return analyzer


def other_values() -> Iterator[Any]:
    """Every parameter of every strategy, with another value that is possible."""
    for strategy_id, kind in STRATEGIES.items():
        model: Any = kind.parameters
        for parameter in schema_of(kind):
            step = 1 if parameter.type == "int" else (parameter.maximum - parameter.minimum) / 50
            for value in (parameter.default + step, parameter.default - step):
                try:
                    model(**{parameter.name: value})
                except ValueError:
                    continue
                yield pytest.param(strategy_id, parameter.name, value, id=f"{strategy_id}.{parameter.name}")
                break


@pytest.mark.parametrize(("strategy_id", "name", "value"), list(other_values()))
def test_every_parameter_can_be_changed_in_mid_run(strategy_id: str, name: str, value: float) -> None:
    enabled = (strategy_id, *(other for other in ("momentum_pulse", "doji_reversal") if other != strategy_id))
    engine = {**ENGINE, "enabled_strategies": enabled}
    new = configuration_of(engine, {strategy_id: {name: value}})
    analyzer = run(configuration_of(engine), BEFORE)
    expected = rest(all_along(new, analyzer))
    analyzer.reconfigure(new, bars()[:BEFORE])

    assert rest(analyzer) == expected


CHANGES: dict[str, tuple[dict[str, Any], Overrides]] = {
    "many periods": (
        ENGINE,
        {
            "momentum_pulse": {"ema_slow": 300, "macd_slow": 40},
            "ichimoku_cloud_momentum": {"displacement": 40, "senkou_b_period": 80},
            "minervini_trend_template": {"lookback_periods": 300, "slope_bars": 20},
            "bollinger_breakout_signals": {"bb_std": 1.5},
            "ema_pullback_continuation": {"trend_bars": 7},
            "order_flow_imbalance": {"volume_window": 12},
            "multi_timeframe_trend_continuation": {"higher_timeframe_multiplier": 6},
        },
    ),
    "shorter ones": (
        ENGINE,
        {"minervini_trend_template": {"lookback_periods": 50}, "doji_reversal": {"trend_period": 5}},
    ),
    "engine settings": ({"cooldown_bars": 40, "min_confidence": 0.7}, {}),
    "fewer strategies": ({**ENGINE, "enabled_strategies": ("momentum_pulse", "bear_trap_buy")}, {}),
    "none": ({**ENGINE, "enabled_strategies": ()}, {}),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_many_changes_at_once(change: tuple[dict[str, Any], Overrides]) -> None:
    new = configuration_of(*change)
    analyzer = run(configuration_of(ENGINE), BEFORE)
    expected = rest(all_along(new, analyzer))
    analyzer.reconfigure(new, bars()[:BEFORE])

    assert rest(analyzer) == expected
    assert analyzer.indicators.requests() == run(new, 1).indicators.requests()


def test_a_snapshot_after_a_change_is_gone_on_from_with_that_change() -> None:
    new = configuration_of(*CHANGES["many periods"])
    analyzer = run(configuration_of(ENGINE), BEFORE)
    analyzer.reconfigure(new, bars()[:BEFORE])
    resumed = KeyAnalyzer(KEY, configuration_of())
    resumed.resume(analyzer.snapshot())

    assert resumed.configuration == new
    assert rest(resumed) == rest(analyzer)


def test_there_and_back_again_changes_nothing() -> None:
    old, new = configuration_of(ENGINE), configuration_of(*CHANGES["many periods"])
    analyzer = run(old, BEFORE)
    analyzer.reconfigure(new, bars()[:BEFORE])
    analyzer.reconfigure(old, bars()[:BEFORE])

    assert rest(analyzer) == rest(run(old, BEFORE))


def test_a_strategy_that_is_enabled_does_not_emit_what_has_held_for_long() -> None:
    enabled = {**ENGINE, "enabled_strategies": ("minervini_trend_template", "doji_reversal")}
    never_disabled = run(configuration_of(enabled), BEFORE)
    held = [one.emissions["minervini_trend_template"].held for one in (never_disabled,)]
    analyzer = run(configuration_of({**enabled, "enabled_strategies": ("doji_reversal",)}), BEFORE)
    analyzer.reconfigure(configuration_of(enabled), bars()[:BEFORE])

    assert [analyzer.emissions["minervini_trend_template"].held] == held


def test_a_cooldown_outlives_being_disabled() -> None:
    only = {"enabled_strategies": ("bollinger_breakout_signals",), "cooldown_bars": 10_000, "min_confidence": 0.0}
    analyzer = run(configuration_of(only), BEFORE)
    assert set(analyzer.emissions["bollinger_breakout_signals"].emitted) == {"buy", "sell"}
    analyzer.reconfigure(configuration_of({**only, "enabled_strategies": ()}))
    resumed = KeyAnalyzer(KEY, configuration_of())
    resumed.resume(analyzer.snapshot())
    resumed.reconfigure(configuration_of(only), bars()[:BEFORE])

    assert rest(resumed) == []


def test_its_own_bars_are_enough_where_they_are_as_many_as_it_takes() -> None:
    analyzer = run(configuration_of(ENGINE), BEFORE, keep_bars=300)

    assert analyzer.bars_wanted(configuration_of(ENGINE, {"momentum_pulse": {"rsi_min": 45.0}})) == 0
    assert analyzer.bars_wanted(configuration_of(ENGINE, {"momentum_pulse": {"rsi_period": 21}})) == 0
    assert analyzer.bars_wanted(configuration_of(ENGINE, {"momentum_pulse": {"ema_slow": 201}})) == 3 * 202
    assert run(configuration_of(ENGINE), 0).bars_wanted(configuration_of(*CHANGES["many periods"])) == 0


@pytest.mark.parametrize("history", [0, 500])
def test_what_is_new_is_warmed_up_over_history_and_its_own_bars_and_the_rest_stays(history: int) -> None:
    new = configuration_of(ENGINE, {"doji_reversal": {"trend_period": 120}})
    analyzer = run(configuration_of(ENGINE), BEFORE, keep_bars=300)
    analyzer.reconfigure(new, bars()[BEFORE - history : BEFORE - 7])  # history lags
    first = BEFORE - max(history, 300)
    fresh = KeyAnalyzer(KEY, new)
    fresh.warm_up(bars()[first:BEFORE])

    found, seeded, kept = (one.indicators.dump() for one in (analyzer, fresh, run(configuration_of(ENGINE), BEFORE)))
    assert found["sma(close,120)"] == seeded["sma(close,120)"]
    assert {name: numbers for name, numbers in found.items() if name in kept and name != "close"} == {
        name: kept[name] for name in found if name in kept and name != "close"
    }
