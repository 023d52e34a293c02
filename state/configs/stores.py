"""All stores of the configuration as one: a primary, and a fallback that is read while the primary is away."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar
from uuid import uuid4

from state.configs.agreeing import agree, follow
from state.configs.records import AuditEntry, Change, ConfigRecord, Scope
from state.configs.sql import SqlConfigStore
from state.configs.store import MOST_ENTRIES, ConfigStore, Records, Written
from state.configs.watched import Watched
from state.database import Database
from state.errors import RetryLater
from state.tls import TlsFiles

log = logging.getLogger(__name__)

T = TypeVar("T")

RETRY_SECS = 5.0

# A store that says nothing is not waited for longer.
CLOSE_SECS = 5.0

# Changes kept for a fallback that is away, in case that it comes back when the primary is away; agreeing has them all.
MOST_OWED = 1_000


def wall_clock_ms() -> int:
    """Now."""
    return time.time_ns() // 1_000_000


def _nobody(_record: ConfigRecord, _entry: AuditEntry) -> None:
    return None


class ConfigStores:
    """Reads come from the primary, or while it is away from the fallback; writes go to the primary, then to both.

    While the primary is away the fallback takes writes only when it is said to, since two programs, of which one does
    not reach the primary, could then change the same; of such changes the later one holds, and all are in the audit.
    A store where somebody must mend something, such as a password, counts as away.

    After an outage the fallback is made to hold what the primary holds or, where it takes writes, both to agree: by the
    thread that `start` starts, and before the primary takes a write when the fallback may have taken some. May be used
    from any thread.
    """

    def __init__(
        self,
        primary: ConfigStore,
        fallback: ConfigStore | None = None,
        *,
        fallback_takes_writes: bool = False,
        clock_ms: Callable[[], int] = wall_clock_ms,
        retry_secs: float = RETRY_SECS,
    ) -> None:
        self._primary = Watched(primary, retry_secs)
        self._fallback = Watched(fallback, retry_secs) if fallback else None
        self._all = [self._primary, self._fallback] if self._fallback else [self._primary]
        self._fallback_takes_writes = fallback_takes_writes
        self._clock_ms = clock_ms
        self._retry_secs = retry_secs
        self._agreeing = threading.Lock()
        self._agreed_at = -1
        """What `_events` were when both last held the same."""
        self._fallback_writes = 0
        self._is_ahead = False
        """Whether the fallback took a change of this process that the primary may lack."""
        self._owing = threading.Lock()
        self._owed: deque[tuple[ConfigRecord, AuditEntry]] = deque(maxlen=MOST_OWED)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def read(self) -> Records:
        """All records.

        Raises:
            RetryLater: no store can be read, and why.
        """
        records, source = self._from_either(lambda store: store.records())
        by_scope = {record.scope: record for record in records}
        return Records(by_scope, source.store.kind, source is self._primary)

    def entries(
        self, strategy_id: str | None, symbol: str | None = None, *, limit: int = MOST_ENTRIES
    ) -> list[AuditEntry]:
        """Audit entries of a strategy (None: of the application), of one symbol or of all, newest first."""
        return self._from_either(lambda store: store.entries(strategy_id, symbol, limit=limit))[0]

    def entry_of(self, scope: Scope, version: int) -> AuditEntry | None:
        """The entry of the change that made a version of a scope."""
        return self._from_either(lambda store: store.entry_of(scope, version))[0]

    def write(self, change: Change, tell: Callable[[ConfigRecord, AuditEntry], None] = _nobody) -> Written:
        """Make a change, in both stores if possible; `tell` hears of it as soon as one has it.

        Raises:
            ReadAgain: the scope's version is not the expected one.
            RetryLater: no store takes it now, and why; where an answer was lost, it was made all the same.
            SkipInput: there is nothing to delete, or it cannot be stored.
        """
        # Where the primary's answer was lost, the fallback makes the same change, not a second one.
        put = partial(_put, change=change, entry_id=uuid4().hex, now_ms=self._clock_ms())
        fallback = self._fallback
        if fallback and self._fallback_takes_writes and not self._is_settled:
            if not fallback.rests and not self.agree() and self._primary.is_away:
                return self._write_to_fallback(put, tell, self._reasons)
            if self._is_ahead:
                raise RetryLater(f"{fallback.store.kind} has changes that are to be taken over first: {self._reasons}")
        try:
            record, entry = self._primary.use(put)
        except RetryLater as error:
            return self._write_to_fallback(put, tell, str(error))
        tell(record, entry)
        return Written(record, entry, self._mirror(record, entry))

    def agree(self) -> bool:
        """Have both stores hold the same; False when one of them is away."""
        if self._fallback is None:
            return True
        asked_secs = time.monotonic()
        with self._agreeing:
            if any(watched.was_away_since(asked_secs) for watched in self._all):
                return False  # somebody else has just waited for it
            events = self._events
            try:
                # Else the fallback may be another one's: a copy, or what somebody tried out on another machine.
                (agree if self._fallback_takes_writes else follow)(self._primary, self._fallback)
            except RetryLater:
                return False
            self._agreed_at = events
            if self._is_settled:
                self._is_ahead = False
            return True

    def troubles(self) -> dict[str, str | None]:
        """By kind of store why it was away when it was used last, None when it was not."""
        return {watched.store.kind: watched.trouble for watched in self._all}

    def checks(self) -> dict[str, Callable[[], None]]:
        """By kind of store, what looks whether it is there now; it raises `RetryLater` where it is not."""
        return {watched.store.kind: watched.check for watched in self._all}

    def start(self) -> None:
        """Have both stores agree, now and after every outage, in a thread of its own."""
        self._thread = threading.Thread(target=self._look_after, name="config-stores", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop that, and let go of all connections."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(CLOSE_SECS)
        for watched in self._all:
            watched.store.close()

    @property
    def _events(self) -> int:
        """A number that grows whenever one store may come to lack something that the other has."""
        return sum(watched.outages for watched in self._all) + self._fallback_writes

    @property
    def _is_settled(self) -> bool:
        return self._agreed_at == self._events

    @property
    def _reasons(self) -> str:
        return "; ".join(watched.trouble for watched in self._all if watched.trouble)

    def _from_either(self, what: Callable[[ConfigStore], T]) -> tuple[T, Watched]:
        reasons: list[str] = []
        for watched in reversed(self._all) if self._is_ahead else self._all:
            try:
                return watched.use_unless_resting(what), watched
            except RetryLater as error:
                reasons.append(str(error))
        raise RetryLater(f"the configuration cannot be read: {'; '.join(reasons)}")

    def _write_to_fallback(
        self,
        put: Callable[[ConfigStore], tuple[ConfigRecord, AuditEntry]],
        tell: Callable[[ConfigRecord, AuditEntry], None],
        reason: str,
    ) -> Written:
        fallback = self._fallback
        if fallback is None or not self._fallback_takes_writes:
            meanwhile = f"; {fallback.store.kind} is not set up to take changes meanwhile" if fallback else ""
            raise RetryLater(f"the configuration cannot be changed: {reason}{meanwhile}")
        try:
            self._pay(fallback)
            record, entry = fallback.use(put)
        except RetryLater as error:
            raise RetryLater(f"the configuration cannot be changed: {reason}; {error}") from error
        self._is_ahead = True
        self._fallback_writes += 1
        tell(record, entry)
        return Written(record, entry, mirrored=False)

    def _mirror(self, record: ConfigRecord, entry: AuditEntry) -> bool:
        """Whether the fallback, if there is one, has the change too."""
        if self._fallback is None:
            return True
        with self._owing:
            self._owed.append((record, entry))
        try:
            self._pay(self._fallback)
        except RetryLater:
            return False
        return True

    def _pay(self, fallback: Watched) -> None:
        """Copy the changes that the fallback could not take when they were made."""
        with self._owing:
            if self._owed:
                records, entries = zip(*self._owed, strict=True)
                fallback.use_unless_resting(lambda store: store.copy(records, entries))
                self._owed.clear()

    def _look_after(self) -> None:
        while True:
            try:
                self._look()
            except RetryLater:
                pass  # it is known why
            except Exception as error:  # noqa: BLE001  # whatever it was, the next look may do better
                log.warning("the stores of the configuration could not be looked after: %r", error)
            if self._stopping.wait(self._retry_secs):
                return

    def _look(self) -> None:
        """See whether those that were away are back, and have both agree when they are."""
        for watched in self._all:
            if watched.is_away:
                with suppress(RetryLater):
                    watched.check()
        if self._fallback is None or self._fallback.is_away:
            return
        if not self._primary.is_away and not self._is_settled:
            self.agree()
        self._pay(self._fallback)


def _put(store: ConfigStore, change: Change, entry_id: str, now_ms: int) -> tuple[ConfigRecord, AuditEntry]:
    return store.put(change, entry_id, now_ms)


def open_stores(
    mongodb_uri: str | None,
    mongodb_database: str,
    mysql_uri: str | None,
    embedded_uri: str,
    *,
    fallback_takes_writes: bool = False,
    mysql_tls: TlsFiles | None = None,
    mongodb_tls: TlsFiles | None = None,
) -> ConfigStores:
    """The stores that a program was told of, as one. Arguments and errors as of `stores_of`."""
    primary, *fallback = stores_of(
        mongodb_uri, mongodb_database, mysql_uri, embedded_uri, mysql_tls=mysql_tls, mongodb_tls=mongodb_tls
    )
    return ConfigStores(primary, *fallback, fallback_takes_writes=fallback_takes_writes and bool(fallback))


def stores_of(
    mongodb_uri: str | None,
    mongodb_database: str,
    mysql_uri: str | None,
    embedded_uri: str,
    *,
    mysql_tls: TlsFiles | None = None,
    mongodb_tls: TlsFiles | None = None,
) -> list[ConfigStore]:
    """The stores that a program was told of: MongoDB with a SQL database as its fallback, or a SQL database alone.

    Without MySQL, the SQL database is the embedded one.

    Raises:
        StopProgram: a URI is not usable, or a file for TLS.
    """
    sql = SqlConfigStore(Database(mysql_uri or embedded_uri, tls=mysql_tls))
    if mongodb_uri is None:
        return [sql]
    from state.configs.mongo import MongoConfigStore  # who has none need not wait for its driver

    return [MongoConfigStore(mongodb_uri, mongodb_database, tls=mongodb_tls), sql]
