"""The parameters as the public configuration: names, defaults, types, ranges, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan, nextafter
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from strategies.registry import STRATEGIES
from tests.oracle.defaults import DEFAULTS


class Range(NamedTuple):
    """The values that a parameter may have."""

    name: str
    minimum: float
    maximum: float


def model(strategy_id: str) -> Any:
    return STRATEGIES[strategy_id].parameters


def range_of(strategy_id: str, name: str) -> Range:
    limits = {type(limit).__name__: limit for limit in model(strategy_id).model_fields[name].metadata}
    return Range(name, limits["Ge"].ge, limits["Le"].le)


def ranges_of(strategy_id: str) -> list[Range]:
    return [range_of(strategy_id, name) for name in DEFAULTS[strategy_id]]


every_strategy = pytest.mark.parametrize("strategy_id", STRATEGIES)

# Values of these must rise, or in the second list not fall, from each name to the next.
RISING = {
    "momentum_pulse": ["macd_fast macd_slow", "rsi_min rsi_max", "ema_fast ema_medium ema_slow"],
    "band_fade_reversal": ["rsi_oversold rsi_overbought"],
    "golden_trend_sync": ["ema_fast ema_slow"],
    "divergence_trap": ["pivot_gap price_lookback", "rsi_oversold rsi_overbought"],
    "volume_surge_breakout": ["rsi_min rsi_max"],
    "mean_reversion_scalper": ["rsi_oversold rsi_overbought"],
    "ichimoku_cloud_momentum": ["tenkan_period kijun_period senkou_b_period"],
    "multi_timeframe_trend_continuation": ["higher_ema_fast higher_ema_slow", "ema_fast ema_medium ema_slow"],
    "ema_alignment_bullish": ["ema_fast ema_slow"],
    "inside_bar_breakout": ["ema_fast ema_slow"],
    "ema_pullback_continuation": ["ema_signal ema_period ema_trend"],
    "fox_trap_reversal": ["ema_fast ema_medium ema_slow"],
    "inside_bar_sell": ["ema_fast ema_slow"],
    "ema_alignment_bearish": ["ema_fast ema_slow"],
    "minervini_trend_template": ["ema_short ema_medium ema_long"],
}
NOT_FALLING = {
    "range_break_pop": ["volume_multiplier_threshold strong_volume_multiplier"],
    "liquidity_grab_reversal": ["volume_spike_multiplier strong_volume_multiplier"],
    "bollinger_squeeze_alert": ["strong_squeeze_threshold squeeze_threshold"],
    "hammer_reversal_pattern": ["trend_count trend_bars"],
    "shooting_star_reversal": ["trend_count trend_bars"],
}


def pairs(orders: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    return [
        (strategy_id, low, high)
        for strategy_id, groups in orders.items()
        for group in groups
        for low, high in pairwise(group.split())
    ]


def refusals(strategy_id: str, values: dict[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with some values: where, and what is said about it."""
    try:
        model(strategy_id)(**values)
    except ValidationError as error:
        return [(".".join(map(str, found["loc"])), found["msg"]) for found in error.errors()]
    return []


def test_every_strategy_is_in_the_table() -> None:
    assert set(DEFAULTS) == set(STRATEGIES)


@every_strategy
def test_names_types_and_defaults_are_those_of_the_definition(strategy_id: str) -> None:
    expected = DEFAULTS[strategy_id]
    parameters = dict(model(strategy_id)())
    assert parameters == expected
    assert {name: type(value) for name, value in parameters.items()} == {n: type(v) for n, v in expected.items()}
    assert {n: field.annotation for n, field in model(strategy_id).model_fields.items()} == {
        name: type(value) for name, value in expected.items()
    }


@every_strategy
def test_each_parameter_has_a_description_of_its_own(strategy_id: str) -> None:
    descriptions = [field.description for field in model(strategy_id).model_fields.values()]
    assert all(descriptions)
    assert len(set(descriptions)) == len(descriptions)


