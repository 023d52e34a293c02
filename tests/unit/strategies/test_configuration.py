"""The effective configuration: what is in force, and what is refused, in one line."""

from __future__ import annotations

import math
from typing import Any

import pytest

from state.errors import StopProgram
from strategies.configuration import configuration_of, parse_overrides
from strategies.registry import STRATEGIES
from tests.oracle.defaults import DEFAULTS


def test_without_overrides_everything_is_as_defined() -> None:
    configuration = configuration_of()
    in_force = {name: dict(config.parameters) for name, config in configuration.strategies.items()}

    assert in_force == DEFAULTS
    assert (configuration.engine.min_confidence, configuration.engine.cooldown_bars) == (0.5, 64)
    assert set(configuration.engine.enabled_strategies) == set(DEFAULTS)


def test_defaults_are_ints_and_floats_as_defined() -> None:
    for name, config in configuration_of().strategies.items():
        kinds = {parameter: type(value) for parameter, value in config.parameters}
        assert kinds == {parameter: type(value) for parameter, value in DEFAULTS[name].items()}


def test_an_override_changes_its_own_parameter_alone() -> None:
    configuration = configuration_of(overrides={"momentum_pulse": {"rsi_min": 45.0, "ema_fast": 13}})
    in_force = {name: dict(config.parameters) for name, config in configuration.strategies.items()}

    assert in_force == {**DEFAULTS, "momentum_pulse": {**DEFAULTS["momentum_pulse"], "rsi_min": 45.0, "ema_fast": 13}}


def test_what_was_changed_is_said_and_where_it_comes_from() -> None:
    overrides: dict[str, dict[str, Any]]
    overrides = {"momentum_pulse": {"rsi_min": 45.0, "rsi_max": 65.0}, "doji_reversal": {"trend_period": 10}}
    applied = {
        name: config.applied for name, config in configuration_of({}, overrides, source="flags").strategies.items()
    }

    assert (applied["momentum_pulse"].parameters, applied["momentum_pulse"].source) == ({"rsi_min": 45.0}, "flags")
    assert (applied["doji_reversal"].parameters, applied["doji_reversal"].source) == ({}, "default")
    assert (applied["bear_trap_buy"].parameters, applied["bear_trap_buy"].source) == ({}, "default")


def test_an_int_is_taken_where_a_float_belongs() -> None:
    parameters = configuration_of(overrides={"momentum_pulse": {"rsi_min": 45}}).strategies["momentum_pulse"].parameters

    assert parameters.rsi_min == 45.0
    assert isinstance(parameters.rsi_min, float)


def test_only_enabled_strategies_run_in_their_usual_order() -> None:
    enabled = ("momentum_pulse", "bear_trap_sell", "doji_reversal")
    configuration = configuration_of({"enabled_strategies": enabled}, {"bear_trap_buy": {"strength_bars": 2}})

    assert list(configuration.strategies) == [name for name in STRATEGIES if name in enabled]


REFUSED: list[tuple[dict[str, Any], dict[str, dict[str, Any]], str]] = [
    (
        {},
        {"momentum_pulse": {"rsi_min": 101.0}},
        "momentum_pulse.rsi_min: Input should be less than or equal to 100, got 101.0",
    ),
    (
        {},
        {"momentum_pulse": {"ema_fast": 0}},
        "momentum_pulse.ema_fast: Input should be greater than or equal to 1, got 0",
    ),
    ({}, {"momentum_pulse": {"ema_fast": 2.5}}, "momentum_pulse.ema_fast: Input should be a valid integer, got 2.5"),
    ({}, {"momentum_pulse": {"ema_fast": "13"}}, "momentum_pulse.ema_fast: Input should be a valid integer, got '13'"),
    ({}, {"momentum_pulse": {"rsi_min": "low"}}, "momentum_pulse.rsi_min: Input should be a valid number, got 'low'"),
    ({}, {"momentum_pulse": {"rsi_min": None}}, "momentum_pulse.rsi_min: Input should be a valid number, got None"),
    ({}, {"momentum_pulse": {"rsi_min": True}}, "momentum_pulse.rsi_min: Input should be a valid number, got True"),
    ({}, {"momentum_pulse": {"rsi_min": math.inf}}, "momentum_pulse.rsi_min: Input should be a finite number, got inf"),
    ({}, {"momentum_pulse": {"rsi_mean": 50.0}}, "momentum_pulse.rsi_mean: there is no such parameter"),
    (
        {},
        {"momentum_pulse": {"ema_fast": 60}},
        "momentum_pulse: ema_fast < ema_medium < ema_slow must hold, got 60, 50, 200",
    ),
    ({}, {"momentum_pulse": {"rsi_min": 65.0}}, "momentum_pulse: rsi_min < rsi_max must hold, got 65.0, 65.0"),
    (
        {},
        {"rsi_extreme_reversal": {"oversold_threshold": 9.9}},
        "rsi_extreme_reversal.oversold_threshold: Input should be greater than or equal to 10, got 9.9",
    ),
    (
        {},
        {"rsi_extreme_reversal": {"oversold_threshold": 40.1}},
        "rsi_extreme_reversal.oversold_threshold: Input should be less than or equal to 40, got 40.1",
    ),
    (
        {},
        {"rsi_extreme_reversal": {"extreme_threshold": 0.9}},
        "rsi_extreme_reversal.extreme_threshold: Input should be greater than or equal to 1, got 0.9",
    ),
    (
        {},
        {"rsi_extreme_reversal": {"extreme_threshold": 10.1}},
        "rsi_extreme_reversal.extreme_threshold: Input should be less than or equal to 10, got 10.1",
    ),
    ({"min_confidence": 1.5}, {}, "min_confidence: Input should be less than or equal to 1, got 1.5"),
    ({"cooldown_bars": -1}, {}, "cooldown_bars: Input should be greater than or equal to 0, got -1"),
    ({"cooldown_bars": 1.5}, {}, "cooldown_bars: Input should be a valid integer, got 1.5"),
    ({"min_confidence": math.nan}, {}, "min_confidence: Input should be a finite number, got nan"),
    ({"cool_down": 3}, {}, "cool_down: there is no such parameter"),
    (
        {"enabled_strategies": ("momentum_puls",)},
        {},
        "unknown strategy 'momentum_puls'; `ta-bot strategies` lists them",
    ),
    ({}, {"momentum_puls": {"rsi_min": 50.0}}, "unknown strategy 'momentum_puls'; `ta-bot strategies` lists them"),
]


