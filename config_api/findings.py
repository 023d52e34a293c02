"""What is wrong with values, found by their own model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import orjson
from annotated_types import Ge, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from config_api.errors import Finding
from strategies.parameters import Parameters
from strategies.resolution import whole_numbers
from strategies.schema import rules_between

M = TypeVar("M", bound=BaseModel)

_LONGEST_SHOWN = 200


class Unfit(Exception):
    """Values that their model does not take."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(f"{len(findings)} findings")
        self.findings = findings


def checked(model: type[M], lower: Mapping[str, Any], values: Mapping[str, Any], symbol: str | None = None) -> M:
    """The model of `values` laid over `lower`.

    Raises:
        Unfit: they are not possible; `symbol` is whose own values they are, where these are not what was asked for.
    """
    try:
        return model(**{**lower, **whole_numbers(model, values)})
    except ValidationError as error:
        raise Unfit(list(_findings(model, error.errors(), symbol))) from error


def of_request(errors: Iterable[Any]) -> list[Finding]:
    """What is wrong with the shape of a request, from what the framework found."""
    return [_of_request(error) for error in errors]


def shown(value: Any) -> Any:
    """A value as it is told again: as it is, or as much of its text as is of use."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:
        text = _text(value)
    else:
        if len(text) <= _LONGEST_SHOWN:
            return value
    return f"{text[:_LONGEST_SHOWN]}…"


def _text(value: Any) -> str:
    try:
        return repr(value)
    except RecursionError:
        return "something nested too deeply"


def _finding(model: type[BaseModel], found: Any, symbol: str | None) -> Finding:
    name = str(found["loc"][0])
    unknown = found["type"] == "extra_forbidden"
    return Finding(
        parameter=name[:_LONGEST_SHOWN],
        message="there is no such parameter" if unknown else _words(found),
        expected=f"one of {', '.join(sorted(model.model_fields))}" if unknown else _expected(model.model_fields[name]),
        got=shown(found["input"]),
        symbol=symbol,
    )


def _findings(model: type[BaseModel], errors: Iterable[Any], symbol: str | None) -> Iterator[Finding]:
    for found in errors:
        if found["loc"]:
            yield _finding(model, found, symbol)
        else:  # a model tells all its contradictions at once
            for words in _words(found).split("; "):
                yield _contradiction(model, {**found, "msg": words}, symbol)


def _contradiction(model: type[BaseModel], found: Any, symbol: str | None) -> Finding:
    """Values that are possible, and not together."""
    rules = rules_between(model) if issubclass(model, Parameters) else {}
    # The message begins with the rule, and one rule may be the beginning of another.
    rule = next((rule for rule in rules if _words(found).startswith(f"{rule} must ")), "")
    names = rules.get(rule, ())
    values = found["input"] if isinstance(found["input"], dict) else {}
    return Finding(
        parameter=", ".join(names),
        message=_words(found),
        expected=rule,
        got={name: shown(values[name]) for name in names if name in values},
        symbol=symbol,
    )


def _expected(info: FieldInfo) -> str:
    least = next((item.ge for item in info.metadata if isinstance(item, Ge)), None)
    most = next((item.le for item in info.metadata if isinstance(item, Le)), None)
    if least is None or most is None:
        return info.description or ""
    return f"a {'whole ' if info.annotation is int else ''}number from {least} to {most}"


def _of_request(error: Any) -> Finding:
    where = [str(part) for part in error["loc"][1:]]
    missing = error["type"] == "missing"
    return Finding(
        parameter=".".join(where)[:_LONGEST_SHOWN] or str(error["loc"][0]),
        message=_words(error),
        expected=_wanted(error),
        got=None if missing else shown(error["input"]),
    )


def _wanted(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "no such field"
    limits = {name: value for name, value in (error.get("ctx") or {}).items() if name != "error"}
    told = ", ".join(f"{name} {value}" for name, value in limits.items())
    return told or error["type"].replace("_", " ").removesuffix(" type").removesuffix(" parsing")


def _words(found: Any) -> str:
    return str(found["msg"]).removeprefix("Value error, ")
