"""The configuration as one process knows it, and which of its keys a change concerns."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from bytewax.operators import StatefulBatchLogic

from dataflow.config import counts
from dataflow.routing import Workers
from operators.config_book import ConfigBook, NewConfiguration, PackedKnown, unpack_known
from operators.live import Selection
from operators.requests import Leave
from state.configs.records import Scope
from strategies.resolution import Pinned

log = logging.getLogger(__name__)

KeyedItem = tuple[str, NewConfiguration | Leave]

# A key takes some 3 ms when it must warm up indicators, and bars wait meanwhile.
KEYS_AT_ONCE = 32

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class ConfigUpdate(NamedTuple):
    """What is new: records (see `pack_known`) and scopes that are gone, plain data that goes to every process.

    Updates are numbered as they are made. The first one a flow gets has all that is known, which may be nothing.
    """

    number: int
    known: list[PackedKnown]
    gone: list[tuple[str | None, str | None]]


class ConfigHere:
    """What this process knows, and its keys.

    A key that starts is registered before it asks what to run with, and a change is noted before keys are told: so
    whichever comes first, no key misses a change.
    """

    def __init__(self, pinned: Pinned, configured: Selection, workers: Workers) -> None:
        self.book = ConfigBook(pinned)
        self.configured = configured
        self.selection = configured
        self.workers = workers
        self.on_selection: Callable[[Selection], None] = lambda _: None
        """Told which keys are to be analyzed, first and whenever that changes."""
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

    def for_key(self, key: str) -> NewConfiguration:
        """What a key is to run with now."""
        found = self.book.for_symbol(key.partition("|")[0])
        self._warn()
        return found

    def take(self, update: ConfigUpdate) -> list[str]:
        """Take what is new; the keys here that it concerns."""
        symbols: set[str | None] = set()
        for known in unpack_known(update.known):
            self.book.put(known)
            symbols.add(known.record.scope.symbol)
        for strategy_id, symbol in update.gone:
            self.book.drop(Scope(strategy_id, symbol))
            symbols.add(symbol)
        self._select()
        self.taken = max(self.taken, update.number)
        return [key for key in list(self._keys) if None in symbols or key.partition("|")[0] in symbols]

    def item_for(self, key: str) -> KeyedItem:
        """What to tell a key that is concerned."""
        return key, self.for_key(key) if self.selection.takes(key) else Leave()

    def _select(self) -> None:
        selection = self.book.selection(self.configured)
        if selection != self.selection or not self.is_known:
            self.selection = selection
            self.on_selection(selection)

    def _warn(self) -> None:
        for reason in self.book.unusable:
            if reason not in self._said:
                self._said.add(reason)
                log.warning("stored configuration is left out: %s", reason)

    def copies(self, update: ConfigUpdate) -> list[tuple[str, ConfigUpdate]]:
        """The update for every worker of the flow."""
        return [(address, update) for address in self.workers.addresses()]


class ConfigLogic(StatefulBatchLogic[ConfigUpdate, KeyedItem, None]):
    """Tells a worker's keys what concerns them, some at a time, so that bars get between.

    Nothing is kept: a key that was not told before a crash asks what to run with when it starts again.
    """

    def __init__(self, here: ConfigHere) -> None:
        self.here = here
        self._untold: dict[str, None] = {}

    def on_batch(self, values: list[ConfigUpdate]) -> tuple[list[KeyedItem], bool]:
        """Note what is new, and tell the first keys."""
        for update in values:
            self._untold.update(dict.fromkeys(self.here.take(update)))
        return self._tell()

    def on_notify(self) -> tuple[list[KeyedItem], bool]:
        """Tell the next keys."""
        return self._tell()

    def on_eof(self) -> tuple[list[KeyedItem], bool]:
        """Nothing more."""
        return [], StatefulBatchLogic.RETAIN

    def notify_at(self) -> datetime | None:
        """At once, while there are keys to tell."""
        return _LONG_AGO if self._untold else None

    def snapshot(self) -> None:
        """Nothing."""

    def _tell(self) -> tuple[list[KeyedItem], bool]:
        keys = list(self._untold)[:KEYS_AT_ONCE]
        for key in keys:
            del self._untold[key]
        counts.RECONFIGURED.inc(len(keys))
        return [self.here.item_for(key) for key in keys], StatefulBatchLogic.RETAIN
