"""The recovery folder of a live run, alone or as a process of a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from dataflow.recovery import (
    SNAPSHOT_PARTITIONS,
    check_snapshots,
    content_of,
    locked,
    read_manifest,
    snapshots_in,
    start_snapshots,
)
from state.errors import StopProgram

MANIFEST = "run.json"

KEEPER = 0
"""The process of a cluster that keeps the snapshots of all.

Bytewax takes snapshots from whoever has them, and gives each key's to the process that has the key. Were they spread
over the processes, the cluster could not go on without one that a smaller cluster lacks; had each process partitions of
its own, it would go on from old ones after a change of places. So one has them all, and the others come and go.
"""


def open_folder(folder: Path) -> IO[str]:
    """Make the recovery folder ready for a first run, or check what is there; the lock on it is returned.

    Raises:
        StopProgram: it is in use, damaged, something else's, or cannot be written.
    """
    try:
        lock = locked(folder, "run")
        if read_manifest(folder / MANIFEST) is None:
            start_snapshots(folder / MANIFEST, {"flow": "live"})
        else:
            check_snapshots(folder)
    except OSError as error:
        raise _unusable(folder, error) from error
    return lock


def init_folder(folder: Path, index: int) -> None:
    """Have the folder of process `index` ready, as often as wanted: what is there is checked and kept.

    Raises:
        StopProgram: as `open_folder`; or another process than the first has snapshots.
    """
    if index == KEEPER:
        open_folder(folder).close()
        return
    try:
        snapshots = snapshots_in(folder)
        if any(snapshots.glob("part-*")):
            raise StopProgram(
                f"{folder}: holds snapshots, which process {index} would mix with those of process {KEEPER};"
                " remove the folder if they are of no more use"
            )
        snapshots.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, error) from error


def line_about(folder: Path) -> str:
    """What is in a recovery folder, which may be in use.

    Raises:
        StopProgram: it is damaged, or none.
    """
    try:
        if read_manifest(folder / MANIFEST) is None:
            raise StopProgram(f"{folder}: no recovery folder of run: it has no {MANIFEST}")
        check_snapshots(folder)
        content = content_of(folder)
    except OSError as error:
        raise _unusable(folder, error) from error
    written = f", written last at {content.written} UTC" if content.written else ""
    return f"{folder}: {SNAPSHOT_PARTITIONS} partitions, undamaged, with the state of {content.keys} keys{written}"


def _unusable(folder: Path, error: OSError) -> StopProgram:
    return StopProgram(f"{folder}: cannot be used for recovery: {error.strerror or error}")
