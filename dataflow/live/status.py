"""What is known of the state of a live flow, for whoever asks from outside."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from typing import Literal

KeyState = Literal["starting", "seeded", "cold"]

log = logging.getLogger(__name__)


class Status:
    """Which keys wait for history, have it, or went on without it; and whether history is there."""

    def __init__(self) -> None:
        self.history_trouble: str | None = None
        """Why history cannot be read, None while it can."""
        self._states: dict[str, KeyState] = {}
        self._starting: set[object] = {self}  # until all that is to start is known
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
            if key not in self._states:
                self._states[key] = "starting"
                self._starting.add(key)

    def tell(self, key: str, state: KeyState | None) -> None:
        """Say how a key is; None when it is gone."""
        if self._states.get(key) == state:
            return
        with self._lock:
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state
            if state == "starting":
                self._starting.add(key)
            else:
                self._starting.discard(key)
                self._say()

    def keys(self) -> dict[str, int]:
        """How many keys are in which state."""
        with self._lock:
            counts = Counter(self._states.values())
        return {state: counts[state] for state in ("starting", "seeded", "cold")}

    def _say(self) -> None:
        if self._starting or self._said:
            return
        self._said = True
        counts = Counter(self._states.values())
        log.info("ready: %d keys warmed up, %d without history", counts["seeded"], counts["cold"])
