"""Log records as JSON, one object a line."""

from __future__ import annotations

import logging
from collections.abc import MutableMapping
from typing import Any

import orjson
from structlog.processors import JSONRenderer, format_exc_info
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.typing import EventDict

from dataflow.redaction import redacted
from operators.times import format_time
from state.configs.records import Scope

# Deeper than that nothing of ours is; what a library adds may be a loop.
_MOST_DEPTH = 6

_FIRST = ("timestamp", "level", "event", "logger")


def json_formatter() -> logging.Formatter:
    """Formats the records of every logger, those of libraries too."""
    return ProcessorFormatter(
        foreign_pre_chain=[_add_time, add_log_level, add_logger_name, ExtraAdder()],
        processors=[
            ProcessorFormatter.remove_processors_meta,
            format_exc_info,
            _name_parts,
            _redact,
            JSONRenderer(serializer=_dumps),
        ],
    )


def _add_time(_: Any, __: str, event: EventDict) -> EventDict:
    record: logging.LogRecord = event["_record"]
    event["timestamp"] = format_time(int(record.created * 1000))
    return event


def _name_parts(_: Any, __: str, event: EventDict) -> EventDict:
    """What is about a key is about its symbol and timeframe; about a scope, about its strategy and symbol."""
    symbol, bar, timeframe = str(event.get("key", "")).partition("|")
    if bar:
        event.update(symbol=symbol, timeframe=timeframe)
    scope = event.get("scope")
    if isinstance(scope, Scope):
        event["scope"] = str(scope)
        event.update({name: value for name, value in zip(("strategy", "symbol"), scope, strict=True) if value})
    return event


def _redact(_: Any, __: str, event: EventDict) -> EventDict:
    first = {name: event[name] for name in _FIRST}
    return {name: _plain(value) for name, value in {**first, **event}.items()}


def _plain(value: Any, depth: int = 0) -> Any:
    """A value as JSON types without secrets; of what is none its words."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, MutableMapping) and depth < _MOST_DEPTH:
        return {redacted(str(name)): _plain(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _MOST_DEPTH:
        return [_plain(one, depth + 1) for one in value]
    return redacted(str(value).encode("utf-8", "backslashreplace").decode())  # half a character breaks JSON


def _dumps(event: EventDict, **_: Any) -> str:
    try:
        return orjson.dumps(event).decode()
    except TypeError:  # a number that is too large
        return orjson.dumps({name: str(value) for name, value in event.items()}).decode()