@pytest.mark.parametrize(("engine", "overrides", "reason"), REFUSED, ids=[reason[:50] for *_, reason in REFUSED])
def test_what_is_refused_is_named_in_one_line(
    engine: dict[str, Any], overrides: dict[str, dict[str, Any]], reason: str
) -> None:
    with pytest.raises(StopProgram) as error:
        configuration_of(engine, overrides)

    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) <= len(reason) + 40


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(StopProgram) as error:
        configuration_of(overrides={"momentum_pulse": {"rsi_min": -1.0, "ema_fast": 501}})

    findings = [finding.partition(":")[0] for finding in str(error.value).split("; ")]
    assert sorted(findings) == ["momentum_pulse.ema_fast", "momentum_pulse.rsi_min"]


def test_a_configuration_cannot_be_changed() -> None:
    configuration = configuration_of()
    with pytest.raises(ValueError, match="frozen"):
        configuration.engine.cooldown_bars = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        configuration.strategies["momentum_pulse"].parameters.rsi_min = 3.0


@pytest.mark.parametrize(
    ("texts", "overrides"),
    [
        ([], {}),
        (["momentum_pulse.rsi_min=45"], {"momentum_pulse": {"rsi_min": 45}}),
        (["momentum_pulse.rsi_min=45.5"], {"momentum_pulse": {"rsi_min": 45.5}}),
        ([" momentum_pulse.rsi_min = 45 "], {"momentum_pulse": {"rsi_min": 45}}),
        (["a.b=-1e-3", "a.c=2", "d.e=3"], {"a": {"b": -0.001, "c": 2}, "d": {"e": 3}}),
        (["a.b=1", "a.b=2"], {"a": {"b": 2}}),
    ],
)
def test_overrides_are_read_by_strategy_and_parameter(texts: list[str], overrides: dict[str, dict[str, Any]]) -> None:
    parsed = parse_overrides(texts)

    assert parsed == overrides
    assert [type(v) for values in parsed.values() for v in values.values()] == [
        type(v) for values in overrides.values() for v in values.values()
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "expected strategy.parameter=value, got ''"),
        ("momentum_pulse", "expected strategy.parameter=value, got 'momentum_pulse'"),
        ("momentum_pulse=3", "expected strategy.parameter=value, got 'momentum_pulse=3'"),
        ("momentum_pulse.=3", "expected strategy.parameter=value, got 'momentum_pulse.=3'"),
        ("momentum_pulse.rsi_min", "expected strategy.parameter=value, got 'momentum_pulse.rsi_min'"),
        ("momentum_pulse.rsi_min=", "momentum_pulse.rsi_min: expected a number, got ''"),
        ("momentum_pulse.rsi_min=low", "momentum_pulse.rsi_min: expected a number, got 'low'"),
        ("momentum_pulse.rsi_min=4 5", "momentum_pulse.rsi_min: expected a number, got '4 5'"),
        ("momentum_pulse.rsi_min=4,5", "momentum_pulse.rsi_min: expected a number, got '4,5'"),
        ("momentum_pulse.rsi_min=a=b", "momentum_pulse.rsi_min: expected a number, got 'a=b'"),
        ("two\nlines", "expected strategy.parameter=value, got 'two\\nlines'"),
    ],
)
def test_an_override_of_another_form_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(StopProgram) as error:
        parse_overrides([text])

    assert str(error.value) == reason


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
def test_a_number_that_is_not_finite_is_refused_where_it_is_used(value: str) -> None:
    with pytest.raises(StopProgram, match=r"momentum_pulse\.rsi_min: Input should be a finite number, got -?(nan|inf)"):
        configuration_of(overrides=parse_overrides([f"momentum_pulse.rsi_min={value}"]))
