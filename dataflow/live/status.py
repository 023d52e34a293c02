"""What is known of the state of a live flow, for whoever asks from outside."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Literal

KeyState = Literal["starting", "seeded", "cold"]


class Status:
    """Which keys wait for history, have it, or went on without it; and whether history is there."""

    def __init__(self) -> None:
        self.history_trouble: str | None = None
        """Why history cannot be read, None while it can."""
        self._states: dict[str, KeyState] = {}
        self._lock = threading.Lock()

    def tell(self, key: str, state: KeyState | None) -> None:
        """Say how a key is; None when it is gone."""
        with self._lock:
            if state is None:
                self._states.pop(key, None)
            else:
                self._states[key] = state

    def expect(self, key: str) -> None:
        """A key is to start, unless it has."""
        with self._lock:
            self._states.setdefault(key, "starting")

    def keys(self) -> dict[str, int]:
        """How many keys are in which state."""
        with self._lock:
            counts = Counter(self._states.values())
        return {state: counts[state] for state in ("starting", "seeded", "cold")}
