"""Changes of the configuration as they are announced: written by the sidecar, parsed by the flow."""

from __future__ import annotations

from math import isfinite
from typing import Any

import orjson

from state.configs.records import AuditEntry, ConfigRecord, Scope, Values
from state.errors import SkipInput
from state.key import check_symbol
from strategies.registry import STRATEGIES

CONFIG_SUBJECTS = "ta.config.>"
"""Every change is announced on one of these."""

MAX_BYTES = 2**17
"""Twice what a change may be asked for in."""

_APPLICATION_SUBJECT = "ta.config.application"
_STRATEGIES_SUBJECT = "ta.config.strategies"

_SOURCES = ("mongodb", "mysql", "sqlite")
_LONGEST_NAME = 200
_MOST_VALUES = 5_000
_LAST_VERSION = 2**53
_END_MS = 10**14


def subject_of(scope: Scope) -> str:
    """Where changes of a scope are announced.

    >>> subject_of(Scope("doji_reversal", "BTCUSDT"))
    'ta.config.strategies.doji_reversal.BTCUSDT'
    """
    if scope.strategy_id is None:
        return _APPLICATION_SUBJECT
    return ".".join(filter(None, (_STRATEGIES_SUBJECT, *scope)))


def announcement_id(record: ConfigRecord) -> str:
    """What tells one change from all others: announced again, it is the same."""
    return f"{subject_of(record.scope)}-{record.version}-{record.updated_ms}"


def announcement(record: ConfigRecord, entry: AuditEntry) -> bytes:
    """The message that says what holds for a scope now, and who changed it."""
    return orjson.dumps(
        {
            "strategy_id": record.scope.strategy_id,
            "symbol": record.scope.symbol,
            "parameters": record.parameters,
            "version": record.version,
            "source": record.source,
            "created_ms": record.created_ms,
            "updated_ms": record.updated_ms,
            "created_by": record.created_by,
            "changed_by": entry.changed_by,
            "reason": entry.reason,
        }
    )


def announced(payload: bytes) -> ConfigRecord:
    """The record that a message announces.

    Its values are only known to be JSON of sane size: which of them are usable is for `strategies.resolution` to say.

    Raises:
        SkipInput: the message is malformed, or of a strategy that there is not; the reason names the field.
    """
    if len(payload) > MAX_BYTES:
        raise SkipInput(f"message is longer than {MAX_BYTES} bytes")
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise SkipInput(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise _expected("the message", "a JSON object", message)
    return ConfigRecord(
        scope=_scope(message),
        parameters=_parameters(message),
        version=_whole_number(message, "version", 1, _LAST_VERSION),
        created_ms=_whole_number(message, "created_ms", 0, _END_MS),
        updated_ms=_whole_number(message, "updated_ms", 0, _END_MS),
        created_by=_text(message, "created_by"),
        source=_source(message),
    )


def _scope(message: dict[str, Any]) -> Scope:
    if "strategy_id" not in message or "symbol" not in message:
        raise SkipInput("expected the fields strategy_id and symbol")
    strategy_id, symbol = message["strategy_id"], message["symbol"]
    if strategy_id is not None and (not isinstance(strategy_id, str) or strategy_id not in STRATEGIES):
        raise _expected("strategy_id", "a strategy or null", strategy_id)
    if symbol is None:
        return Scope(strategy_id)
    if strategy_id is None or not isinstance(symbol, str) or len(symbol) > _LONGEST_NAME:
        raise _expected("symbol", "null without a strategy, else a symbol or null", symbol)
    if check_symbol(symbol) != symbol:
        raise _expected("symbol", "upper case", symbol)
    return Scope(strategy_id, symbol)


def _parameters(message: dict[str, Any]) -> Values | None:
    if "parameters" not in message:
        raise SkipInput("expected the field parameters")
    values = message["parameters"]
    if values is None:
        return None
    if not isinstance(values, dict) or len(values) > _MOST_VALUES:
        raise _expected("parameters", "an object or null", values)
    for name, value in values.items():
        if len(name) > _LONGEST_NAME or not _is_value(value):
            raise _expected(f"parameters.{name[:40]}", "a number, a list of names or null", value)
    return values


def _is_value(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= _MOST_VALUES and all(isinstance(name, str) for name in value)
    if isinstance(value, bool):
        return False
    return value is None or isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def _whole_number(message: dict[str, Any], name: str, least: int, most: int) -> int:
    value = message.get(name)
    if type(value) is not int or not least <= value <= most:
        raise _expected(name, f"a whole number from {least} to {most}", value)
    return value


def _text(message: dict[str, Any], name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str) or len(value) > _LONGEST_NAME:
        raise _expected(name, f"a text of at most {_LONGEST_NAME} characters", value)
    return value


def _source(message: dict[str, Any]) -> str:
    value = message.get("source")
    if not isinstance(value, str) or value not in _SOURCES:
        raise _expected("source", f"one of {', '.join(_SOURCES)}", value)
    return value


def _expected(where: str, what: str, got: object) -> SkipInput:
    return SkipInput(f"{where}: expected {what}, got {got!r:.60}")
