"""What `ta-bot replay` and `ta-bot demo` do once they know what to replay."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from rich.console import Console

from dataflow.commands.options import console_beside
from dataflow.live.line_file import STDOUT
from dataflow.logs import tell_end
from dataflow.replay.plan import Plan
from dataflow.replay.progress import Progress
from dataflow.replay.run import Outcome
from dataflow.replay.run import replay as run_replay
from dataflow.tables import progress_bar, replay_tables


def replay_and_tell(plan: Plan, out: Path | None, alerts_out: Path | None) -> None:
    """Replay with a bar on a terminal, write signals and alerts where they are wanted, and show what was done."""
    console = console_beside(out, alerts_out)
    outcome = run_replay(plan, _target(out), _target(alerts_out), _progress_bar)
    _tell(console, plan, outcome)


def _progress_bar(progress: Progress, total_bytes: int) -> AbstractContextManager[None]:
    return progress_bar(Console(stderr=True), progress, total_bytes)


def _target(path: Path | None) -> Path | IO[bytes] | None:
    return sys.stdout.buffer if path == STDOUT else path


def _tell(console: Console, plan: Plan, outcome: Outcome) -> None:
    if outcome.summary is None:
        rest = f"; the same command goes on from there, with --recovery {plan.folder}" if plan.recovery else ""
        tell_end(f"interrupted after {outcome.bars:,} bars, nothing written{rest}")
        sys.exit(128 + (outcome.by_signal or 0))
    for table in replay_tables(outcome, outcome.summary):
        console.print(table)
