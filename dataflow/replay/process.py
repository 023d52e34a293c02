"""One process of a replay."""

from __future__ import annotations

import fcntl
import gc
import os
import sys
import threading
import time
from collections.abc import MutableSequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from bytewax._bytewax import cli_main, cluster_main
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig

from dataflow.analysis import Analysis
from dataflow.flow import KeyedBar, build_flow
from dataflow.replay.history import RecordedHistory
from dataflow.replay.plan import END_OF_TIME_MS, Plan
from dataflow.replay.progress import Progress
from dataflow.replay.sinks import ReportFiles, SignalFiles
from dataflow.replay.source import RecordedSource
from dataflow.stopping import Stop
from operators.rows import BadInput, Chunk, parse_chunk

LISTENERS_SECS = 10.0
TCP_LISTEN = "0A"  # the state's code in /proc/net/tcp


def replay_flow(plan: Plan, process: int, stop: Stop, progress: Progress) -> Dataflow:
    """The flow from recorded files to files of signals and counts, as it is in one of the processes."""
    analysis = Analysis(
        configuration=plan.configuration,
        history=RecordedHistory(plan.files),
        live_from_ms=plan.from_ms,
        on_bars=progress.bars_analyzed,
    )
    source = RecordedSource(plan, process, stop, progress)
    signals, report = SignalFiles(plan, process, stop), ReportFiles(plan, process, stop)
    if plan.to_ms == END_OF_TIME_MS:
        return build_flow(source, parse_chunk, analysis, signals, report)

    def parse_until(chunk: Chunk) -> list[KeyedBar | BadInput]:
        return [item for item in parse_chunk(chunk) if isinstance(item, BadInput) or item[1].open_time_ms < plan.to_ms]

    return build_flow(source, parse_until, analysis, signals, report)


def run_flow(plan: Plan, stop: Stop, progress: Progress, addresses: list[str] | None = None, index: int = 0) -> None:
    """Run the flow in this process, alone or as one of a cluster, until the files end or `stop` asks for it."""
    flow = replay_flow(plan, index, stop, progress)
    # Keys are many small objects that live for ever and make no cycles: looking for garbage among them more often
    # takes a fifth of the time.
    gc.set_threshold(50_000, 20, 100)
    recovery = RecoveryConfig(str(plan.snapshots)) if plan.recovery else None
    epoch = timedelta(seconds=plan.snapshot_secs)
    if addresses is None:
        cli_main(flow, epoch_interval=epoch, recovery_config=recovery)
    else:
        cluster_main(flow, addresses, index, epoch_interval=epoch, recovery_config=recovery)


@dataclass(frozen=True)
class Member:
    """What one process of a cluster is given: its place, and its ties to the process that started it."""

    index: int
    addresses: list[str]
    slots: MutableSequence[float]
    parent: Connection
    """Closed when the parent is gone."""
    failures: Connection
    """Takes the reason when this process cannot go on."""


def run_member(plan: Plan, member: Member) -> None:
    """Run one process of a cluster: the target of a spawned process."""
    _die_with(member.parent)
    lock = (plan.folder / f"process-{member.index}.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)  # held by a predecessor until it is really gone
    stop = Stop(on_failure=member.failures.send)
    try:
        with stop.on_signals():
            _await_listeners(member.addresses[: member.index])
            run_flow(plan, stop, Progress(member.slots, member.index), member.addresses, member.index)
    except Exception as error:  # noqa: BLE001  # the parent tells the user
        if stop.failure is None:
            member.failures.send(f"process {member.index} failed: {innermost(error)}")
        sys.exit(1)
    except BaseException:  # noqa: BLE001  # Bytewax panics when another process is gone, which the parent sees too
        sys.exit(1)


def _await_listeners(addresses: list[str]) -> None:
    """Wait until those whom this process will connect to listen: Bytewax writes a line for every refused attempt."""
    table = Path("/proc/net/tcp")
    ports = {int(address.rpartition(":")[2]) for address in addresses}
    deadline = time.monotonic() + LISTENERS_SECS
    while table.exists() and time.monotonic() < deadline:
        sockets = [line.split() for line in table.read_text().splitlines()[1:]]
        if ports <= {int(columns[1].rpartition(":")[2], 16) for columns in sockets if columns[3] == TCP_LISTEN}:
            return
        time.sleep(0.02)


def innermost(error: BaseException) -> str:
    """What went wrong at the bottom of a chain of errors, in one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(f"{type(error).__name__}: {error}".split())


def _die_with(parent: Connection) -> None:
    """End this process at once when its parent is gone: nobody would collect its results."""

    def watch() -> None:
        try:
            parent.recv_bytes()
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
