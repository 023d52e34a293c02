"""Watchers: what looks on while keys are analyzed, and records what it makes of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from state.bar import Bar
from strategies.configuration import Configuration
from strategies.signal import Signal


class Record(Protocol):
    """Something to be kept until the bars have ended: a dataclass of JSON types."""

    @property
    def sort_key(self) -> str:
        """Its kind, a blank, and what orders it among those of its kind; no two are the same."""
        ...


class Watcher(Protocol):
    """Looks on at one key."""

    passes_signals_on: bool
    """Whether the signals go on to where they go without it."""

    def take(self, bar: Bar, signals: Sequence[Signal]) -> Sequence[Record]:
        """Take a bar that was analyzed, and the signals that it gave."""
        ...

    def left(self) -> Sequence[Record]:
        """What there is to tell when the bars have ended."""
        ...


MakeWatcher = Callable[[str, Configuration], Watcher]
"""Makes the watcher of a key, which is analyzed with a configuration; it is pickled to get to each process."""
