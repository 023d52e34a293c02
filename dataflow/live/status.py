"""What is known of the state of a live flow, for whoever asks from outside."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from time import monotonic

from dataflow.live import counts
from dataflow.live.key_groups import STATES, Group, KeyNow, groups_of
from dataflow.nats.publisher import wall_clock_ms

log = logging.getLogger(__name__)


class Status:
    """How far keys are: with history, waiting for it, or without; their newest bars; and whether history is there."""

    def __init__(self, clock_ms: Callable[[], int] = wall_clock_ms) -> None:
        self.history_trouble: str | None = None
        """Why history cannot be read, None while it can."""
        self._clock_ms = clock_ms
        self._since_ms = clock_ms()
        self._keys: dict[str, KeyNow] = {}
        self._starting: set[object] = {self}  # until all that is to start is known
        self._began_secs: dict[str, float] = {}
        """When keys that are starting began to."""
        self._said = False
        self._lock = threading.Lock()

    @property
    def starting(self) -> bool:
        """Whether some keys have not started yet, or are not known."""
        return bool(self._starting)

    def know_all(self) -> None:
        """All keys that start with the flow are known."""
        with self._lock:
            self._starting.discard(self)
            self._say()

    def expect(self, key: str) -> None:
        """A key is to start, unless it has."""
        with self._lock:
            if key not in self._keys:
                self._begin(key, KeyNow("starting"))

    def tell(self, key: str, now: KeyNow | None) -> None:
        """Say how a key is; None when it is gone."""
        before = self._keys.get(key)
        if now is not None and before is not None and before.state == now.state:
            self._keys[key] = now
            return
        with self._lock:
            began_secs = self._began_secs.pop(key, None)
            if now is None:
                self._keys.pop(key, None)
            elif now.state == "starting":
                self._begin(key, now)
                return
            else:
                self._keys[key] = now
                if began_secs is not None and now.state == "seeded":
                    counts.SEEDING.observe(monotonic() - began_secs)
            self._starting.discard(key)
            self._say()

    def keys(self) -> dict[str, int]:
        """How many keys are in which state."""
        found = Counter(now.state for _, now in self._all())
        return {state: found[state] for state in STATES}

    def groups(self) -> dict[str, Group]:
        """The keys by timeframe, as they are now."""
        return groups_of(self._all(), self._clock_ms(), self._since_ms)

    def _all(self) -> list[tuple[str, KeyNow]]:
        with self._lock:
            return list(self._keys.items())

    def _begin(self, key: str, now: KeyNow) -> None:
        self._keys[key] = now
        self._starting.add(key)
        self._began_secs[key] = monotonic()

    def _say(self) -> None:
        if self._starting or self._said:
            return
        self._said = True
        states = Counter(now.state for now in self._keys.values())
        log.info("ready: %d keys warmed up, %d without history", states["seeded"], states["cold"])
