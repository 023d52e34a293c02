"""The statements that read and write the configuration's tables, whichever columns they have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from state.configs.records import AuditEntry, ConfigRecord, Scope
from state.configs.rows import (
    AUDITS,
    DELETED,
    Place,
    Row,
    json_text,
    keys_of,
    known_times,
    metadata_of,
    place_of,
    text_of_time,
)
from state.configs.schema import Columns


def rows_of(
    connection: sa.Connection | None,
    table: str,
    columns: Columns,
    where: Iterable[sa.ColumnElement[bool]] = (),
    order: Iterable[sa.ColumnElement[Any]] = (),
    limit: int | None = None,
) -> list[Row]:
    """Rows with all columns that there are; none without the table."""
    if connection is None or table not in columns:
        return []
    query = sa.select(sa.text("*")).select_from(sa.table(table)).where(*where).order_by(*order).limit(limit)
    return [row._asdict() for row in connection.execute(query)]


def latest_first(columns: set[str]) -> list[sa.ColumnElement[Any]]:
    """An order of audit entries, as far as there are columns for it."""
    return [sa.desc(sa.column(name)) for name in ("changed_at", "version") if name in columns]


def locked(connection: sa.Connection, scope: Scope) -> Row | None:
    """The row of a scope, which nobody else can change now.

    Looking for it first without a lock keeps MySQL from locking the gap where a row is missing, in which two writers
    would wait for each other.
    """
    place = place_of(scope)
    query = sa.select(sa.text("*")).select_from(sa.table(place.records)).where(*_is_of(scope, place))
    if connection.execute(query).first() is None:
        return None
    row = connection.execute(query.with_for_update()).first()
    return row._asdict() if row else None


def _is_of(scope: Scope, place: Place) -> list[sa.ColumnElement[bool]]:
    return [sa.column(name) == value for name, value in keys_of(scope, place.keys).items()]


def set_record(connection: sa.Connection, record: ConfigRecord, row: Row | None) -> None:
    """Have a record in the table, in the place of a row that is there."""
    place = place_of(record.scope)
    metadata = {name: value for name, value in metadata_of(row or {}).items() if name != DELETED}
    values = {
        "parameters": json_text(record.parameters or {}),
        "version": record.version,
        **known_times({"created_at": record.created_ms, "updated_at": record.updated_ms}, text_of_time),
        "created_by": record.created_by,
        "metadata": json_text({**metadata, DELETED: True} if record.parameters is None else metadata),
    }
    keys = keys_of(record.scope, place.keys)
    table = sa.table(place.records, *map(sa.column, [*keys, *values]))
    if row is None:
        connection.execute(sa.insert(table).values({**keys, **values}))
    else:
        connection.execute(sa.update(table).where(*_is_of(record.scope, place)).values({**keys, **values}))


def add_entry(connection: sa.Connection, entry: AuditEntry) -> None:
    """Add an audit entry."""
    values = _audit_values(entry)
    table = sa.table(place_of(entry.scope).audit, *map(sa.column, values))
    connection.execute(sa.insert(table).values(values))


def _audit_values(entry: AuditEntry) -> dict[str, Any]:
    return {
        **keys_of(entry.scope, AUDITS[place_of(entry.scope).audit]),
        "action": entry.action,
        "old_parameters": None if entry.old_parameters is None else json_text(entry.old_parameters),
        "new_parameters": None if entry.new_parameters is None else json_text(entry.new_parameters),
        "changed_by": entry.changed_by,
        **known_times({"changed_at": entry.changed_ms}, text_of_time),
        "reason": entry.reason,
        "version": entry.version,
        "audit_id": entry.id,
    }
