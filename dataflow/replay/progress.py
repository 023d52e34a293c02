"""How far a replay has come, counted in memory that its processes share."""

from __future__ import annotations

from collections.abc import MutableSequence

from dataflow.cluster import CONTEXT

SLOTS_PER_PROCESS = 2


class Progress:
    """One process's view on the counts: bytes read and bars analyzed, side by side for each process."""

    def __init__(self, slots: MutableSequence[float], process: int = 0) -> None:
        self.slots = slots
        self._bytes = process * SLOTS_PER_PROCESS
        self._bars = self._bytes + 1

    def bytes_read(self, count: int) -> None:
        """This process has read the first `count` bytes of all files."""
        self.slots[self._bytes] = count

    def bars_analyzed(self, count: int) -> None:
        """This process has analyzed `count` more bars."""
        self.slots[self._bars] += count

    def all_bytes(self) -> float:
        """Bytes read by all processes together."""
        return sum(self.slots[0::SLOTS_PER_PROCESS])

    def all_bars(self) -> float:
        """Bars analyzed by all processes together, in this run."""
        return sum(self.slots[1::SLOTS_PER_PROCESS])


def shared_slots(processes: int) -> MutableSequence[float]:
    """Memory for `Progress` that spawned processes share."""
    slots: MutableSequence[float] = CONTEXT.Array("d", processes * SLOTS_PER_PROCESS, lock=False)
    return slots
