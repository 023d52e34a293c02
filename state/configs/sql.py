"""The configuration in MySQL or SQLite."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from state.configs.changing import changed, newest_first, read_again, takes_place_of
from state.configs.records import SYSTEM, AuditEntry, Change, ConfigRecord, Scope
from state.configs.rows import (
    AUDITS,
    PLACES,
    Place,
    Row,
    entry_of,
    json_text,
    keys_of,
    place_of,
    record_of,
    shown,
    text_of_time,
    usable,
    version_or_0,
)
from state.configs.schema import Columns, columns_of, make_schema
from state.configs.statements import add_entry, locked, rows_of, set_record
from state.configs.store import MOST_ENTRIES
from state.database import TIMEOUT_SECS, Database
from state.errors import ReadAgain, RetryLater, StopProgram

log = logging.getLogger(__name__)

T = TypeVar("T")

# Rows copied in one transaction.
BATCH_ROWS = 500

# What two writers who meet cost one of them.
TRIES = 5
_DEADLOCK = 1213


class SqlConfigStore:
    """Records and audit entries in tables (see `state.configs.schema`), which are made before the first write.

    A deleted record stays as a row without parameters whose metadata say so.
    """

    def __init__(self, database: Database) -> None:
        self.kind = "sqlite" if database.is_sqlite else "mysql"
        self.name = database.name
        self._database = database
        self._has_schema = False
        self._writing = threading.Lock()

    def check(self) -> None:
        """Nothing, when the database can be reached."""
        with self._reading() as (connection, _):
            if connection is not None:
                connection.execute(sa.select(1))

    def prepare(self) -> None:
        """Have all tables, columns and unique indexes."""
        with self._taking_turns():
            make_schema(self._database)
            self._has_schema = True

    def records(self) -> list[ConfigRecord]:
        """All records; of several rows of one scope the one that holds."""
        found: dict[Scope, ConfigRecord] = {}
        with self._reading() as (connection, columns):
            for place in PLACES:
                rows = rows_of(connection, place.records, columns)
                for record in usable(
                    rows, partial(record_of, place=place, source=self.kind), self._report(place.records)
                ):
                    if takes_place_of(record, found.get(record.scope)):
                        found[record.scope] = record
        return list(found.values())

    def put(self, change: Change, entry_id: str, now_ms: int) -> tuple[ConfigRecord, AuditEntry]:
        """Make a change and its audit entry in one transaction."""
        _check_text(change)
        try:
            return self._write(lambda connection: self._put(connection, change, entry_id, now_ms))
        except _OtherWriter as error:
            raise self._read_again(change) from error

    def copy(self, records: Iterable[ConfigRecord], entries: Iterable[AuditEntry], *, replace: bool = False) -> None:
        """Take over what another store has: entries first, so that what a record says was changed is explained."""
        for batch in _batches(entries):
            self._write_anyhow(partial(self._copy_entries, batch=batch))
        for records_batch in _batches(records):
            self._write_anyhow(partial(self._copy_records, batch=records_batch, replace=replace))

    def entries(
        self, strategy_id: str | None, symbol: str | None = None, *, limit: int = MOST_ENTRIES, since_ms: int = 0
    ) -> list[AuditEntry]:
        """Audit entries of a strategy or of the application, newest first."""
        place = place_of(Scope(strategy_id))
        said = {**keys_of(Scope(strategy_id), place.keys), **({"symbol": symbol} if symbol else {})}
        return self._entries(place.audit, said, since_ms, min(limit, MOST_ENTRIES))

    def all_entries(self, since_ms: int = 0) -> list[AuditEntry]:
        """Audit entries of everything, newest first."""
        return newest_first([entry for audit in AUDITS for entry in self._entries(audit, {}, since_ms)])

    def entry_of(self, scope: Scope, version: int) -> AuditEntry | None:
        """The entry of a version of a scope; of several, the newest."""
        place = place_of(scope)
        said = {**keys_of(scope, AUDITS[place.audit]), "version": version}
        return next(iter(self._entries(place.audit, said)), None)

    def close(self) -> None:
        """Let go of all connections."""
        self._database.close()

    @contextmanager
    def _reading(self) -> Iterator[tuple[sa.Connection | None, Columns]]:
        """A connection and the tables there are; none for a SQLite file that connecting would make."""
        path = self._database.path
        if path is not None and not path.exists():
            yield None, {}
            return
        with self._database.connected() as connection:
            yield connection, columns_of(connection)

    def _entries(
        self, audit: str, said: Mapping[str, Any], since_ms: int = 0, limit: int | None = None
    ) -> list[AuditEntry]:
        with self._reading() as (connection, columns):
            known = columns.get(audit, set())
            if not said.keys() <= known:
                return []
            where = [sa.column(name) == value for name, value in said.items()]
            if since_ms and "changed_at" in known:
                where.append(sa.column("changed_at") >= text_of_time(since_ms))
            latest: list[sa.ColumnElement[Any]] = [
                sa.desc(sa.column(name)) for name in ("changed_at", "version") if name in known
            ]
            rows = rows_of(connection, audit, columns, where, latest, limit)
        return newest_first(usable(rows, partial(entry_of, keys=AUDITS[audit]), self._report(audit)))

    def _put(
        self, connection: sa.Connection, change: Change, entry_id: str, now_ms: int
    ) -> tuple[ConfigRecord, AuditEntry]:
        row = locked(connection, change.scope)
        current = self._readable(row, place_of(change.scope))
        least = version_or_0(row) if row and current is None else 0
        if row and current is None and change.changed_by == SYSTEM:
            raise read_again(change, least)  # it is somebody's, though it cannot be read
        record, entry = changed(change, current, entry_id, now_ms, self.kind, least)
        set_record(connection, record, row)
        add_entry(connection, entry)
        return record, entry

    def _copy_records(self, connection: sa.Connection, batch: list[ConfigRecord], *, replace: bool) -> None:
        for record in batch:
            row = locked(connection, record.scope)
            if replace or takes_place_of(record, self._readable(row, place_of(record.scope))):
                set_record(connection, record, row)

    def _copy_entries(self, connection: sa.Connection, batch: list[AuditEntry]) -> None:
        known: set[str] = set()
        for audit in {place_of(entry.scope).audit for entry in batch}:
            named = sa.column("audit_id").in_([entry.id for entry in batch])
            rows = rows_of(connection, audit, {audit: set()}, [sa.or_(named, sa.column("audit_id").is_(None))])
            known |= {entry.id for entry in usable(rows, partial(entry_of, keys=AUDITS[audit]), lambda *_: None)}
            known |= {row["audit_id"] for row in rows if row["audit_id"]}
        for entry in batch:
            if entry.id not in known:
                known.add(entry.id)
                add_entry(connection, entry)

    def _readable(self, row: Row | None, place: Place) -> ConfigRecord | None:
        """The record in a row; an unusable one is as good as none."""
        if row is None:
            return None
        found = usable([row], partial(record_of, place=place, source=self.kind), self._report(place.records))
        return found[0] if found else None

    def _report(self, table: str) -> Callable[[Row, str], None]:
        return lambda row, reason: log.warning("%s: %s, %s, is left out: %s", self.name, table, shown(row), reason)

    def _write(self, work: Callable[[sa.Connection], T]) -> T:
        """Do it in a transaction, again where it met another writer's.

        Raises:
            _OtherWriter: it meets one again and again, or what it adds is there by now.
        """
        for left in reversed(range(TRIES)):
            try:
                return self._write_once(work)
            except RetryLater as error:
                if not _met_another(error):
                    raise
                if not left or isinstance(error.__cause__, exc.IntegrityError):
                    raise _OtherWriter(str(error)) from error
        raise _OtherWriter(self.name)

    def _write_once(self, work: Callable[[sa.Connection], T]) -> T:
        with self._taking_turns():
            try:
                if not self._has_schema:
                    make_schema(self._database)
                    self._has_schema = True
                with self._database.transaction() as connection:
                    return work(connection)
            except StopProgram:
                self._has_schema = False  # tables may have been dropped meanwhile
                raise

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        """In SQLite one may write at a time, and who waits is not told when it may: better to wait here."""
        if not self._database.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=TIMEOUT_SECS):
            raise RetryLater(f"{self.name}: others are writing")
        try:
            yield
        finally:
            self._writing.release()

    def _write_anyhow(self, work: Callable[[sa.Connection], None]) -> None:
        """Do what finds out itself what is there already."""
        for _ in range(TRIES - 1):
            try:
                return self._write(work)
            except _OtherWriter:
                continue
        return self._write(work)

    def _read_again(self, change: Change) -> ReadAgain:
        versions = [record.version for record in self.records() if record.scope == change.scope]
        return read_again(change, versions[0] if versions else 0)


class _OtherWriter(RetryLater):
    """Another writer was faster."""


def _met_another(error: RetryLater) -> bool:
    cause = error.__cause__
    if isinstance(cause, exc.IntegrityError):
        return True
    return isinstance(cause, exc.DBAPIError) and cause.orig is not None and cause.orig.args[:1] == (_DEADLOCK,)


def _check_text(change: Change) -> None:
    json_text({"parameters": change.parameters, "changed_by": change.changed_by, "reason": change.reason})


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH_ROWS)):
        yield batch
