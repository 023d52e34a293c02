"""The history as commands use it: where it is, what is bad in it, and errors for who ran the command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from dataflow.replay.sinks import BAD_ROWS_SHOWN
from dataflow.settings import StoreSettings
from operators.rows import BadInput
from state.errors import RetryLater, StopProgram
from state.klines import BadRow, KlineStore


class BadRows:
    """Counts bad rows, and shows the first of them on stderr."""

    def __init__(self) -> None:
        self.count = 0

    def report(self, bad: BadInput | BadRow) -> None:
        """Take note of one."""
        self.count += 1
        if self.count <= BAD_ROWS_SHOWN:
            more = "; further bad rows are only counted" if self.count == BAD_ROWS_SHOWN else ""
            sys.stderr.write(f"bad row: {bad.where}: {bad.reason}{more}\n")


@contextmanager
def open_history(settings: StoreSettings, bad: BadRows) -> Iterator[KlineStore]:
    """The history, for one command: who runs it is to try again later."""
    store = settings.open_klines(bad.report)
    try:
        yield store
    except RetryLater as error:
        raise StopProgram(str(error)) from error
    finally:
        store.close()
