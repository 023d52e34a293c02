"""Measuring on a machine that others use too: CPU time beside wall time, ratios round by round."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

Run = Callable[[], int]
"""Takes all its bars and returns how many these were."""


@dataclass(frozen=True)
class Sample:
    """One measured run."""

    bars: int
    cpu_secs: float
    wall_secs: float

    @property
    def cpu_us(self) -> float:
        """CPU time per bar, in microseconds."""
        return self.cpu_secs / self.bars * 1e6

    @property
    def wall_us(self) -> float:
        """Wall time per bar, in microseconds."""
        return self.wall_secs / self.bars * 1e6


def measured(run: Run) -> Sample:
    """Measure one run; objects that were there before are none of the garbage collector's business in it."""
    gc.collect()
    gc.freeze()
    try:
        wall, cpu = time.perf_counter(), time.process_time()
        bars = run()
        return Sample(bars, time.process_time() - cpu, time.perf_counter() - wall)
    finally:
        gc.unfreeze()


@dataclass(frozen=True)
class Spread:
    """A figure over several rounds."""

    median: float
    lowest: float
    highest: float


def spread(figures: Sequence[float]) -> Spread:
    """Median and extremes."""
    return Spread(median(figures), min(figures), max(figures))


def cpu_ratio(ones: Sequence[Sample], others: Sequence[Sample]) -> Spread:
    """CPU time per bar of one contender over another's, each round's runs against each other."""
    return spread([one.cpu_us / other.cpu_us for one, other in zip(ones, others, strict=False)])


def wall_ratio(ones: Sequence[Sample], others: Sequence[Sample]) -> Spread:
    """Wall time per bar of one contender over another's, each round's runs against each other."""
    return spread([one.wall_us / other.wall_us for one, other in zip(ones, others, strict=False)])


def percentiles(secs: Sequence[float]) -> tuple[float, float]:
    """The 50th and 99th, in ms."""
    cuts = quantiles(secs, n=100, method="inclusive")
    return cuts[49] * 1e3, cuts[98] * 1e3