@every_strategy
def test_the_public_schema_gives_type_default_minimum_and_maximum(strategy_id: str) -> None:
    schema = model(strategy_id).model_json_schema()["properties"]
    for name, default in DEFAULTS[strategy_id].items():
        said = schema[name]
        assert said["type"] == ("integer" if isinstance(default, int) else "number"), name
        assert said["minimum"] <= said["default"] <= said["maximum"], name


@every_strategy
def test_ranges_suit_what_they_are_for(strategy_id: str) -> None:
    for name, minimum, maximum in ranges_of(strategy_id):
        default = DEFAULTS[strategy_id][name]
        if isinstance(default, int) and ("period" in name or name.startswith(("ema_", "macd_", "higher_ema_"))):
            assert minimum in {1, 2}, name
            assert maximum >= 500, name
        if name.endswith(("_confidence", "_bonus")):
            assert minimum == 0.0, name
            assert maximum <= 1.0, name
        if default >= 0:
            assert minimum >= 0, name


@pytest.mark.parametrize(
    "expected", [Range("oversold_threshold", 10.0, 40.0), Range("extreme_threshold", 1.0, 10.0)], ids=lambda it: it.name
)
def test_ranges_that_users_rely_on(expected: Range) -> None:
    assert range_of("rsi_extreme_reversal", expected.name) == expected


@every_strategy
def test_takes_the_ends_of_each_range(strategy_id: str) -> None:
    for name, minimum, maximum in ranges_of(strategy_id):
        # At its end, one value may contradict another, which is said of both and so of neither.
        assert {where for end in (minimum, maximum) for where, _ in refusals(strategy_id, {name: end})} <= {""}, name


@every_strategy
def test_refuses_what_is_outside_of_a_range(strategy_id: str) -> None:
    for name, minimum, maximum in ranges_of(strategy_id):
        kind = type(DEFAULTS[strategy_id][name])
        below = minimum - 1 if kind is int else nextafter(minimum, -inf)
        above = maximum + 1 if kind is int else nextafter(maximum, inf)
        for outside in (below, above):
            assert [where for where, _ in refusals(strategy_id, {name: outside})] == [name], (name, outside)


@pytest.mark.parametrize("value", ["1", True, None, nan, inf, -inf, [1]], ids=repr)
@every_strategy
def test_refuses_what_is_no_finite_number(strategy_id: str, value: object) -> None:
    for name in DEFAULTS[strategy_id]:
        assert [where for where, _ in refusals(strategy_id, {name: value})] == [name], name


@every_strategy
def test_refuses_a_float_for_an_int(strategy_id: str) -> None:
    for name, default in DEFAULTS[strategy_id].items():
        expected = [name] if isinstance(default, int) else []
        assert [where for where, _ in refusals(strategy_id, {name: float(default)})] == expected, name


@every_strategy
def test_refuses_a_name_that_it_does_not_know(strategy_id: str) -> None:
    assert [where for where, _ in refusals(strategy_id, {"no_such_parameter": 1})] == ["no_such_parameter"]


@every_strategy
def test_parameters_cannot_be_changed(strategy_id: str) -> None:
    parameters = model(strategy_id)()
    with pytest.raises(ValidationError, match="frozen"):
        parameters.min_data_points = 1


@pytest.mark.parametrize(("strategy_id", "low", "high"), pairs(RISING))
def test_refuses_values_that_do_not_rise_and_names_them(strategy_id: str, low: str, high: str) -> None:
    value = DEFAULTS[strategy_id][high]
    ((where, message),) = refusals(strategy_id, {low: value})
    assert where == ""
    assert f"{low} < {high}" in message
    assert f"{value}, {value}" in message


@pytest.mark.parametrize(("strategy_id", "low", "high"), pairs(NOT_FALLING))
def test_refuses_values_that_fall_and_names_them(strategy_id: str, low: str, high: str) -> None:
    value = DEFAULTS[strategy_id][high]
    assert refusals(strategy_id, {low: value}) == []
    above = value + 1 if isinstance(value, int) else value + 0.5
    ((where, message),) = refusals(strategy_id, {low: above})
    assert where == ""
    assert f"{low} <= {high}" in message
    assert f"{above}, {value}" in message
