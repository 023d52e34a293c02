"""Evaluation beside the plain replay: the same year of one key, by turns, each run in a fresh process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from benchmarks.clock import cpu_ratio, spread
from benchmarks.data import YEAR
from benchmarks.flow import FlowRun, memory_at, replayed
from benchmarks.replaying import Job
from benchmarks.report import verdicts
from benchmarks.targets import Target

ROUNDS, QUICK_ROUNDS = 5, 2


@dataclass
class EvaluationMeasured:
    """One run of each kind per round."""

    replays: list[FlowRun] = field(default_factory=list)
    evaluations: list[FlowRun] = field(default_factory=list)


def measure_evaluation(rounds: int) -> EvaluationMeasured:
    """Measure everything."""
    found = EvaluationMeasured()
    for _ in range(rounds):
        found.replays.append(replayed(Job(str(YEAR))))
        found.evaluations.append(replayed(Job(str(YEAR), evaluate=True)))
    return found


def evaluation_targets(found: EvaluationMeasured) -> list[Target]:
    """Every target with what was measured."""
    # A rate is the inverse of time per bar.
    rate = cpu_ratio([run.alone for run in found.replays], [run.alone for run in found.evaluations]).median
    growth = median(memory_at(run, 1.0) - memory_at(run, 0.2) for run in found.evaluations)
    return [
        Target("evaluation / replay of a year, rate by CPU time", rate, 0.7, "x", at_least=True),
        Target("resident memory, growth from 20 % to 100 % of the year", growth / 1e6, 1.0, "MB"),
    ]


def evaluation_report(found: EvaluationMeasured, targets: Sequence[Target]) -> str:
    """Everything measured, as text of at most 100 columns."""
    return "\n\n".join("\n".join(part) for part in (_figures(found), verdicts(targets))) + "\n"


def _figures(found: EvaluationMeasured) -> Iterator[str]:
    yield f"Evaluation of one year, 1 key, {len(found.replays)} rounds"
    for name, runs in (("replay", found.replays), ("evaluation", found.evaluations)):
        cpu = spread([run.alone.cpu_us for run in runs])
        memory = median(memory_at(run, 1.0) for run in runs) / 1e6
        yield f"  {name:<12}{cpu.median:>8.2f} µs per bar ({cpu.lowest:.2f} - {cpu.highest:.2f}), {memory:.1f} MB"
