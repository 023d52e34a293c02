"""What a change does to the record of its scope, in whichever store, and which of two records holds."""

from __future__ import annotations

from typing import Any

import orjson

from state.configs.records import AuditAction, AuditEntry, Change, ConfigRecord
from state.errors import ReadAgain, SkipInput


def changed(
    change: Change, current: ConfigRecord | None, entry_id: str, now_ms: int, source: str, least_version: int = 0
) -> tuple[ConfigRecord, AuditEntry]:
    """The record and the audit entry that a change makes of the `current` record.

    Without one, the new version is above `least_version`: that of an unusable record in its place.

    Raises:
        ReadAgain: the current version is not the expected one.
        SkipInput: there is nothing to delete.
    """
    version = current.version if current else 0
    if change.expected_version != version:
        raise read_again(change, version)
    if current:
        now_ms = max(now_ms, current.updated_ms)  # clocks may be set back
    live = current if current and current.parameters is not None else None
    if live is None and change.parameters is None:
        raise SkipInput(f"{change.scope}: there is no configuration to delete")
    action: AuditAction = "CREATE" if live is None else "DELETE" if change.parameters is None else "UPDATE"
    record = ConfigRecord(
        scope=change.scope,
        parameters=change.parameters,
        version=max(version, least_version) + 1,
        created_ms=live.created_ms if live else now_ms,
        updated_ms=now_ms,
        created_by=live.created_by if live else change.changed_by,
        source=source,
    )
    entry = AuditEntry(
        id=entry_id,
        scope=change.scope,
        action=action,
        version=record.version,
        old_parameters=live.parameters if live else None,
        new_parameters=change.parameters,
        changed_by=change.changed_by,
        changed_ms=now_ms,
        reason=change.reason,
    )
    return record, entry


def read_again(change: Change, version: int) -> ReadAgain:
    """The error for a change that was decided on another version than the one that is there."""
    return ReadAgain(f"{change.scope}: version {change.expected_version} was expected, there is {version}", version)


def takes_place_of(record: ConfigRecord, other: ConfigRecord | None) -> bool:
    """Whether a record of the same scope holds instead of the other: a later version, or the same changed later.

    Records that say the same are not told apart, since some tables keep times to the second.
    """
    if other is None or record.version != other.version:
        return other is None or record.version > other.version
    return record.parameters != other.parameters and _place(record) > _place(other)


def newest_first(entries: list[AuditEntry]) -> list[AuditEntry]:
    """Audit entries, the newest first, of the same time that of the later version."""
    return sorted(entries, key=lambda entry: (entry.changed_ms, entry.version, entry.id), reverse=True)


def _place(record: ConfigRecord) -> tuple[Any, ...]:
    return record.updated_ms, orjson.dumps(record.parameters, option=orjson.OPT_SORT_KEYS)
