"""What the I/O thread has read and the flow has not yet taken."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from operators.live import RawMessage


class Origin(NamedTuple):
    """A stream, told from a later one of the same name by when it was created."""

    stream: str
    created: str


Arrived = tuple[Origin, RawMessage]


class Room(NamedTuple):
    """How much fits in."""

    messages: int
    size_bytes: int


class Buffer:
    """A bounded queue between two threads: one puts (and never more than it saw room for), one takes."""

    def __init__(self, limit: Room, on_room: Callable[[], None]) -> None:
        self.limit = limit
        self.on_room = on_room
        """Told when something was taken from a buffer that had been full for somebody."""
        self._arrived: deque[Arrived] = deque()
        self._size_bytes = 0
        self._wanting = False
        self._lock = threading.Lock()

    @property
    def is_empty(self) -> bool:
        """Whether all that was put has been taken."""
        return not self._arrived

    def room(self, wanted: Room) -> Room:
        """What fits in now; when that is less than `wanted`, `on_room` tells when to ask again."""
        with self._lock:
            room = Room(self.limit.messages - len(self._arrived), self.limit.size_bytes - self._size_bytes)
            self._wanting = room.messages < wanted.messages or room.size_bytes < wanted.size_bytes
            return room

    def put(self, arrived: Arrived) -> None:
        """Add a message."""
        with self._lock:
            self._arrived.append(arrived)
            self._size_bytes += len(arrived[1].payload)

    def take(self, most: int) -> list[Arrived]:
        """The oldest messages."""
        if not self._arrived:  # asked a thousand times a second, mostly for nothing
            return []
        with self._lock:
            taken = [self._arrived.popleft() for _ in range(min(most, len(self._arrived)))]
            self._size_bytes -= sum(len(message.payload) for _, message in taken)
            told, self._wanting = self._wanting, False
        if told:
            self.on_room()
        return taken
