"""How often, how much, and how much at once."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from config_api.errors import ApiError

MAX_BODY_BYTES = 64 * 1024

BODY_SECS = 10.0
"""How long a body may take to come."""

# A dry run takes the interpreter for up to half a second: more at once would hold readers up.
DRY_RUNS_AT_ONCE = 2

_MINUTE_SECS = 60.0


class ChangeLimit:
    """So many changes a minute for each client, all of them at once if need be. May be used from any thread."""

    def __init__(self, per_minute: int, clock_secs: Callable[[], float] = time.monotonic) -> None:
        self.per_minute = per_minute
        self.clock_secs = clock_secs
        self._left: dict[str, tuple[float, float]] = {}
        """By client: how many were left, and when."""
        self._lock = threading.Lock()

    def take(self, client: str) -> None:
        """Count one change.

        Raises:
            ApiError: 429, there were too many; it says when there may be another one.
        """
        with self._lock:
            now_secs = self.clock_secs()
            left, at_secs = self._left.get(client, (float(self.per_minute), now_secs))
            left = min(self.per_minute, left + (now_secs - at_secs) * self.per_minute / _MINUTE_SECS)
            taken = left >= 1.0
            self._left[client] = (left - 1.0 if taken else left, now_secs)
        if not taken:
            wait_secs = math.ceil((1.0 - left) * _MINUTE_SECS / self.per_minute)
            raise ApiError(
                429,
                "too_many_changes",
                f"more than {self.per_minute} changes a minute; the next one in {wait_secs} s",
                headers={"Retry-After": str(wait_secs)},
            )


class AtOnce:
    """So many of something at once, and no queue."""

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count as one while entered.

        Raises:
            ApiError: 429, there are as many as there may be.
        """
        if not self._free.acquire(blocking=False):
            raise ApiError(
                429, "busy", "others are being tried out; try again in a second", headers={"Retry-After": "1"}
            )
        try:
            yield
        finally:
            self._free.release()
