"""Values of the configuration as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from dataflow.commands.config_paths import APPLICATION
from state.errors import StopProgram

_LISTS = ("enabled_strategies", "symbols", "timeframes")


def values_of(name: str, texts: Iterable[str]) -> dict[str, Any]:
    """The values that `name=value` texts say for a strategy, or for the application, whose lists have commas.

    >>> values_of("momentum_pulse", ["rsi_min=45"])
    {'rsi_min': 45}
    >>> values_of("application", ["symbols=BTCUSDT,ETHUSDT", "timeframes=null"])
    {'symbols': ['BTCUSDT', 'ETHUSDT'], 'timeframes': None}

    Raises:
        StopProgram: one is not of this form.
    """
    values: dict[str, Any] = {}
    for text in texts:
        parameter, equals, value = text.partition("=")
        parameter, value = parameter.strip(), value.strip()
        if not equals or not parameter or not value:
            raise StopProgram(f"expected parameter=value, got {text[:80]!r}")
        if parameter in values:
            raise StopProgram(f"{parameter}: is set twice")
        is_list = name == APPLICATION and parameter in _LISTS
        values[parameter] = _names(value) if is_list else _number(parameter, value)
    return values


def _names(text: str) -> list[str] | None:
    return None if text == "null" else [name.strip() for name in text.split(",") if name.strip()]


def _number(parameter: str, text: str) -> int | float:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise StopProgram(f"{parameter}: expected a number, got {text[:80]!r}")
    return value
