"""The public schema of a strategy's parameters, read off its model."""

from __future__ import annotations

from typing import Any, NamedTuple

from annotated_types import Ge, Le
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from strategies.base import Strategy
from strategies.parameters import Parameters


class ParameterSchema(NamedTuple):
    """One parameter: `type` is int or float, both ends of the range are allowed.

    `example` is a value that the model takes, with all others at their defaults: mostly another one than the default.
    """

    name: str
    type: str
    default: float
    minimum: float
    maximum: float
    description: str
    example: float


def schema_of(strategy: type[Strategy[Any]]) -> list[ParameterSchema]:
    """The parameters of a strategy in the order of their definition."""
    fields = strategy.parameters.model_fields
    own = [name for name in vars(strategy.parameters).get("__annotations__", {}) if name in fields]
    inherited = [name for name in fields if name not in own]
    return [_parameter(strategy.parameters, name, fields[name]) for name in own + inherited]


def rules_of(strategy: type[Strategy[Any]]) -> list[str]:
    """What must hold between parameters, as text."""
    return list(rules_between(strategy.parameters))


def rules_between(model: type[Parameters]) -> dict[str, tuple[str, ...]]:
    """What must hold between parameters, as text, and the names in it."""
    ordered = {" < ".join(names): names for names in model.ORDERED}
    return {**ordered, **{" <= ".join(names): names for names in model.AT_MOST}}


def _parameter(model: type[Parameters], name: str, info: FieldInfo) -> ParameterSchema:
    minimum = next(item.ge for item in info.metadata if isinstance(item, Ge))
    maximum = next(item.le for item in info.metadata if isinstance(item, Le))
    kind = "int" if info.annotation is int else "float"
    example = _example(model, name, info.default)
    return ParameterSchema(name, kind, info.default, minimum, maximum, info.description or "", example)  # type: ignore[arg-type]


def _example(model: type[Parameters], name: str, default: float) -> float:
    """A value near the default that the model takes."""
    if isinstance(default, int):
        near: list[float] = [default + 1, default - 1]
    else:
        near = [round(default * 1.1, 6), round(default * 0.9, 6), round(default + 0.1, 6)]
    return next((value for value in near if value != default and _takes(model, name, value)), default)


def _takes(model: type[Parameters], name: str, value: float) -> bool:
    try:
        model(**{name: value})  # type: ignore[arg-type]
    except ValidationError:
        return False
    return True
