"""What a replay does: everything its processes need to know, fixed before they start."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from dataflow.recorded import RecordedFile
from dataflow.recovery import snapshots_in
from operators.script import Script
from operators.watching import MakeWatcher
from strategies.configuration import Configuration

END_OF_TIME_MS = sys.maxsize
NO_SCRIPT = Script()


@dataclass(frozen=True)
class Plan:
    """A replay of `files`, spread over `processes`, with its working files in `folder`.

    The configuration changes as `script` says. Bars that open before `from_ms` only warm up; those that open at or
    after `to_ms` are left out. With `watch`, each key has a watcher, which sees what the bars give and records what it
    makes of that; a watched replay takes no snapshots.
    """

    files: tuple[RecordedFile, ...]
    configuration: Configuration
    folder: Path
    processes: int = 1
    recovery: bool = False
    snapshot_secs: float = 10.0
    from_ms: int = 0
    to_ms: int = END_OF_TIME_MS
    strict: bool = False
    script: Script = NO_SCRIPT
    watch: MakeWatcher | None = None

    @property
    def snapshots(self) -> Path:
        """Where Bytewax keeps its snapshots."""
        return snapshots_in(self.folder)
