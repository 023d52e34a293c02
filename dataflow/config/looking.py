"""Looking into the stores of the configuration, on a thread of its own."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

from dataflow.config import counts
from operators.config_book import Known
from state.configs.records import Scope
from state.configs.store import Records
from state.configs.stores import ConfigStores
from state.errors import RetryLater, StopProgram

log = logging.getLogger(__name__)

_CLOSE_SECS = 2.0


class Look(NamedTuple):
    """What the stores have, None when they cannot be read; and what was known when reading them began."""

    before: dict[Scope, Known]
    records: Records | None


class StoreLooks:
    """Reads all that is stored: now, when it is asked for, and then every `every_secs`."""

    def __init__(self, stores: ConfigStores, every_secs: float) -> None:
        self.stores = stores
        self.every_secs = every_secs
        self.trouble: str | None = None
        """Why they cannot be read, None while they can or nobody has looked."""
        self._looks: queue.SimpleQueue[Look] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, known: Callable[[], dict[Scope, Known]], *, now: bool) -> None:
        """Begin; `known` gives a copy of what is known when it is called."""
        self._thread = threading.Thread(target=self._run, args=(known, now), name="config", daemon=True)
        self._thread.start()

    def take(self) -> Look | None:
        """What was found since the last call, one after the other."""
        try:
            return self._looks.get_nowait()
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECS)
        self.stores.close()

    def _run(self, known: Callable[[], dict[Scope, Known]], now: bool) -> None:
        if now:
            self._looks.put(self._look(known))
        while not self._closed.wait(self.every_secs):
            self._looks.put(self._look(known))

    def _look(self, known: Callable[[], dict[Scope, Known]]) -> Look:
        before = known()
        try:
            records = self.stores.read()
        except (RetryLater, StopProgram) as error:
            self._say(str(error))
            return Look(before, None)
        except Exception as error:  # nobody waits for this thread: it would end in silence
            log.exception("the configuration: something failed that was not to")
            self._say(f"failed unexpectedly: {type(error).__name__}")
            return Look(before, None)
        self._say(None)
        return Look(before, records)

    def _say(self, trouble: str | None) -> None:
        if trouble is not None and self.trouble is None:
            log.warning("the stored configuration cannot be read, going on with what is known: %s", trouble)
        elif trouble is None and self.trouble is not None:
            log.info("the stored configuration can be read again")
        self.trouble = trouble
        counts.STORES_REACHABLE.set(trouble is None)
