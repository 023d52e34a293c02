"""Rows and documents of the configuration: the same fields in every kind of store, whoever wrote them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar, get_args

import orjson

from state.configs.records import APPLICATION, AuditAction, AuditEntry, ConfigRecord, Scope, Values
from state.errors import SkipInput
from state.key import check_symbol

Row = Mapping[str, Any]
"""Fields by name. Objects may be JSON text, times text or numbers, all but the scope's own fields may be missing."""

T = TypeVar("T")

DELETED = "deleted"
"""In `metadata`, of a record whose parameters were deleted."""
MOST_VERSIONS = 2**53
MOST_CHARACTERS = 100
UNKNOWN = "unknown"

_APPLICATION_NAME = "application"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_LATEST_MS = 253_402_300_799_999  # of the year 9999
_SECONDS_BELOW = 10**11  # as milliseconds, numbers below that would be times before 1973


class Place(NamedTuple):
    """The table or collection of records of one sort, that of their audit entries, and what names a record in it."""

    records: str
    audit: str
    keys: tuple[str, ...]


GLOBAL = Place("strategy_configs_global", "strategy_config_audit", ("strategy_id",))
OF_SYMBOL = Place("strategy_configs_symbol", "strategy_config_audit", ("strategy_id", "symbol"))
OF_APPLICATION = Place("application_config", "application_config_audit", ("name",))
PLACES = (GLOBAL, OF_SYMBOL, OF_APPLICATION)

AUDITS = {GLOBAL.audit: OF_SYMBOL.keys, OF_APPLICATION.audit: OF_APPLICATION.keys}
"""Tables or collections of audit entries, with what says the scope in them: no symbol is that of all symbols."""


def place_of(scope: Scope) -> Place:
    """Where the record of a scope is."""
    if scope.strategy_id is None:
        return OF_APPLICATION
    return GLOBAL if scope.symbol is None else OF_SYMBOL


def keys_of(scope: Scope, names: Iterable[str]) -> dict[str, str | None]:
    """The fields of these names that say the scope."""
    fields = {"name": _APPLICATION_NAME, "strategy_id": scope.strategy_id, "symbol": scope.symbol}
    return {name: fields[name] for name in names}


def record_of(row: Row, place: Place, source: str) -> ConfigRecord:
    """The record that a row holds.

    Raises:
        SkipInput: it is unusable.
    """
    parameters = values_of(row.get("parameters"), "parameters")
    is_deleted = not parameters and metadata_of(row).get(DELETED) is True
    created_ms, updated_ms = time_ms_of(row.get("created_at")), time_ms_of(row.get("updated_at"))
    return ConfigRecord(
        scope=_scope_of(row, place.keys),
        parameters=None if is_deleted else parameters,
        version=version_of(row.get("version")),
        created_ms=created_ms or updated_ms,
        updated_ms=updated_ms or created_ms,
        created_by=str(row.get("created_by") or UNKNOWN),
        source=source,
    )


def entry_of(row: Row, keys: tuple[str, ...]) -> AuditEntry:
    """The audit entry that a row holds; its version is 0 where it does not say one.

    Raises:
        SkipInput: it is unusable.
    """
    action = str(row.get("action")).upper()
    if action not in get_args(AuditAction):
        raise SkipInput(f"action: expected {', '.join(get_args(AuditAction))}, got {row.get('action')!r:.60}")
    reason = row.get("reason")
    entry = AuditEntry(
        id="",
        scope=_scope_of(row, keys if row.get("symbol") else keys[:1]),
        action=action,  # type: ignore[arg-type]  # checked above
        version=version_of(row.get("version"), least=0),
        old_parameters=_values_or_none(row.get("old_parameters"), "old_parameters"),
        new_parameters=_values_or_none(row.get("new_parameters"), "new_parameters"),
        changed_by=str(row.get("changed_by") or UNKNOWN),
        changed_ms=time_ms_of(row.get("changed_at")),
        reason=None if reason is None else str(reason),
    )
    return replace(entry, id=str(row.get("audit_id") or _id_of(entry)))


