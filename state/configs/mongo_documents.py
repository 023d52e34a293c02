"""Documents of the configuration in MongoDB, to rows and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import bson
from bson import Decimal128

from state.configs.mongo_connection import Document
from state.configs.records import AuditEntry, ConfigRecord
from state.configs.rows import AUDITS, DELETED, Row, keys_of, known_times, metadata_of, moment_of, place_of
from state.errors import SkipInput

CHANGE = "change"
"""In `metadata`, the audit entry of the record's last change."""

_OBJECTS = ("parameters", "old_parameters", "new_parameters")


def row_of(document: Mapping[str, Any]) -> Row:
    """A document with values that JSON has.

    Raises:
        SkipInput: its parameters hold others.
    """
    return {name: _plain(value, name) if name in _OBJECTS else _number(value) for name, value in document.items()}


def change_in(document: Mapping[str, Any]) -> Document | None:
    """The audit entry of its last change that a record holds, as it belongs into the audit."""
    metadata = document.get("metadata")
    change = metadata.get(CHANGE) if isinstance(metadata, dict) else None
    return change if isinstance(change, dict) and isinstance(change.get("audit_id"), str) else None


def record_fields(record: ConfigRecord, document: Mapping[str, Any] | None, entry: AuditEntry | None) -> Document:
    """What a record's document is to say, but for its scope, in the place of one that is there.

    Raises:
        SkipInput: MongoDB cannot hold it.
    """
    metadata = {name: value for name, value in metadata_of(document or {}).items() if name not in (DELETED, CHANGE)}
    if record.parameters is None:
        metadata[DELETED] = True
    if entry is not None:
        metadata[CHANGE] = entry_document(entry)
    fields = {
        "parameters": record.parameters or {},
        "version": record.version,
        **known_times({"created_at": record.created_ms, "updated_at": record.updated_ms}, moment_of),
        "created_by": record.created_by,
        "metadata": metadata,
    }
    return _checked(fields)


def entry_document(entry: AuditEntry) -> Document:
    """An audit entry's document, without `_id`.

    Raises:
        SkipInput: MongoDB cannot hold it.
    """
    fields = {
        **keys_of(entry.scope, AUDITS[place_of(entry.scope).audit]),
        "action": entry.action,
        "old_parameters": entry.old_parameters,
        "new_parameters": entry.new_parameters,
        "changed_by": entry.changed_by,
        **known_times({"changed_at": entry.changed_ms}, moment_of),
        "reason": entry.reason,
        "version": entry.version,
        "audit_id": entry.id,
    }
    return _checked(fields)


def _checked(fields: Document) -> Document:
    try:
        bson.encode(fields)
    except (bson.errors.InvalidDocument, OverflowError, UnicodeEncodeError) as error:
        raise SkipInput(f"expected values that MongoDB can hold: {error}"[:300]) from error
    return fields


def _plain(value: Any, name: str) -> Any:
    number = _number(value)
    if number is None or isinstance(number, bool | int | str) or (isinstance(number, float) and math.isfinite(number)):
        return number
    if isinstance(value, dict):
        return {key: _plain(each, f"{name}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, name) for each in value]
    raise SkipInput(f"{name}: expected a value that JSON has, got {value!r:.60}")


def _number(value: Any) -> Any:
    """A number of the database's own as a plain one, anything else as it is."""
    if isinstance(value, Decimal128):
        return float(value.to_decimal())
    return int(value) if isinstance(value, bson.Int64) else value
