"""The configuration as it was last read, for those who need it more often than stores are to be asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from state.configs.changing import takes_place_of
from state.configs.records import ConfigRecord, Scope
from state.configs.store import Records
from state.configs.stores import ConfigStores
from state.errors import RetryLater


class CachedConfigs:
    """All records, read again when they are older than `ttl_secs`. May be used from any thread.

    While no store can be read, the last known ones hold. The fallback, which may lack changes, never takes back what
    is known already.
    """

    def __init__(self, stores: ConfigStores, ttl_secs: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._stores = stores
        self._ttl_secs = ttl_secs
        self._monotonic = monotonic
        self._reading = threading.Lock()
        self._changing = threading.Lock()
        self._known: Records | None = None
        self._read_secs = 0.0
        self._written: dict[Scope, ConfigRecord] = {}
        """By this process, since the last read began."""

    @property
    def age_secs(self) -> float | None:
        """How long ago the records were read; None when they never were."""
        return None if self._known is None else self._monotonic() - self._read_secs

    def read(self) -> Records:
        """All records; those that there are while another thread reads them again.

        Raises:
            RetryLater: no store can be read, and none could be before.
        """
        known = self._known
        if known is None or not self._ttl_secs:
            return self._first() if known is None else self.refresh()
        if self._is_fresh or not self._reading.acquire(blocking=False):
            return known
        try:
            return self._read_again()
        finally:
            self._reading.release()

    def refresh(self) -> Records:
        """All records, read now, once for all who asked before that reading began. Raises as `read` does."""
        asked_secs = self._monotonic()
        with self._reading:
            known = self._known
            return known if known is not None and self._read_secs > asked_secs else self._read_again()

    def written(self, record: ConfigRecord) -> None:
        """Know a record that this process wrote."""
        with self._changing:
            if takes_place_of(record, self._written.get(record.scope)):
                self._written[record.scope] = record
            if self._known is not None:
                self._known = _with(self._known, [record])

    @property
    def _is_fresh(self) -> bool:
        age_secs = self.age_secs
        return age_secs is not None and age_secs < self._ttl_secs

    def _first(self) -> Records:
        with self._reading:
            return self._known or self._read_again()

    def _read_again(self) -> Records:
        self._written.clear()
        began_secs = self._monotonic()
        try:
            found = self._stores.read()
        except RetryLater:
            if self._known is None:
                raise
            return self._known
        with self._changing:
            known = [] if found.is_primary or self._known is None else [*self._known.by_scope.values()]
            self._known = _with(found, [*known, *self._written.values()])
            self._read_secs = began_secs
            return self._known


def _with(records: Records, more: list[ConfigRecord]) -> Records:
    by_scope = dict(records.by_scope)
    for record in more:
        if takes_place_of(record, by_scope.get(record.scope)):
            by_scope[record.scope] = record
    return replace(records, by_scope=by_scope)
