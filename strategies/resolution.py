"""From what is stored to what is in force: parameter by parameter, the default, then the global, then the symbol's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from state.configs.records import APPLICATION, ConfigRecord, Scope
from strategies.application import ApplicationSettings
from strategies.configuration import Configuration, EngineSettings, StrategyConfig, changed_parameters, in_one_line
from strategies.parameters import Parameters
from strategies.registry import STRATEGIES
from strategies.signal import AppliedConfig

Stored = Mapping[Scope, ConfigRecord]

M = TypeVar("M", bound=BaseModel)

COMMAND_LINE = "command_line"


@dataclass(frozen=True)
class Pinned:
    """What was said when the program was started: it holds whatever is stored."""

    engine: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By strategy."""


NOTHING_PINNED = Pinned()


@dataclass(frozen=True)
class Resolved:
    """A strategy's configuration, and the stored values that could not be used, in words."""

    config: StrategyConfig
    unusable: tuple[str, ...] = ()


def resolve_strategy(strategy_id: str, symbol: str | None, stored: Stored, pinned: Pinned = NOTHING_PINNED) -> Resolved:
    """What is in force for a strategy on `symbol`, or without one on all symbols that have nothing of their own.

    Stored values that are not usable, alone or with the others, are left out and told: stores are written by others
    too, and two changes that fit what each was decided on need not fit each other. Version, source and `is_override`
    are those of the record that has the last word.
    """
    records = [stored.get(Scope(strategy_id)), stored.get(Scope(strategy_id, symbol)) if symbol else None]
    live = [record for record in records if record is not None and record.parameters is not None]
    model: Any = STRATEGIES[strategy_id].parameters
    parameters: Parameters = model()
    unusable: list[str] = []
    for record in live:
        parameters, bad = _laid_over(parameters, record.parameters or {}, f"{record.scope}, version {record.version}")
        unusable += bad
    given = pinned.parameters.get(strategy_id)
    if given:
        parameters, bad = _laid_over(parameters, given, f"{strategy_id}, command line")
        unusable += bad
    last = live[-1] if live else None
    changed = changed_parameters(parameters)
    applied = AppliedConfig(
        version=last.version if last else 0,
        parameters=changed,
        source=last.source if last else COMMAND_LINE if given and changed else "default",
        is_override=last is not None and last.scope.symbol is not None,
    )
    return Resolved(StrategyConfig(parameters=parameters, applied=applied), tuple(unusable))


def resolve_application(stored: Stored, pinned: Pinned = NOTHING_PINNED) -> tuple[ApplicationSettings, tuple[str, ...]]:
    """The application's settings in force, and the stored ones that could not be used, in words."""
    settings = ApplicationSettings()
    unusable: list[str] = []
    record = stored.get(APPLICATION)
    if record is not None and record.parameters is not None:
        settings, unusable = _laid_over(settings, record.parameters, f"{record.scope}, version {record.version}")
    if pinned.engine:
        settings, bad = _laid_over(settings, pinned.engine, "command line")
        unusable += bad
    return settings, tuple(unusable)


def resolve(
    symbol: str | None, stored: Stored, pinned: Pinned = NOTHING_PINNED
) -> tuple[Configuration, tuple[str, ...]]:
    """All that a key of `symbol` runs with, and what is stored and could not be used, in words."""
    application, unusable = resolve_application(stored, pinned)
    engine = EngineSettings(**{name: getattr(application, name) for name in EngineSettings.model_fields})
    strategies: dict[str, StrategyConfig] = {}
    problems = list(unusable)
    for strategy_id in STRATEGIES:
        if strategy_id in engine.enabled_strategies:
            resolved = resolve_strategy(strategy_id, symbol, stored, pinned)
            strategies[strategy_id] = resolved.config
            problems += resolved.unusable
    return Configuration(engine=engine, strategies=strategies), tuple(problems)


def _laid_over(lower: M, values: Mapping[str, Any], where: str) -> tuple[M, list[str]]:
    """`lower` with `values` instead, as many of them as are usable; the rest in words."""
    kind = type(lower)
    whole = whole_numbers(kind, values)
    try:
        return kind(**{**dict(lower), **whole}), []
    except ValidationError as error:
        bad = {str(finding["loc"][0]) for finding in error.errors() if finding["loc"]}
        unusable = [f"{where}: {in_one_line(error)}"]
    fitting = {name: value for name, value in whole.items() if name not in bad}
    try:
        return (kind(**{**dict(lower), **fitting}) if bad else lower), unusable
    except ValidationError as error:
        return lower, [*unusable, f"{where}: {in_one_line(error)}"]


def whole_numbers(kind: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Whole numbers as ints where ints belong: JSON knows no difference, and some programs write all as floats.

    >>> from strategies.application import ApplicationSettings
    >>> whole_numbers(ApplicationSettings, {"cooldown_bars": 8.0, "min_confidence": 1.0})
    {'cooldown_bars': 8, 'min_confidence': 1.0}
    """
    return {name: _whole(kind, name, value) for name, value in values.items()}


def _whole(kind: type[BaseModel], name: str, value: Any) -> Any:
    info = kind.model_fields.get(name)
    is_int = info is not None and info.annotation is int
    return int(value) if is_int and isinstance(value, float) and value.is_integer() else value
