"""What holds for the whole application, and can be changed while it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from state.errors import SkipInput
from state.key import check_symbol
from state.timeframe import timeframe_named
from strategies.configuration import EngineSettings
from strategies.registry import STRATEGIES

EVERYTHING = "*"
"""Instead of names: all that arrive."""


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[str, ...], Field(max_length=100), BeforeValidator(_as_tuple)]
Symbols = Annotated[tuple[str, ...], Field(min_length=1, max_length=5_000), BeforeValidator(_as_tuple)]
Timeframes = Annotated[tuple[str, ...], Field(min_length=1, max_length=20), BeforeValidator(_as_tuple)]


class ApplicationSettings(EngineSettings):
    """Engine settings and, where they are not None, the symbols and timeframes to analyze instead of the configured.

    Names are unique, symbols in upper case; `*` alone stands for everything that arrives.
    """

    enabled_strategies: Names = Field(default=tuple(STRATEGIES), description="Strategies that run")
    symbols: Symbols | None = Field(default=None, description="Symbols to analyze, * for all")
    timeframes: Timeframes | None = Field(default=None, description="Timeframes to analyze, * for all")

    @field_validator("enabled_strategies")
    @classmethod
    def _are_strategies(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in names if name not in STRATEGIES]
        if unknown:
            raise ValueError(f"there is no strategy {', '.join(name[:60] for name in unknown[:5])}")
        return tuple(strategy_id for strategy_id in STRATEGIES if strategy_id in names)

    @field_validator("symbols")
    @classmethod
    def _are_symbols(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _checked(names, check_symbol)

    @field_validator("timeframes")
    @classmethod
    def _are_timeframes(cls, names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return _checked(names, lambda name: timeframe_named(name).name)


def _checked(names: tuple[str, ...] | None, check: Callable[[str], str]) -> tuple[str, ...] | None:
    if names is None or names == (EVERYTHING,):
        return names
    try:
        return tuple(dict.fromkeys(map(check, names)))
    except SkipInput as error:
        raise ValueError(str(error)) from error
