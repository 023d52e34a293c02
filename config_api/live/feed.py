"""Hands what happens on to everybody who watches, without waiting for any of them."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

import orjson

from config_api.errors import ApiError

MOST_WATCHERS = 64
"""So many watch at once; each holds a connection."""

# What waits for one that reads slowly; with more it has to come again.
MOST_WAITING = 2_000

# What is kept for those who come again.
MOST_KEPT = 2_000


class Event(NamedTuple):
    """Something that happened: its number in this process's life, what kind it is of, and the JSON that says it."""

    number: int
    kind: str
    data: bytes


class Watcher:
    """What waits for one client. Put into from any thread, taken from on the loop it was made on."""

    def __init__(self, run: str) -> None:
        self.run = run
        self.ended = asyncio.Event()
        """Set once there is nothing more for it: it was too slow, or the program ends."""
        self._waiting: deque[Event] = deque()
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()

    def put(self, event: Event) -> None:
        """Add what happened, or end it where too much waits already."""
        if len(self._waiting) >= MOST_WAITING:
            self.end()
        else:
            self._waiting.append(event)
            self._call(self._woken.set)

    def end(self) -> None:
        """Say that it has ended, whatever waits."""
        self._call(self.ended.set)

    async def take(self, patience_secs: float) -> list[Event]:
        """All that waits, once there is something; nothing when it took too long."""
        if not self._woken.is_set():
            try:
                async with asyncio.timeout(patience_secs):  # wait_for may lose a cancellation before Python 3.12
                    await self._woken.wait()
            except TimeoutError:
                return []
        self._woken.clear()
        return [self._waiting.popleft() for _ in range(len(self._waiting))]

    def _call(self, what: Callable[[], None]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(what)


class Feed:
    """Numbers what happens, keeps the last of it, and tells all watchers. May be used from any thread.

    Numbers begin anew with the process: so an id names its `run`, too.
    """

    def __init__(self) -> None:
        self.run = secrets.token_hex(4)
        self._number = 0
        self._kept: deque[Event] = deque(maxlen=MOST_KEPT)
        self._watchers: set[Watcher] = set()
        self.closed = False
        """Whether the program ends."""
        self._lock = threading.Lock()

    @property
    def watchers(self) -> int:
        """How many watch."""
        return len(self._watchers)

    def tell(self, kind: str, data: bytes) -> None:
        """Tell everybody; `data` is JSON in one line."""
        with self._lock:
            self._number += 1
            event = Event(self._number, kind, data)
            self._kept.append(event)
            for watcher in self._watchers:
                watcher.put(event)

    def watch(self, last_id: str | None = None) -> Watcher:
        """A watcher who has seen all up to an id, where that is known, or who begins now.

        The first event that it gets is a `hello`, which says whether anything was missed since.

        Raises:
            ApiError: 503, too many watch.
        """
        with self._lock:
            if len(self._watchers) >= MOST_WATCHERS:
                reason = f"{MOST_WATCHERS} clients watch already; try again later"
                raise ApiError(503, "too_many_streams", reason, headers={"Retry-After": "5"})
            watcher, seen = Watcher(self.run), self._seen(last_id)
            hello = {"missed": last_id is not None and seen is None}
            watcher.put(Event(self._number if seen is None else seen, "hello", orjson.dumps(hello)))
            for event in self._since(seen):
                watcher.put(event)
            self._watchers.add(watcher)
            if self.closed:
                watcher.end()
            return watcher

    def leave(self, watcher: Watcher) -> None:
        """A watcher has gone."""
        with self._lock:
            self._watchers.discard(watcher)

    def close(self) -> None:
        """End all watchers, and those that come yet."""
        with self._lock:
            self.closed = True
            for watcher in self._watchers:
                watcher.end()

    def _seen(self, last_id: str | None) -> int | None:
        """The number of an id after which nothing is gone; None where there is none."""
        run, _, number = (last_id or "").rpartition("-")
        if run != self.run or not number.isdecimal() or len(number) > 20:
            return None
        first = self._kept[0].number if self._kept else self._number + 1
        return int(number) if first - 1 <= int(number) <= self._number else None

    def _since(self, seen: int | None) -> Iterable[Event]:
        if seen is None:
            return ()
        return islice(self._kept, max(0, len(self._kept) - (self._number - seen)), None)
