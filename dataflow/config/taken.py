"""What this process has taken of the configuration, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from time import time

from dataflow.config import counts
from operators.config_book import ConfigBook, Known
from state.configs.records import Scope

APPLICATION = "application"
"""What stands for a strategy where the application's own settings are meant."""


class TakenConfig:
    """Notes what comes, and how long that took: of what was changed since this process runs, for the rest waited."""

    def __init__(self, clock_secs: Callable[[], float] = time) -> None:
        self.last_taken_secs: float | None = None
        """When something came last, in seconds since the Unix epoch; None before that."""
        self._clock_secs = clock_secs
        self._since_secs = clock_secs()

    def note(self, news: Iterable[Known]) -> None:
        """Records have come to the keys of this process."""
        self.last_taken_secs = now_secs = self._clock_secs()
        for record, stored_ns in news:
            if record.scope.symbol is None:
                counts.VERSION.labels(_name(record.scope)).set(record.version)
            changed_secs = stored_ns / 1e9 or record.updated_ms / 1000
            if changed_secs >= self._since_secs:
                counts.PROPAGATION.observe(max(0.0, now_secs - changed_secs))


def versions_in(book: ConfigBook) -> dict[str, int]:
    """The versions of what is known for all symbols, by strategy."""
    for_all = (known.record for scope, known in list(book.known.items()) if scope.symbol is None)
    return dict(sorted((_name(record.scope), record.version) for record in for_all))


def _name(scope: Scope) -> str:
    return scope.strategy_id or APPLICATION
