"""The effective configuration: engine settings, and the parameters of every strategy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from state.errors import StopProgram
from strategies.parameters import Parameters
from strategies.registry import STRATEGIES, strategy_named
from strategies.signal import AppliedConfig


class EngineSettings(BaseModel):
    """Settings that hold for all strategies."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    min_confidence: float = Field(default=0.5, ge=0.0, le=1.0, description="Confidence below which no setup holds")
    cooldown_bars: int = Field(
        default=64, ge=0, le=100_000, description="Bars between two signals of a strategy with the same action"
    )
    enabled_strategies: tuple[str, ...] = Field(default=tuple(STRATEGIES), description="Strategies that run")


class StrategyConfig(BaseModel):
    """The parameters that are in force for a strategy, and where they come from."""

    model_config = ConfigDict(frozen=True)

    parameters: Any  # of the strategy's own model
    applied: AppliedConfig


class Configuration(BaseModel):
    """What a key runs with. `strategies` holds the enabled ones by id, in the registry's order."""

    model_config = ConfigDict(frozen=True)

    engine: EngineSettings
    strategies: dict[str, StrategyConfig]

    def __hash__(self) -> int:
        """Of what is packed, which is made once."""
        return hash(self.packed)

    @cached_property
    def packed(self) -> bytes:
        """All that `unpack_configuration` needs, as JSON, in the order in which signals say it."""
        applied = {name: config.applied for name, config in self.strategies.items() if config.applied != _DEFAULT}
        return orjson.dumps({"engine": self.engine.model_dump(), "applied": applied})


_DEFAULT = AppliedConfig()


@lru_cache(maxsize=256)  # keys share configurations
def unpack_configuration(packed: bytes) -> Configuration:
    """The configuration that was packed, with today's defaults where it had defaults.

    Raises:
        ValueError: it is something else, or not possible any more.
    """
    content = orjson.loads(packed)
    settings = content["engine"]
    engine = EngineSettings(**{**settings, "enabled_strategies": tuple(settings["enabled_strategies"])})
    strategies: dict[str, StrategyConfig] = {}
    for strategy_id in [name for name in STRATEGIES if name in engine.enabled_strategies]:
        applied = AppliedConfig(**content["applied"].get(strategy_id, {}))
        model: Any = STRATEGIES[strategy_id].parameters
        parameters = model(**applied.parameters)
        strategies[strategy_id] = StrategyConfig(parameters=parameters, applied=applied)
    return Configuration(engine=engine, strategies=strategies)


def configuration_of(
    engine: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    source: str = "default",
) -> Configuration:
    """The defaults, with some engine settings and some strategies' parameters overridden.

    Raises:
        StopProgram: a strategy or parameter is unknown, or a value is of the wrong type, out of range, or
            contradicts another.
    """
    overrides = overrides or {}
    for strategy_id in overrides:
        strategy_named(strategy_id)
    try:
        settings = EngineSettings(**(engine or {}))
    except ValidationError as error:
        raise StopProgram(in_one_line(error)) from error
    enabled = {strategy_named(strategy_id).id for strategy_id in settings.enabled_strategies}
    strategies = {
        strategy_id: _strategy_config(strategy_id, overrides.get(strategy_id, {}), source)
        for strategy_id in STRATEGIES
        if strategy_id in enabled
    }
    return Configuration(engine=settings, strategies=strategies)


def _strategy_config(strategy_id: str, overrides: Mapping[str, Any], source: str) -> StrategyConfig:
    try:
        parameters = STRATEGIES[strategy_id].parameters(**overrides)
    except ValidationError as error:
        raise StopProgram(in_one_line(error, prefix=f"{strategy_id}.")) from error
    changed = changed_parameters(parameters)
    applied = AppliedConfig(parameters=changed, source=source if changed else "default")
    return StrategyConfig(parameters=parameters, applied=applied)


def changed_parameters(parameters: Parameters) -> dict[str, float]:
    """The values that differ from the defaults, by name."""
    fields = type(parameters).model_fields
    return {name: value for name, value in parameters if value != fields[name].default}


def in_one_line(error: ValidationError, prefix: str = "") -> str:
    """What a validation found, in one line that names each value, what was expected and what was got."""
    return "; ".join(_finding(finding, prefix) for finding in error.errors())


def _finding(finding: Any, prefix: str) -> str:
    where = ".".join(str(part) for part in finding["loc"])
    message = str(finding["msg"]).removeprefix("Value error, ")
    if finding["type"] == "extra_forbidden":
        return f"{prefix}{where}: there is no such parameter"
    got = f", got {finding['input']!r}" if where else ""
    return f"{prefix}{where}: {message}{got}" if where else f"{prefix.rstrip('.')}: {message}"


def parse_overrides(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Overrides written as ``strategy.parameter=value``, by strategy and parameter.

    >>> parse_overrides(["momentum_pulse.rsi_min=45"])
    {'momentum_pulse': {'rsi_min': 45}}

    Raises:
        StopProgram: one is not of this form.
    """
    overrides: dict[str, dict[str, Any]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        strategy_id, dot, parameter = name.strip().partition(".")
        if not (equals and dot and parameter):
            raise StopProgram(f"expected strategy.parameter=value, got {text!r}")
        overrides.setdefault(strategy_id, {})[parameter] = _number(value.strip(), name)
    return overrides


def _number(text: str, name: str) -> int | float:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    raise StopProgram(f"{name.strip()}: expected a number, got {text!r}")
