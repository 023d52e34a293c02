"""How old the snapshots in a recovery folder are, by what is on the disk."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from time import time
from typing import NamedTuple

from dataflow.finding import Finding, Part
from dataflow.live import counts
from dataflow.recovery import SNAPSHOT_PARTITIONS, snapshots_in
from state.errors import RetryLater
from state.watch import Watch

# A snapshot takes so many times as long as it should before that is told as trouble, and at least so many seconds.
LATE_TIMES, LATE_SECS = 6, 60.0


class OnDisk(NamedTuple):
    """When all partitions of a snapshot had been written, in seconds since the Unix epoch, and how large they are."""

    written_secs: float
    size_bytes: int


class RecoveryAge:
    """Looks at when the partitions were last written to.

    The flow writes to each of them at the end of every epoch, whether or not a bar arrived, so the one that was not
    written to for longest says how old the snapshot is that a restart would go on from.
    """

    def __init__(self, folder: Path, snapshot_secs: float, clock_secs: Callable[[], float] = time) -> None:
        self.folder = snapshots_in(folder)
        self.late_secs = max(LATE_SECS, LATE_TIMES * snapshot_secs)
        self._clock_secs = clock_secs
        self._found: OnDisk | None = None

    def look(self) -> None:
        """See what is on the disk, which may take long where that is far away.

        Raises:
            RetryLater: it cannot be read.
        """
        try:
            self._found = on_disk(self.folder)
        except OSError as error:
            raise RetryLater(f"{self.folder}: cannot be read: {error.strerror or error}") from error

    @property
    def age_secs(self) -> float:
        """How long ago the last snapshot was written; NaN before that is known."""
        return math.nan if self._found is None else max(0.0, self._clock_secs() - self._found.written_secs)

    @property
    def size_bytes(self) -> float:
        """How large the snapshots are on the disk, all together; NaN before that is known."""
        return math.nan if self._found is None else float(self._found.size_bytes)

    @property
    def trouble(self) -> str | None:
        """What is wrong with them."""
        if self.age_secs > self.late_secs:
            return f"no snapshot has been written for {self.age_secs:.0f} s"
        return None


def on_disk(folder: Path) -> OnDisk:
    """The partitions in a folder of snapshots.

    Raises:
        OSError: they cannot be read.
    """
    sizes_bytes, written_secs = 0, math.inf
    for part in range(SNAPSHOT_PARTITIONS):
        path = folder / f"part-{part}.sqlite3"
        log_file = path.with_name(f"{path.name}-wal")  # what is written goes there first
        found = [path.stat(), *([log_file.stat()] if log_file.exists() else [])]
        sizes_bytes += sum(each.st_size for each in found)
        written_secs = min(written_secs, max(each.st_mtime for each in found))
    return OnDisk(written_secs, sizes_bytes)


def keeps_snapshots(folder: Path) -> bool:
    """Whether snapshots are in this folder: of a cluster, one process may keep those of all."""
    return any(snapshots_in(folder).glob("part-*.sqlite3"))


def recovery_part(folder: Path, snapshot_secs: float) -> Part:
    """The snapshots that a restart would go on from; without a new one, it would go further back."""
    age = RecoveryAge(folder, snapshot_secs)
    watch = Watch("recovery", age.look)
    counts.RECOVERY_AGE.set_function(lambda: age.age_secs)
    counts.SNAPSHOT_BYTES.set_function(lambda: age.size_bytes)

    def probe() -> Finding:
        known = not math.isnan(age.age_secs)
        details = {"age_secs": age.age_secs if known else None, "size_bytes": age.size_bytes if known else None}
        return Finding(watch.trouble or age.trouble, details=details)

    return Part(probe, watch)
