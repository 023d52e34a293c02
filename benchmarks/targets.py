"""The targets, and whether they were reached."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, median

from benchmarks.clock import cpu_ratio, spread, wall_ratio
from benchmarks.flow import memory_at
from benchmarks.rounds import (
    BURST_RUN,
    BY_TIME,
    BY_TIME_RECOVERY,
    ONE_KEY,
    TWO_PROCESSES,
    YEAR_RUN,
    Measured,
)

KEYS_OF_BURST = 512


@dataclass(frozen=True)
class Target:
    """A figure with a bound."""

    text: str
    value: float
    bound: float
    unit: str
    at_least: bool = False

    @property
    def reached(self) -> bool:
        """Whether the figure keeps its bound."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def targets_of(found: Measured) -> list[Target]:
    """Every target with what was measured."""
    stock = found.steps["b"]
    recovery = cpu_ratio(found.alone(BY_TIME_RECOVERY), found.alone(BY_TIME)).median
    year = found.flows[YEAR_RUN]
    growth = median(memory_at(run, 1.0) - memory_at(run, 0.2) for run in year)
    # A rate is the inverse of wall time per bar.
    rate = wall_ratio(found.alone(BURST_RUN), found.alone(TWO_PROCESSES)).median
    return [
        Target("(e) whole flow, year / (b) stock talipp", cpu_ratio(found.alone(YEAR_RUN), stock).median, 1.0, "x"),
        Target("(e) whole flow, burst / (b) stock talipp", cpu_ratio(found.alone(BURST_RUN), stock).median, 1.0, "x"),
        Target("(a) indicator step / (b) stock talipp", cpu_ratio(found.steps["a"], stock).median, 0.4, "x"),
        Target("recovery on, all keys in every epoch: growth of (e)", (recovery - 1.0) * 100.0, 10.0, "%"),
        Target("resident memory per key, 512 keys", bytes_per_key(found, BURST_RUN) / 1000.0, 150.0, "KB"),
        Target("resident memory, fixed base (flow with 1 key)", base_bytes(found) / 1e6, 150.0, "MB"),
        Target("resident memory, growth from 20 % to 100 % of the year", growth / 1e6, 1.0, "MB"),
        Target("two processes / one process, rate on the burst", rate, 1.7, "x", at_least=True),
    ]


def base_bytes(found: Measured) -> float:
    """Resident memory of a flow with one key."""
    return median(memory_at(run, 1.0) for run in found.flows[ONE_KEY])


def bytes_per_key(found: Measured, flow: str) -> float:
    """What a key adds to the base."""
    full = median(memory_at(run, 1.0) for run in found.flows[flow])
    return (full - base_bytes(found)) / (KEYS_OF_BURST - 1)


def busyness(found: Measured) -> float:
    """Wall time over CPU time of what only computes: 1.0 on an idle machine."""
    return spread([mean(one.wall_secs / one.cpu_secs for one in samples) for samples in found.steps.values()]).median
