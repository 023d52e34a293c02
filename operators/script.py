"""Changes of the configuration at given times, for a replay: what was changed live, or what might have been."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from operators.times import parse_time_ms
from state.configs.records import APPLICATION, ConfigRecord, Scope
from state.errors import SkipInput, StopProgram
from state.key import check_symbol
from strategies.configuration import Configuration
from strategies.registry import STRATEGIES
from strategies.resolution import NOTHING_PINNED, Pinned, resolve

log = logging.getLogger(__name__)

SCRIPT = "script"
"""The source of configurations that name no other."""

_FIELDS = "changed_at, new_parameters, and strategy_id and symbol where it is not for all"


class ScriptedChange(NamedTuple):
    """What a scope holds from a time on: for bars that close after it, as for those that arrive live after it."""

    at_ms: int
    record: ConfigRecord


Timeline = list[tuple[int, Configuration]]


@dataclass(frozen=True)
class Script:
    """Changes in the order of their times, on top of what was pinned when the program was started."""

    changes: tuple[ScriptedChange, ...] = ()
    pinned: Pinned = NOTHING_PINNED
    _timelines: dict[str | None, Timeline] = field(default_factory=dict, repr=False, compare=False)

    def timeline(self, symbol: str) -> Timeline:
        """The configurations that keys of `symbol` go by after some times (ms), oldest first."""
        names = {change.record.scope.symbol for change in self.changes}
        place = symbol if symbol in names else None
        if place not in self._timelines:
            self._timelines[place] = self._resolved(place)
        return self._timelines[place]

    def _resolved(self, symbol: str | None) -> Timeline:
        stored: dict[Scope, ConfigRecord] = {}
        found: Timeline = []
        for at_ms, record in self.changes:
            if record.scope.symbol in {None, symbol}:
                stored[record.scope] = record
                found.append((at_ms, resolve(symbol, stored, self.pinned)[0]))
        return found


def script_of(lines: Iterable[tuple[str, bytes]], pinned: Pinned = NOTHING_PINNED) -> Script:
    """The script that lines of JSON make, each with where it is; they are as the audit has them.

    Raises:
        StopProgram: a line is malformed, or what it says is not possible with what comes before it.
    """
    changes: list[ScriptedChange] = []
    versions: dict[Scope, int] = {}
    for where, line in lines:
        if not line.strip():
            continue
        try:
            change = _change(line, versions)
        except SkipInput as error:
            raise StopProgram(f"{where}: {error}") from error
        changes.append(change)
        versions[change.record.scope] = change.record.version
    changes.sort(key=lambda change: (change.at_ms, change.record.version))
    _check(changes, pinned)
    return Script(tuple(changes), pinned)


def _change(line: bytes, versions: Mapping[Scope, int]) -> ScriptedChange:
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise SkipInput(f"not JSON: {error}") from error
    if not isinstance(content, dict) or not {"changed_at", "new_parameters"} <= content.keys():
        raise SkipInput(f"expected an object with {_FIELDS}, got {line[:60]!r}")
    at_ms, scope = parse_time_ms(content["changed_at"]), _scope(content)
    parameters = content["new_parameters"]
    if parameters is not None and not isinstance(parameters, dict):
        raise SkipInput(f"new_parameters: expected an object or null, got {parameters!r:.60}")
    version = _version(content, versions.get(scope, 0) + 1)
    source = content.get("source", SCRIPT)
    if not isinstance(source, str):
        raise SkipInput(f"source: expected a text, got {source!r:.60}")
    return ScriptedChange(at_ms, ConfigRecord(scope, parameters, version, at_ms, at_ms, SCRIPT, source))


def _scope(content: Mapping[str, Any]) -> Scope:
    strategy_id, symbol = content.get("strategy_id"), content.get("symbol")
    if strategy_id is not None and (not isinstance(strategy_id, str) or strategy_id not in STRATEGIES):
        raise SkipInput(f"strategy_id: there is no strategy {strategy_id!r:.60}")
    if symbol is None:
        return Scope(strategy_id)
    if strategy_id is None or not isinstance(symbol, str):
        raise SkipInput(f"symbol: expected a symbol, with a strategy_id, got {symbol!r:.60}")
    return Scope(strategy_id, check_symbol(symbol))


def _version(content: Mapping[str, Any], following: int) -> int:
    version = content.get("version", following)
    if type(version) is not int or version < 1:
        raise SkipInput(f"version: expected a whole number from 1 on, got {version!r:.60}")
    return version


def _check(changes: Iterable[ScriptedChange], pinned: Pinned) -> None:
    """Refuse what would be left out live: a script is made by whoever runs the replay."""
    stored: dict[Scope, ConfigRecord] = {}
    for _, record in changes:
        if record.scope == APPLICATION and {"symbols", "timeframes"} & (record.parameters or {}).keys():
            log.warning("changes of symbols and timeframes are not replayed: all bars that there are, are analyzed")
        stored[record.scope] = record
        symbols = {scope.symbol for scope in stored}
        for symbol in sorted(symbols, key=lambda one: one or ""):
            _, unusable = resolve(symbol, stored, pinned)
            if unusable:
                raise StopProgram(f"changes: {'; '.join(unusable)}")
