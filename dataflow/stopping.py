"""Stopping a flow: sources end, the flow finishes what it has and takes an exact snapshot."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from dataflow.logs import tell_end

log = logging.getLogger(__name__)

USER_ERROR = 2
"""The exit code for what the user must see to."""


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

    def abandon(self, reason: str) -> NoReturn:
        """End this process at once, before its epoch can close: what it has not finished is done again later.

        Nothing is raised: Bytewax would panic, and tell the user about it. In a cluster the others are then ended too.
        """
        log.warning("%s", reason)
        os._exit(1 if self._on_failure else 0)

    @contextmanager
    def on_failing_disk(self, path: Path, *, abandon: bool) -> Iterator[None]:
        """While entered, an error of the operating system is a failure to write `path`.

        With `abandon` it ends the process at once, before the epoch can close and what was not written counts as
        done. Nothing is raised: Bytewax would panic, and tell the user about it.
        """
        try:
            yield
        except OSError as error:
            self.fail(f"{path}: cannot be written: {error.strerror or error}")
            if abandon:
                if self._on_failure is None:
                    tell_end(str(self.failure))
                os._exit(USER_ERROR)

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
