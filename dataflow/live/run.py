"""A live run from start to end."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass

from dataflow.cluster import innermost, run_cluster
from dataflow.live.folder import open_folder
from dataflow.live.settings import Settings
from dataflow.recovery import snapshots_in
from dataflow.running import run_here
from dataflow.stopping import Stop
from state.errors import StopProgram
from strategies.resolution import Pinned

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveJob:
    """The live flow, as each of its processes runs it."""

    settings: Settings
    pinned: Pinned

    def __call__(self, stop: Stop, addresses: list[str] | None = None, index: int = 0) -> None:
        """Run one process, until `stop` asks for its end.

        Raises:
            StopProgram: it cannot go on.
        """
        from dataflow.live.process import live_flow  # who only starts a cluster's processes need not wait for it

        settings = self.settings
        snapshots = snapshots_in(settings.recovery_dir) if settings.recovery_dir else None
        with live_flow(settings, self.pinned, stop, index) as flow:
            try:
                run_here(flow, snapshots, settings.snapshot_seconds, addresses, index)
            except BaseException as error:  # Bytewax's panics too
                raise StopProgram(stop.failure or f"the flow failed: {innermost(error)}") from error


def run_live(job: LiveJob, processes: int, stop: Stop) -> None:
    """Run live in one process or in several, until SIGTERM or SIGINT.

    With recovery, a run goes on where the last one was stopped or killed.

    Raises:
        StopProgram: something is not usable, or a process could not go on.
    """
    folder = job.settings.recovery_dir
    if job.settings.lease is not None and processes > 1:
        raise StopProgram(f"lease {job.settings.lease}: an instance is one process, not {processes}")
    with ExitStack() as resources:
        if folder is None:
            log.warning("no recovery folder: after a restart, all that the kline streams still hold is read again")
        else:
            resources.enter_context(open_folder(folder))
        with stop.on_signals():
            if processes == 1:
                job(stop)
            else:
                run_cluster(job, processes, folder, stop)
    if stop.failure:
        raise StopProgram(stop.failure)
