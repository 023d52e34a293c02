"""One process of a replay."""

from __future__ import annotations

from collections.abc import MutableSequence
from dataclasses import dataclass
from typing import Any

from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import Sink

from dataflow.flow import build_flow
from dataflow.replay.history import RecordedHistory
from dataflow.replay.key_logic import Analysis, KeyedBar, KeyLogic
from dataflow.replay.plan import END_OF_TIME_MS, Plan
from dataflow.replay.progress import Progress
from dataflow.replay.sinks import ReportFiles, SignalFiles
from dataflow.replay.source import RecordedSource
from dataflow.replay.watched import RecordFiles, WatchedLogic
from dataflow.running import run_here
from dataflow.stopping import Stop
from operators.rows import BadInput, Chunk, parse_chunk
from state.snapshot import Snapshot


def replay_flow(plan: Plan, process: int, stop: Stop, progress: Progress) -> Dataflow:
    """The flow from recorded files to files of signals and counts, as it is in one of the processes."""
    analysis = Analysis(
        configuration=plan.configuration,
        history=RecordedHistory(plan.files),
        live_from_ms=plan.from_ms,
        on_bars=progress.bars_analyzed,
        script=plan.script,
    )

    def logic(resume_state: Snapshot | None) -> StatefulBatchLogic[Any, Any, Any]:
        key_logic = KeyLogic(analysis, resume_state)
        return WatchedLogic(key_logic, plan.watch) if plan.watch else key_logic

    source, signals = RecordedSource(plan, process, stop, progress), SignalFiles(plan, process, stop)
    report: Sink[Any] = RecordFiles(plan, process, stop) if plan.watch else ReportFiles(plan, process, stop)
    if plan.to_ms == END_OF_TIME_MS:
        return build_flow(source, parse_chunk, logic, signals, report)

    def parse_until(chunk: Chunk) -> list[KeyedBar | BadInput]:
        return [item for item in parse_chunk(chunk) if isinstance(item, BadInput) or item[1].open_time_ms < plan.to_ms]

    return build_flow(source, parse_until, logic, signals, report)


def run_flow(plan: Plan, stop: Stop, progress: Progress, addresses: list[str] | None = None, index: int = 0) -> None:
    """Run the flow in this process, alone or as one of a cluster, until the files end or `stop` asks for it."""
    flow = replay_flow(plan, index, stop, progress)
    run_here(flow, plan.snapshots if plan.recovery else None, plan.snapshot_secs, addresses, index)


@dataclass(frozen=True)
class ReplayJob:
    """The replay, as each process of a cluster runs it; `slots` are for `Progress`."""

    plan: Plan
    slots: MutableSequence[float]

    def __call__(self, stop: Stop, addresses: list[str], index: int) -> None:
        """Run one of the processes."""
        run_flow(self.plan, stop, Progress(self.slots, index), addresses, index)
