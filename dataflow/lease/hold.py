"""Signals that this instance has made, and is not to publish now: kept until they are known to be stored."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable
from threading import Lock
from typing import NamedTuple

from dataflow.lease import counts
from dataflow.nats.outgoing import Outgoing
from dataflow.nats.streams import StreamSettings

log = logging.getLogger(__name__)

HOLD_MS = 3_600_000
"""How far the active instance may be behind when it dies: what it has not stored by then is given up."""

KNOWN_MS = int(StreamSettings.duplicate_window_secs * 1000)
"""For so long NATS drops what it has stored already."""

MOST = 100_000
"""So many are held at most, some 1 KB each."""

Packed = list[tuple[int, tuple[str, str, bytes, str, int | None]]]
"""Messages as plain data, each with since when it is held."""


class Held(NamedTuple):
    """A message, and since when (wall clock) it is held."""

    since_ms: int
    message: Outgoing


class Hold:
    """Messages by id, oldest first; for threads."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._lock = Lock()
        self._said = False

    def __len__(self) -> int:
        return len(self._held)

    def put(self, messages: Iterable[Outgoing], now_ms: int) -> None:
        """Hold these too."""
        with self._lock:
            for message in messages:
                self._held.setdefault(message.message_id, Held(now_ms, message))
        self.give_up(now_ms)

    def give_up(self, now_ms: int) -> None:
        """Let go of what is held for too long, and of the oldest of too many."""
        with self._lock:
            too_many = len(self._held) - MOST
            for message_id, held in list(self._held.items()):
                if too_many <= 0 and now_ms - held.since_ms <= HOLD_MS:
                    break
                too_many -= 1
                del self._held[message_id]
                self._tell_dropped()
            counts.SIGNALS_HELD.set(len(self._held))

    def oldest(self, most: int, held_before_ms: int = sys.maxsize) -> list[Outgoing]:
        """Those that are held for longest, of those that were by then."""
        with self._lock:
            found = (held.message for held in self._held.values() if held.since_ms <= held_before_ms)
            return [message for message, _ in zip(found, range(most), strict=False)]

    def forget(self, messages: Iterable[Outgoing]) -> None:
        """These are stored."""
        with self._lock:
            for message in messages:
                self._held.pop(message.message_id, None)
            counts.SIGNALS_HELD.set(len(self._held))

    def pack(self) -> Packed:
        """All, as plain data; the traces that they belong to end with this process."""
        with self._lock:
            return [(held.since_ms, held.message[:5]) for held in self._held.values()]

    def unpack(self, packed: Packed, now_ms: int) -> None:
        """Hold what was packed, from now on; what NATS may have stored and forgotten again is given up."""
        with self._lock:
            for since_ms, fields in packed:
                if now_ms - since_ms > KNOWN_MS:
                    self._tell_dropped()
                    continue
                message = Outgoing(*fields)
                self._held.setdefault(message.message_id, Held(now_ms, message))
            counts.SIGNALS_HELD.set(len(self._held))

    def _tell_dropped(self) -> None:
        counts.DROPPED.inc()
        if not self._said:
            self._said = True
            log.warning("held signals that the active instance did not store in an hour, or too many, are given up")