def _id_of(entry: AuditEntry) -> str:
    """What names an entry that has no id, in whichever store it is; some keep times to the second."""
    said = [*entry.scope, entry.action, entry.old_parameters, entry.new_parameters, entry.changed_by]
    text = orjson.dumps([*said, entry.changed_ms // 1000], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:32]


def usable(rows: Iterable[Row], read: Callable[[Row], T], report: Callable[[Row, str], None]) -> list[T]:
    """What can be read of rows; the others go to `report`."""
    found = []
    for row in rows:
        try:
            found.append(read(row))
        except SkipInput as error:
            report(row, str(error))
    return found


def shown(row: Row) -> str:
    """Which row it is, in words."""
    names = ("audit_id", "strategy_id", "symbol", "name", "version")
    return ", ".join(f"{name} {row[name]!r:.60}" for name in names if row.get(name) is not None) or "a row"


def values_of(stored: object, name: str) -> Values:
    """Parameters, as an object or as its JSON text.

    Raises:
        SkipInput: they are neither.
    """
    found = stored
    for _ in range(2):  # some programs encode what the column's type encodes once more
        if isinstance(found, str | bytes):
            found = _decoded(found, name)
    if not isinstance(found, dict):
        raise SkipInput(f"{name}: expected a JSON object, got {stored!r:.60}")
    return found


def json_text(values: Values) -> str:
    """Values as they are written to SQL databases.

    Raises:
        SkipInput: they cannot be written as JSON.
    """
    try:
        return orjson.dumps(values).decode()
    except TypeError as error:
        raise SkipInput(f"parameters: expected values that JSON has, got {values!r:.60}: {error}") from error


def metadata_of(row: Row) -> Values:
    """What else a row says, nothing where that is unusable."""
    try:
        return values_of(row.get("metadata"), "metadata")
    except SkipInput:
        return {}


def version_of(stored: object, least: int = 1) -> int:
    """A version, `least` where there is none.

    Raises:
        SkipInput: it is not a whole number, or out of range.
    """
    if stored is None:
        return least
    try:
        number = float(stored) if isinstance(stored, str | int | float) and not isinstance(stored, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not (number.is_integer() and number < MOST_VERSIONS):
        raise SkipInput(f"version: expected a whole number, got {stored!r:.60}")
    return max(least, int(number))


def version_or_0(row: Row) -> int:
    """The version of an unusable row, as far as it says one."""
    try:
        return version_of(row.get("version"))
    except SkipInput:
        return 0


def time_ms_of(stored: object) -> int:
    """A time in milliseconds since 1970: of a moment, its text, or a number. 0 where there is none that can be read."""
    if isinstance(stored, datetime):
        return _ms_of(stored)
    if isinstance(stored, int | float) and math.isfinite(stored):
        return int(stored * 1000 if abs(stored) < _SECONDS_BELOW else stored)
    if not isinstance(stored, str):
        return 0
    try:
        return _ms_of(datetime.fromisoformat(stored))
    except ValueError:
        return 0


def known_times(times: Mapping[str, int], written: Callable[[int], T]) -> dict[str, T]:
    """Times as a store writes them; what is unknown is left to what the store has there."""
    return {name: written(time_ms) for name, time_ms in times.items() if time_ms}


def text_of_time(time_ms: int) -> str:
    """A time as SQL databases have it.

    >>> text_of_time(900_001)
    '1970-01-01 00:15:00.001000'
    """
    return moment_of(time_ms).replace(tzinfo=None).isoformat(" ", "microseconds")


def moment_of(time_ms: int) -> datetime:
    """A time as MongoDB takes it."""
    return _EPOCH + timedelta(milliseconds=min(max(time_ms, 0), _LATEST_MS))


def _ms_of(moment: datetime) -> int:
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MS


def _scope_of(row: Row, keys: tuple[str, ...]) -> Scope:
    if keys == OF_APPLICATION.keys:
        if row.get("name") != _APPLICATION_NAME:
            raise SkipInput(f"name: expected {_APPLICATION_NAME!r}, got {row.get('name')!r:.60}")
        return APPLICATION
    strategy_id, symbol = row.get("strategy_id"), row.get("symbol")
    if not isinstance(strategy_id, str) or not 1 <= len(strategy_id) <= MOST_CHARACTERS:
        raise SkipInput(f"strategy_id: expected 1 to {MOST_CHARACTERS} characters, got {strategy_id!r:.60}")
    if "symbol" in keys and (not isinstance(symbol, str) or check_symbol(symbol) != symbol):
        raise SkipInput(f"symbol: expected one in upper case, got {symbol!r:.60}")
    return Scope(strategy_id, symbol if "symbol" in keys else None)


def _values_or_none(stored: object, name: str) -> Values | None:
    return None if stored is None or stored == "null" else values_of(stored, name)


def _decoded(text: str | bytes, name: str) -> object:
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise SkipInput(f"{name}: expected JSON, got {text!r:.60}") from error
