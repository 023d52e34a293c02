"""Stopping a flow: sources end, the flow finishes what it has and takes an exact snapshot."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Whether and why the sources of this process are to end."""

    def __init__(self, on_failure: Callable[[str], None] | None = None) -> None:
        self.requested = False
        self.by_signal: int | None = None
        self.failure: str | None = None
        self._on_failure = on_failure

    def request(self) -> None:
        """Ask the sources to end."""
        self.requested = True

    def fail(self, reason: str) -> None:
        """Ask the sources to end because of something that the user must see to; the first reason counts."""
        self.requested = True
        if self.failure is None:
            self.failure = reason
            if self._on_failure:
                self._on_failure(reason)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """While entered, SIGINT and SIGTERM ask the sources to end, instead of ending the process in mid-epoch."""
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, self._handle) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.by_signal = self.by_signal or number
        self.requested = True
