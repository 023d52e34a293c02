"""All measurements, contender after contender, round after round, so that a busy moment hits none alone."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.clock import Sample, measured
from benchmarks.contender import Contender
from benchmarks.data import BURST, YEAR, bars_of_burst, bars_of_year, write_by_time, write_one_symbol
from benchmarks.flow import FlowRun, replayed
from benchmarks.nautilus import nautilus
from benchmarks.ours import analyzer_step, indicator_step, keys_in_turn
from benchmarks.replaying import Job
from benchmarks.stock import stock_talipp
from benchmarks.ta_lib import ta_lib
from benchmarks.wanted import Wish


@dataclass(frozen=True)
class Extent:
    """How much is measured."""

    year_rounds: int = 5
    burst_rounds: int = 3
    ta_lib_bars: int = 3000
    bars_by_time: int = 300
    """Of each of the 512 keys, where they come in the order of time."""


QUICK = Extent(year_rounds=2, burst_rounds=1, ta_lib_bars=1000, bars_by_time=150)

# Replays by what tells them apart, in the order of running.
YEAR_RUN, ONE_KEY, BURST_RUN, TWO_PROCESSES, BY_TIME, BY_TIME_RECOVERY = (
    "year",
    "one key",
    "burst",
    "burst, two processes",
    "burst by time",
    "burst by time, recovery",
)


@dataclass
class Measured:
    """What was measured, one entry per round."""

    contenders: Sequence[Contender]
    steps: dict[str, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    """By the contender's id."""
    flows: dict[str, list[FlowRun]] = field(default_factory=lambda: defaultdict(list))
    in_turn: list[Sample] = field(default_factory=list)
    snapshot_bytes: list[int] = field(default_factory=list)

    def alone(self, flow: str) -> list[Sample]:
        """What a replay's runs took, without the start of their processes."""
        return [run.alone for run in self.flows[flow]]

    def with_start(self, flow: str) -> list[Sample]:
        """What a replay's runs took, with the start of their processes."""
        return [run.with_start for run in self.flows[flow]]


def contenders_of(extent: Extent, wish: Wish) -> list[Contender]:
    """Everything that is compared on the year in one process."""
    bars = bars_of_year()
    return [
        indicator_step(bars, wish),
        analyzer_step(bars, wish),
        stock_talipp(bars, wish, channels=False),
        stock_talipp(bars, wish, channels=True),
        ta_lib(bars, wish, extent.ta_lib_bars),
        nautilus(bars, wish),
    ]


def measure(extent: Extent, wish: Wish) -> Measured:
    """Measure everything."""
    found = Measured(contenders_of(extent, wish))
    with TemporaryDirectory(prefix="ta-bot-bench-") as folder:
        jobs = _jobs(Path(folder), extent)
        for number in range(extent.year_rounds):
            where = f"round {number + 1} of {extent.year_rounds}"
            for contender in found.contenders:
                _say(f"{where}: ({contender.id}) {contender.label}")
                found.steps[contender.id].append(measured(contender.prepare()))
            is_long = number < extent.burst_rounds
            for name, job in jobs.items():
                if is_long or name == YEAR_RUN:
                    _say(f"{where}: (e) replay of the {name}")
                    found.flows[name].append(replayed(job))
            if is_long:
                _say(f"{where}: 512 keys in turn, no flow")
                sample, found.snapshot_bytes = keys_in_turn(bars_of_burst(extent.bars_by_time))
                found.in_turn.append(sample)
    _say("")
    return found


def _jobs(folder: Path, extent: Extent) -> dict[str, Job]:
    by_time = str(write_by_time(folder, extent.bars_by_time))
    return {
        YEAR_RUN: Job(str(YEAR)),
        ONE_KEY: Job(str(write_one_symbol(folder))),
        BURST_RUN: Job(str(BURST)),
        TWO_PROCESSES: Job(str(BURST), processes=2),
        BY_TIME: Job(by_time),
        BY_TIME_RECOVERY: Job(by_time, recovery=True),
    }


def _say(what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()
