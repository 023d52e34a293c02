"""Folders that a flow can be resumed from."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import IO, Any, NamedTuple

import orjson
from bytewax.recovery import init_db_dir

from state.errors import StopProgram

log = logging.getLogger(__name__)

# Whoever may write snapshots, which are pickles, may have whoever reads them run anything.
OURS_ONLY = 0o700

# Fixed for ever once a folder is made, so with room for more processes than one machine has cores.
SNAPSHOT_PARTITIONS = 8


def snapshots_in(folder: Path) -> Path:
    """Where Bytewax keeps its snapshots."""
    return folder / "snapshots"


def locked(folder: Path, name: str) -> IO[str]:
    """Make `folder` if need be, for this user alone, and hold the lock called `name` in it, such as `replay`.

    Raises:
        StopProgram: it is held by somebody else, or the folder is another user's, or holds something else.
        OSError: the folder cannot be used.
    """
    folder.mkdir(OURS_ONLY, parents=True, exist_ok=True)
    _check_writers(folder)
    path = folder / f"{name}.lock"
    if not path.exists():  # it marks a folder as ours, and without it we touch nothing
        stranger = min((path.name for path in folder.iterdir()), default=None)
        if stranger is not None:
            raise StopProgram(f"{folder}: not a recovery folder of {name}, and not empty: it holds {stranger}")
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StopProgram(f"{folder}: another {name} is running in this recovery folder") from error
    return lock


def _check_writers(folder: Path) -> None:
    """Take only what this user, root, or somebody of this user's groups has made.

    Volumes of containers belong to root, and are shared with a group by being writable for it; what a container with
    another user number left there is of that group.
    """
    ours, groups = {0, os.geteuid()}, {os.getegid(), *os.getgroups()}
    snapshots = snapshots_in(folder)
    for path in (folder, snapshots, *snapshots.glob("part-*.sqlite3")):
        if not path.exists():
            continue
        status = path.stat()
        if status.st_uid not in ours and status.st_gid not in groups:
            raise StopProgram(
                f"{path}: belongs to user {status.st_uid}, whose snapshots this one must not read:"
                " use another folder, or make it this user's"
            )
        if status.st_mode & stat.S_IWOTH and not status.st_mode & stat.S_ISVTX:
            log.warning("%s: every user may write here, and so have this program run anything: chmod o-w it", path)


def read_manifest(path: Path) -> dict[str, Any] | None:
    """What a folder says of itself, None when it says nothing yet.

    Raises:
        StopProgram: it is damaged.
    """
    if not path.exists():
        return None
    try:
        found = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise StopProgram(f"{path}: is damaged; remove {path.parent} to start anew")
    return found


def start_snapshots(manifest: Path, description: dict[str, Any]) -> None:
    """Make a folder ready for a first run; its manifest comes last, so that it is complete once there is one."""
    folder = snapshots_in(manifest.parent)
    folder.mkdir(OURS_ONLY, exist_ok=True)
    for left_over in folder.glob("part-*.sqlite3*"):  # from a start that was killed before it had a manifest
        left_over.unlink()
    init_db_dir(folder, SNAPSHOT_PARTITIONS)
    unfinished = manifest.with_suffix(".new")
    unfinished.write_bytes(orjson.dumps(description, option=orjson.OPT_INDENT_2))
    unfinished.replace(manifest)


class Content(NamedTuple):
    """What a folder's snapshots hold: of how many keys, and when the last one was written, '' for never (UTC)."""

    keys: int
    written: str


def content_of(folder: Path) -> Content:
    """What undamaged snapshots hold; whoever writes them may go on meanwhile."""
    from dataflow.flow import ANALYZE_STEP, FLOW_ID  # who only starts a cluster's processes need not wait for the flow

    step_id, parts = f"{FLOW_ID}.{ANALYZE_STEP}", range(SNAPSHOT_PARTITIONS)
    found = [_content_of(snapshots_in(folder) / f"part-{part}.sqlite3", step_id) for part in parts]
    return Content(sum(one.keys for one in found), max(one.written for one in found))


def _content_of(path: Path, step_id: str) -> Content:
    keys = (
        "SELECT count(*) FROM (SELECT ser_change, max(snap_epoch) FROM snaps WHERE step_id = ? GROUP BY state_key)"
        " WHERE ser_change IS NOT NULL"
    )
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as database:
        ((count,),) = database.execute(keys, (step_id,))
        ((written,),) = database.execute("SELECT max(created_at) FROM snaps")
    return Content(count, written or "")


def check_snapshots(folder: Path) -> None:
    """Find damage before Bytewax does: it would panic.

    Raises:
        StopProgram: there is some.
    """
    for part in range(SNAPSHOT_PARTITIONS):
        path = snapshots_in(folder) / f"part-{part}.sqlite3"
        try:
            with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as database:
                ((verdict,),) = database.execute("PRAGMA quick_check(1)")
                # Pickles end with a full stop.
                query = "SELECT count(*) FROM snaps WHERE ser_change IS NOT NULL AND substr(ser_change, -1) <> x'2e'"
                ((cut,),) = database.execute(query)
        except (sqlite3.Error, ValueError) as error:
            verdict, cut = str(error), 0
        if verdict != "ok" or cut:
            why = f"{cut} snapshots are cut" if cut else verdict
            raise StopProgram(f"{folder}: {path.name} is damaged ({why}); remove the folder to start anew")
