"""The configuration in MongoDB."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

from pymongo import DESCENDING, UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from state.configs.changing import changed, newest_first, read_again, takes_place_of
from state.configs.mongo_connection import Document, MongoConnection
from state.configs.mongo_documents import CHANGE, change_in, entry_document, record_fields, row_of
from state.configs.records import SYSTEM, AuditEntry, Change, ConfigRecord, Scope
from state.configs.rows import (
    AUDITS,
    GLOBAL,
    OF_APPLICATION,
    OF_SYMBOL,
    PLACES,
    Place,
    Row,
    entry_of,
    keys_of,
    moment_of,
    place_of,
    record_of,
    shown,
    usable,
    version_or_0,
)
from state.configs.store import MOST_ENTRIES
from state.errors import RetryLater, SkipInput, StopProgram
from state.tls import TlsFiles

log = logging.getLogger(__name__)

TIMEOUT_SECS = 2.0

# Documents that are added at once.
BATCH_DOCUMENTS = 500

# How often one that somebody else changes meanwhile is looked at again.
TRIES = 5

_DUPLICATE = 11000
_CHANGE_ID = f"metadata.{CHANGE}.audit_id"


class MongoConfigStore:
    """Records and audit entries in collections, with unique indexes that are made before the first write.

    A server alone has no transactions, so a change is one atomic replacement of its record, which holds the change's
    audit entry too. From there the entry is copied to where it belongs: by the writer at once, or, should that die
    between, by whoever reads audit entries or writes the record next.

    Raises:
        StopProgram: the URI, the database's name, or a file of `tls` is not usable.
    """

    kind = "mongodb"

    def __init__(
        self, uri: str, database_name: str, timeout_secs: float = TIMEOUT_SECS, tls: TlsFiles | None = None
    ) -> None:
        self._connection = MongoConnection(uri, database_name, timeout_secs, tls)
        self.name = self._connection.name
        self._database = self._connection.database
        self._has_indexes = False
        self._preparing = threading.Lock()

    def check(self) -> None:
        """Nothing, when the database can be read."""
        with self._connection.telling():
            self._database[GLOBAL.records].find_one({}, {"_id": 1})

    def prepare(self) -> None:
        """Have all unique indexes."""
        with self._writing():
            pass

    def records(self) -> list[ConfigRecord]:
        """All records; of several documents of one scope the one that holds."""
        found: dict[Scope, ConfigRecord] = {}
        with self._connection.telling():
            for place in PLACES:
                for record in self._readable(self._database[place.records].find(), place):
                    if takes_place_of(record, found.get(record.scope)):
                        found[record.scope] = record
        return list(found.values())

    def put(self, change: Change, entry_id: str, now_ms: int) -> tuple[ConfigRecord, AuditEntry]:
        """Make a change and its audit entry in one replacement of the record."""
        with self._writing():
            document, current = self._found(change.scope)
            least = version_or_0(document) if document and current is None else 0
            if document and current is None and change.changed_by == SYSTEM:
                raise read_again(change, least)  # it is somebody's, though it cannot be read
            record, entry = changed(change, current, entry_id, now_ms, self.kind, least)
            if not self._replace(document, record, entry):
                now = self._found(change.scope)[1]
                raise read_again(change, now.version if now else 0)
            try:
                with self._connection.telling():
                    self._add_entries(place_of(change.scope).audit, [entry_document(entry)])
            except RetryLater as error:  # the change is made: its record holds the entry
                about = {"scope": entry.scope, "version": entry.version}
                log.info("audit entry %s is still to be copied: %s", entry.id, error, extra=about)
        return record, entry

    def copy(self, records: Iterable[ConfigRecord], entries: Iterable[AuditEntry], *, replace: bool = False) -> None:
        """Take over what another store has: entries first, so that what a record says was changed is explained."""
        with self._writing():
            rest = iter(entries)
            while batch := list(islice(rest, BATCH_DOCUMENTS)):
                self._copy_entries(batch)
            for record in records:
                try:
                    self._copy_record(record, replace=replace)
                except SkipInput as error:
                    about = {"scope": record.scope, "version": record.version}
                    log.warning("%s: %s, version %d, is left out: %s", self.name, *about.values(), error, extra=about)

    def entries(
        self, strategy_id: str | None, symbol: str | None = None, *, limit: int = MOST_ENTRIES, since_ms: int = 0
    ) -> list[AuditEntry]:
        """Audit entries of a strategy or of the application, newest first."""
        places = (OF_APPLICATION,) if strategy_id is None else (GLOBAL, OF_SYMBOL)
        said = keys_of(Scope(strategy_id), places[0].keys)
        with self._connection.telling():
            self._settle(places, said)
            where = {**said, **({"symbol": symbol} if symbol else {})}
            return self._entries(places[0].audit, where, since_ms, min(limit, MOST_ENTRIES))

    def all_entries(self, since_ms: int = 0) -> list[AuditEntry]:
        """Audit entries of everything, newest first."""
        with self._connection.telling():
            self._settle(PLACES, {})
            return newest_first([entry for audit in AUDITS for entry in self._entries(audit, {}, since_ms)])

    def entry_of(self, scope: Scope, version: int) -> AuditEntry | None:
        """The entry of a version of a scope; of several, the newest."""
        place = place_of(scope)
        with self._connection.telling():
            self._settle((place,), keys_of(scope, place.keys))
            said = {**keys_of(scope, AUDITS[place.audit]), "version": version}
            return next(iter(self._entries(place.audit, said)), None)

    def close(self) -> None:
        """Let go of all connections."""
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._connection.telling():
            with self._preparing:
                if not self._has_indexes:
                    self._make_indexes()
                    self._has_indexes = True
            yield

    def _make_indexes(self) -> None:
        for place in PLACES:
            collection = self._database[place.records]
            known = collection.index_information().values()
            if any(index.get("unique") and {name for name, _ in index["key"]} == set(place.keys) for index in known):
                continue
            sound = {name: {"$type": "string"} for name in place.keys}  # what is unusable is in nobody's way
            try:
                collection.create_index(
                    [(name, 1) for name in place.keys],
                    unique=True,
                    name=f"unique_{place.records}",
                    partialFilterExpression=sound,
                )
            except DuplicateKeyError as error:
                twice = ", ".join(map(str, (error.details or {}).get("keyValue", {}).values()))
                text = f"{place.records} has more than one document of {twice}: keep one of them"
                raise StopProgram(self._connection.line(text)) from error

    def _found(self, scope: Scope) -> tuple[Document | None, ConfigRecord | None]:
        """The document of a scope, and the record in it if that is usable; its audit entry is where it belongs."""
        place = place_of(scope)
        document = self._database[place.records].find_one(keys_of(scope, place.keys))
        if document is None:
            return None, None
        if (change := change_in(document)) is not None:
            self._add_entries(place.audit, [change])
        return document, next(iter(self._readable([document], place)), None)

    def _replace(self, document: Document | None, record: ConfigRecord, entry: AuditEntry | None) -> bool:
        """Write a record in the place of the document that was found; False when somebody was faster."""
        place = place_of(record.scope)
        collection, fields = self._database[place.records], record_fields(record, document, entry)
        if document is None:
            try:
                collection.insert_one({**keys_of(record.scope, place.keys), **fields})
            except DuplicateKeyError:
                return False
            return True
        same = {name: document.get(name) for name in ("_id", "version", "updated_at")}
        if (change := change_in(document)) is not None:
            same[_CHANGE_ID] = change["audit_id"]
        return collection.update_one(same, {"$set": fields}).matched_count == 1

    def _copy_record(self, record: ConfigRecord, *, replace: bool) -> None:
        for _ in range(TRIES):
            document, current = self._found(record.scope)
            if not (replace or takes_place_of(record, current)) or self._replace(document, record, None):
                return
        raise RetryLater(self._connection.line(f"{record.scope} is changed by others all the time"))

    def _copy_entries(self, batch: list[AuditEntry]) -> None:
        for audit, keys in AUDITS.items():
            documents = usable(
                ({"entry": entry} for entry in batch if place_of(entry.scope).audit == audit),
                lambda row: entry_document(row["entry"]),
                lambda row, reason: log.warning("%s: entry %s is left out: %s", self.name, row["entry"].id, reason),
            )
            if documents:
                unnamed = self._database[audit].find({"audit_id": None})
                known = {entry.id for entry in usable(unnamed, _reader(keys), lambda *_: None)}
                self._add_entries(audit, [document for document in documents if document["audit_id"] not in known])

    def _add_entries(self, audit: str, documents: Iterable[Document]) -> None:
        """Have audit entries where they belong, unless they are there."""
        adding = [
            UpdateOne({"_id": document["audit_id"]}, {"$setOnInsert": document}, upsert=True) for document in documents
        ]
        try:
            if adding:
                self._database[audit].bulk_write(adding, ordered=False)
        except BulkWriteError as error:  # two who add the same are told so
            details = error.details or {}
            if details.get("writeConcernErrors") or any(
                each.get("code") != _DUPLICATE for each in details.get("writeErrors", [])
            ):
                raise

    def _settle(self, places: Iterable[Place], said: Mapping[str, Any]) -> None:
        """Copy audit entries that only their records hold."""
        for place in places:
            held = self._database[place.records].find({**said, _CHANGE_ID: {"$type": "string"}}, {"metadata": 1})
            changes = {change["audit_id"]: change for change in map(change_in, held) if change is not None}
            known = self._database[place.audit].find({"_id": {"$in": list(changes)}}, {"_id": 1}) if changes else ()
            for document in known:
                del changes[document["_id"]]
            self._add_entries(place.audit, changes.values())

    def _entries(self, audit: str, where: Mapping[str, Any], since_ms: int = 0, limit: int = 0) -> list[AuditEntry]:
        recent = {"$or": [{"changed_at": {"$gte": moment_of(since_ms)}}, {"changed_at": {"$not": {"$type": "date"}}}]}
        documents = self._database[audit].find({**where, **(recent if since_ms else {})})
        if limit:
            documents = documents.sort([("changed_at", DESCENDING), ("version", DESCENDING)]).limit(limit)
        found = usable(documents, _reader(AUDITS[audit]), self._report(audit))
        return newest_first([entry for entry in found if entry.changed_ms >= since_ms])

    def _readable(self, documents: Iterable[Document], place: Place) -> list[ConfigRecord]:
        return usable(
            documents,
            lambda document: record_of(row_of(document), place, self.kind),
            self._report(place.records),
        )

    def _report(self, collection: str) -> Callable[[Row, str], None]:
        return lambda row, reason: log.warning("%s: %s, %s, is left out: %s", self.name, collection, shown(row), reason)


def _reader(keys: tuple[str, ...]) -> Callable[[Row], AuditEntry]:
    return lambda document: entry_of(row_of(document), keys)
