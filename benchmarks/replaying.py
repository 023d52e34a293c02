"""One replay in a process of its own: `python -m benchmarks.replaying` prints what it took as a line of JSON."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import psutil

from dataflow.evaluation.results import ALL, BY_STRATEGY, collect_trades
from dataflow.recorded import recorded_files
from dataflow.replay.plan import Plan
from dataflow.replay.progress import Progress
from dataflow.replay.results import collect
from dataflow.replay.run import run_plan
from operators.evaluation.follower import Follower
from operators.evaluation.rules import Rules
from strategies.configuration import configuration_of

SAMPLE_EVERY_SECS = 0.02


@dataclass(frozen=True)
class Job:
    """What to replay, and how."""

    file: str
    processes: int = 1
    recovery: bool = False
    evaluate: bool = False


@dataclass
class Memory:
    """Resident memory while the flow ran: (bars analyzed, bytes), sample by sample."""

    samples: list[tuple[float, int]] = field(default_factory=list)

    @contextmanager
    def watching(self, progress: Progress, _total: int) -> Iterator[None]:
        """Take samples while entered."""
        process, ended = psutil.Process(), threading.Event()

        def watch() -> None:
            while not ended.wait(SAMPLE_EVERY_SECS):
                self.samples.append((progress.all_bars(), process.memory_info().rss))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.samples.append((progress.all_bars(), process.memory_info().rss))


@dataclass(frozen=True)
class Replayed:
    """What a replay took. `secs` and `cpu_secs` are of the run itself: no start of the interpreter, no imports."""

    bars: int
    signals: int
    secs: float
    cpu_secs: float
    memory: list[tuple[float, int]]


def run(job: Job) -> Replayed:
    """Replay in this process."""
    memory = Memory()
    with TemporaryDirectory(prefix="ta-bot-bench-") as folder:
        plan = Plan(
            tuple(recorded_files([job.file])),
            configuration_of(),
            Path(folder) / "replay",
            processes=job.processes,
            recovery=job.recovery,
            snapshot_secs=10.0,
            watch=partial(Follower, rules=Rules()) if job.evaluate else None,
        )
        cpu = _cpu_secs()
        outcome = run_plan(plan, _trades if job.evaluate else _signals, memory.watching)
        cpu = _cpu_secs() - cpu
    return Replayed(outcome.bars, outcome.summary or 0, outcome.secs, cpu, memory.samples)


def _signals(plan: Plan) -> int:
    return collect(plan, None, None).signals.total()


def _trades(plan: Plan) -> int:
    return sum(score.signals for _, score in collect_trades(plan, None, BY_STRATEGY).of(ALL))


def _cpu_secs() -> float:
    """CPU time of this process and of those it started that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(asdict(run(Job(**orjson.loads(sys.argv[1]))))))
