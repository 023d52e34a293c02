"""(e): the whole replay through Bytewax with all strategies, each run in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

import orjson

from benchmarks.clock import Sample
from benchmarks.data import ROOT
from benchmarks.replaying import Job, Replayed


@dataclass(frozen=True)
class FlowRun:
    """A replay that was measured: by itself, and with the start of its process and all imports."""

    alone: Sample
    with_start: Sample
    signals: int
    memory: list[tuple[float, int]]


def replayed(job: Job) -> FlowRun:
    """Run `job` in a fresh process."""
    started, before = time.perf_counter(), os.times()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.replaying", orjson.dumps(asdict(job)).decode()],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        check=True,
    )
    wall, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    found = Replayed(**orjson.loads(done.stdout))
    return FlowRun(
        alone=Sample(found.bars, found.cpu_secs, found.secs),
        with_start=Sample(found.bars, cpu, wall),
        signals=found.signals,
        memory=found.memory,
    )


def memory_at(run: FlowRun, share: float) -> int:
    """Resident bytes when this share of the bars had been analyzed; at the end, the most from there on."""
    samples = [rss for bars, rss in run.memory if bars >= share * run.alone.bars]
    return max(samples) if share == 1.0 else samples[0]
