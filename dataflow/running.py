"""Running a built flow in this process."""

from __future__ import annotations

import gc
from datetime import timedelta
from pathlib import Path

from bytewax._bytewax import cli_main, cluster_main
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig


def look_for_garbage_rarely() -> None:
    """Spare a fifth of the time: keys are many small objects that live for ever and make no cycles."""
    gc.set_threshold(50_000, 20, 100)


def run_here(
    flow: Dataflow, snapshots: Path | None, snapshot_secs: float, addresses: list[str] | None, index: int
) -> None:
    """Run `flow`, alone or as process `index` of those at `addresses`, until its sources end."""
    look_for_garbage_rarely()
    recovery = RecoveryConfig(str(snapshots)) if snapshots else None
    epoch = timedelta(seconds=snapshot_secs)
    if addresses is None:
        cli_main(flow, epoch_interval=epoch, recovery_config=recovery)
    else:
        cluster_main(flow, addresses, index, epoch_interval=epoch, recovery_config=recovery)
