"""The configuration as one process knows it, and which of its keys a change concerns."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zlib import crc32

from bytewax.operators import StatefulBatchLogic

from dataflow.config import counts
from dataflow.config.taken import TakenConfig
from dataflow.routing import Workers
from operators.config_book import ConfigBook, NewConfiguration, PackedKnown, unpack_known
from operators.live import Selection
from operators.requests import Leave
from state.configs.records import Scope
from strategies.resolution import Pinned

log = logging.getLogger(__name__)

# Stored values that are unusable are told once each, and no more of them.
MOST_REASONS = 1_000

LOOK = timedelta(milliseconds=5)

QUIET = timedelta(seconds=1)
TURN = timedelta(milliseconds=5)


class Probe(NamedTuple):
    """Shows that keys are there: it comes to where they are analyzed after all that were kept in snapshots."""


KeyedItem = tuple[str, NewConfiguration | Leave | Probe]


class ConfigUpdate(NamedTuple):
    """What is new: records (see `pack_known`) and scopes that are gone, plain data that goes to every process.

    Updates are numbered as they are made. The first one a flow gets has all that is known, which may be nothing.
    """

    number: int
    known: list[PackedKnown]
    gone: list[tuple[str | None, str | None]]
    traceparent: str = ""
    """The trace that it belongs to, if any."""


class Copy(NamedTuple):
    """An update on its way to one worker."""

    address: str
    update: ConfigUpdate


class ConfigHere:
    """What this process knows, and its keys.

    A key that starts is registered before it asks what to run with, and a change is noted before keys are told: so
    whichever comes first, no key misses a change.
    """

    keys_are_loaded = False
    """Whether all keys that come with a snapshot are registered."""

    def __init__(self, pinned: Pinned, configured: Selection, workers: Workers) -> None:
        self.book = ConfigBook(pinned)
        self.configured = configured
        self.selection = configured
        self.workers = workers
        self.on_selection: Callable[[Selection], None] = lambda _: None
        """Told which keys are to be analyzed, first and whenever that changes."""
        self.on_taken: Callable[[ConfigUpdate, int], None] = lambda *_: None
        """Told of every update, and how many keys it was handed to."""
        self.news = TakenConfig()
        self.made = self.taken = 0
        """The numbers of the last update that was made in this process, and that was taken in it."""
        self._keys: dict[str, None] = {}
        self._said: set[str] = set()

    @property
    def is_known(self) -> bool:
        """Whether anything may start: what is stored is known, or that it cannot be read."""
        return self.taken > 0

    @property
    def is_current(self) -> bool:
        """Whether all that was made in this process has come to its keys."""
        return self.is_known and self.taken >= self.made

    def register(self, key: str) -> None:
        """A key is here."""
        self._keys[key] = None

    def forget(self, key: str) -> None:
        """A key is gone."""
        self._keys.pop(key, None)

    def turn_of(self, key: str) -> timedelta:
        """How long a key waits before it goes by what is to come: each another time, as it may take some 3 ms."""
        return QUIET + (crc32(key.encode()) % (len(self._keys) + 1)) * TURN

    def for_key(self, key: str) -> NewConfiguration:
        """What a key is to run with now."""
        found = self.book.for_symbol(key.partition("|")[0])
        self._warn()
        return found

    def take(self, update: ConfigUpdate) -> list[KeyedItem]:
        """Take what is new; what to tell the keys here that it concerns."""
        symbols: set[str | None] = set()
        news = unpack_known(update.known)
        for known in news:
            self.book.put(known)
            symbols.add(known.record.scope.symbol)
        for strategy_id, symbol in update.gone:
            self.book.drop(Scope(strategy_id, symbol))
            symbols.add(symbol)
        self._select()
        self.taken = max(self.taken, update.number)
        self.news.note(news)
        keys = [key for key in list(self._keys) if None in symbols or key.partition("|")[0] in symbols]
        items: list[KeyedItem] = [(key, self.for_key(key) if self.selection.takes(key) else Leave()) for key in keys]
        self.on_taken(update, len(items))
        return items

    def _select(self) -> None:
        selection = self.book.selection(self.configured)
        if selection != self.selection or not self.is_known:
            self.selection = selection
            self.on_selection(selection)

    def _warn(self) -> None:
        for reason in self.book.unusable:
            if reason not in self._said and len(self._said) < MOST_REASONS:
                self._said.add(reason)
                log.warning("stored configuration is left out: %s", reason)

    def copies(self, update: ConfigUpdate) -> list[tuple[str, Copy]]:
        """The update for every worker of the flow."""
        return [(address, Copy(address, update)) for address in self.workers.addresses()]


class ConfigLogic(StatefulBatchLogic[Copy, KeyedItem, None]):
    """Tells a worker's keys what concerns them, change by change.

    It begins when those keys that come with a snapshot are there: a probe that it sends to where keys are analyzed
    comes after them. Nothing is kept: what is known comes anew after a restart, with all changes since the snapshot.
    """

    def __init__(self, here: ConfigHere) -> None:
        self.here = here
        self._waiting: list[Copy] = []

    def on_batch(self, values: list[Copy]) -> tuple[list[KeyedItem], bool]:
        """Note what is new, one after the other, and tell the keys."""
        probes: list[KeyedItem] = []
        if not (self._waiting or self.here.keys_are_loaded):
            probes.append((values[0].address, Probe()))
        self._waiting += values
        return probes + self._tell(), StatefulBatchLogic.RETAIN

    def on_notify(self) -> tuple[list[KeyedItem], bool]:
        """Tell what waited for the probe."""
        return self._tell(), StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """Soon, while something waits."""
        return datetime.now(UTC) + LOOK if self._waiting else None

    def on_eof(self) -> tuple[list[KeyedItem], bool]:
        """Nothing more."""
        return [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> None:
        """Nothing."""

    def _tell(self) -> list[KeyedItem]:
        if not self.here.keys_are_loaded:
            return []
        copies, self._waiting = self._waiting, []
        items = [item for copy in copies for item in self.here.take(copy.update)]
        counts.KEYS_TOLD.inc(len(items))
        return items
