"""The folder that a replay can be resumed from."""

from __future__ import annotations

import fcntl
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import IO, Any

import orjson
from bytewax.recovery import init_db_dir

from dataflow.replay.plan import Plan
from dataflow.replay.sinks import report_file
from state.errors import StopProgram

# Fixed for ever once a folder is made, so with room for more processes than one machine has cores.
SNAPSHOT_PARTITIONS = 8

MANIFEST = "replay.json"
LOCK = "replay.lock"


def open_folder(plan: Plan) -> IO[str]:
    """Make `plan.folder` ready for a first run, or check that it is this very replay's; the lock on it is returned.

    Raises:
        StopProgram: another replay runs in it, it belongs to another replay, or it cannot be written.
    """
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        _check_ours(plan.folder)
        lock = (plan.folder / LOCK).open("w")
        _lock(lock, plan.folder)
        _check_or_start(plan)
        for part in range(plan.processes):  # of an interrupted run
            report_file(plan, part).unlink(missing_ok=True)
    except OSError as error:
        raise StopProgram(f"{plan.folder}: cannot be used for recovery: {error.strerror or error}") from error
    return lock


def _check_ours(folder: Path) -> None:
    """The lock marks a folder as ours, and without it we touch nothing."""
    if not (folder / LOCK).exists():
        stranger = min((path.name for path in folder.iterdir()), default=None)
        if stranger is not None:
            raise StopProgram(f"{folder}: not a recovery folder, and not empty: it holds {stranger}")


def _lock(lock: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StopProgram(f"{folder}: another replay is running in this recovery folder") from error


def _check_or_start(plan: Plan) -> None:
    manifest = plan.folder / MANIFEST
    wanted = orjson.loads(orjson.dumps(_description(plan)))
    if not manifest.exists():
        _start(plan, manifest, wanted)
        return
    try:
        found = orjson.loads(manifest.read_bytes())
        differing = sorted(name for name in wanted if found.get(name) != wanted[name])
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise StopProgram(f"{manifest}: is damaged; remove {plan.folder} to start anew") from error
    if differing:
        raise StopProgram(
            f"{plan.folder}: belongs to another replay, with other {', '.join(differing)};"
            " use another folder, or remove this one to start anew"
        )
    _check_snapshots(plan)


def _check_snapshots(plan: Plan) -> None:
    """Find damage before Bytewax does: it would panic."""
    for part in range(SNAPSHOT_PARTITIONS):
        path = plan.snapshots / f"part-{part}.sqlite3"
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
            raise StopProgram(f"{plan.folder}: {path.name} is damaged ({why}); remove the folder to start anew")


def _start(plan: Plan, manifest: Path, description: dict[str, Any]) -> None:
    plan.snapshots.mkdir(exist_ok=True)
    for left_over in plan.snapshots.glob("part-*.sqlite3*"):  # from a start that was killed before it had a manifest
        left_over.unlink()
    init_db_dir(plan.snapshots, SNAPSHOT_PARTITIONS)
    unfinished = manifest.with_suffix(".new")
    unfinished.write_bytes(orjson.dumps(description, option=orjson.OPT_INDENT_2))
    unfinished.replace(manifest)


def _description(plan: Plan) -> dict[str, Any]:
    """What must be the same when a replay goes on."""
    return {
        "files": [
            [
                str(file.path.resolve()),
                file.entry,
                file.path.stat().st_size,
                file.path.stat().st_mtime_ns,
                repr(file.layout),
            ]
            for file in plan.files
        ],
        "settings": plan.configuration.model_dump(mode="json"),
        "period": [plan.from_ms, plan.to_ms],
        "processes": plan.processes,
        "strict": plan.strict,
    }
