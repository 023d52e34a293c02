"""A replay from start to end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Generic, TypeVar

from dataflow.cluster import innermost, run_cluster
from dataflow.replay.plan import Plan
from dataflow.replay.process import ReplayJob, run_flow
from dataflow.replay.progress import Progress, shared_slots
from dataflow.replay.recovery import open_folder
from dataflow.replay.results import Summary, collect
from dataflow.stopping import Stop
from state.errors import StopProgram

Watching = Callable[[Progress, int], AbstractContextManager[object]]
"""Shows the progress, of so many bytes, while it is entered."""


S = TypeVar("S")


@dataclass(frozen=True)
class Outcome(Generic[S]):
    """What a replay did. `summary` is of all its runs, None when it was interrupted; the rest is of this run."""

    summary: S | None
    bars: int
    secs: float
    by_signal: int | None = None

    @property
    def bars_per_sec(self) -> float:
        """Bars analyzed per second."""
        return self.bars / self.secs if self.secs else 0.0


def replay(
    plan: Plan,
    out: Path | IO[bytes] | None = None,
    alerts_out: Path | IO[bytes] | None = None,
    watching: Watching = lambda _progress, _total: nullcontext(),
) -> Outcome[Summary]:
    """Run `plan`; write its signals, in the order of time, to `out`, and its alerts to `alerts_out` (else to `out`).

    With recovery, a run goes on where the last one was stopped or killed.

    Raises:
        StopProgram: input or output turned out unusable, or with `strict` a row did.
    """
    return run_plan(plan, lambda ended: collect(ended, out, alerts_out), watching)


def run_plan(plan: Plan, collecting: Callable[[Plan], S], watching: Watching) -> Outcome[S]:
    """Run `plan`, and sum up what it left in its folder; see `replay`.

    Raises:
        StopProgram: input or output turned out unusable, or with `strict` a row did.
    """
    with ExitStack() as resources:
        if plan.recovery:
            resources.enter_context(open_folder(plan))
        else:
            plan = replace(plan, folder=Path(resources.enter_context(TemporaryDirectory(prefix="ta-bot-"))))
        stop = Stop()
        progress = Progress(shared_slots(plan.processes))
        started = time.perf_counter()
        with stop.on_signals():
            with watching(progress, _bytes_to_read(plan)):
                _run(plan, stop, progress)
            # From here on a signal changes nothing: what is being written is complete in a moment.
            interrupted_by = stop.by_signal
            summary = None if interrupted_by else collecting(plan)
        return Outcome(summary, int(progress.all_bars()), time.perf_counter() - started, interrupted_by)


def _run(plan: Plan, stop: Stop, progress: Progress) -> None:
    if plan.processes > 1:
        run_cluster(ReplayJob(plan, progress.slots), plan.processes, plan.folder, stop)
    else:
        try:
            run_flow(plan, stop, progress)
        except BaseException as error:  # Bytewax's panics too
            raise StopProgram(stop.failure or f"the flow failed: {innermost(error)}") from error
    if stop.failure:
        raise StopProgram(stop.failure)


def _bytes_to_read(plan: Plan) -> int:
    """How many bytes all processes together pass through: all read the files whose rows tell the symbol."""
    shared = sum(file.size_bytes for file in plan.files if file.layout.symbol is None)
    return shared * plan.processes + sum(file.size_bytes for file in plan.files if file.layout.symbol is not None)
