"""The folder that a replay can be resumed from."""

from __future__ import annotations

from typing import IO, Any

import orjson

from dataflow.recovery import check_snapshots, locked, read_manifest, start_snapshots
from dataflow.replay.plan import Plan
from dataflow.replay.sinks import report_file
from state.errors import StopProgram

MANIFEST = "replay.json"


def open_folder(plan: Plan) -> IO[str]:
    """Make `plan.folder` ready for a first run, or check that it is this very replay's; the lock on it is returned.

    Raises:
        StopProgram: another replay runs in it, it belongs to another replay, or it cannot be written.
    """
    try:
        lock = locked(plan.folder, "replay")
        _check_or_start(plan)
        for part in range(plan.processes):  # of an interrupted run
            report_file(plan, part).unlink(missing_ok=True)
    except OSError as error:
        raise StopProgram(f"{plan.folder}: cannot be used for recovery: {error.strerror or error}") from error
    return lock


def _check_or_start(plan: Plan) -> None:
    manifest = plan.folder / MANIFEST
    wanted = orjson.loads(orjson.dumps(_description(plan)))
    found = read_manifest(manifest)
    if found is None:
        start_snapshots(manifest, wanted)
        return
    differing = sorted(name for name in wanted if found.get(name) != wanted[name])
    if differing:
        raise StopProgram(
            f"{plan.folder}: belongs to another replay, with other {', '.join(differing)};"
            " use another folder, or remove this one to start anew"
        )
    check_snapshots(plan.folder)


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
        "changes": [repr(change) for change in plan.script.changes],
        "period": [plan.from_ms, plan.to_ms],
        "processes": plan.processes,
        "strict": plan.strict,
    }
