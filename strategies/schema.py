"""The public schema of a strategy's parameters, read off its model."""

from __future__ import annotations

from typing import Any, NamedTuple

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from strategies.base import Strategy


class ParameterSchema(NamedTuple):
    """One parameter: `type` is int or float, both ends of the range are allowed."""

    name: str
    type: str
    default: float
    minimum: float
    maximum: float
    description: str


def schema_of(strategy: type[Strategy[Any]]) -> list[ParameterSchema]:
    """The parameters of a strategy in the order of their definition."""
    fields = strategy.parameters.model_fields
    own = [name for name in vars(strategy.parameters).get("__annotations__", {}) if name in fields]
    inherited = [name for name in fields if name not in own]
    return [_parameter(name, fields[name]) for name in own + inherited]


def rules_of(strategy: type[Strategy[Any]]) -> list[str]:
    """What must hold between parameters, as text."""
    model = strategy.parameters
    return [" < ".join(names) for names in model.ORDERED] + [" <= ".join(names) for names in model.AT_MOST]


def _parameter(name: str, info: FieldInfo) -> ParameterSchema:
    minimum = next(item.ge for item in info.metadata if isinstance(item, Ge))
    maximum = next(item.le for item in info.metadata if isinstance(item, Le))
    kind = "int" if info.annotation is int else "float"
    return ParameterSchema(name, kind, info.default, minimum, maximum, info.description or "")  # type: ignore[arg-type]
