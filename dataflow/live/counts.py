"""What is counted about keys, for `/metrics`."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Iterable

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from operators.tally import Tally
from operators.work import Work
from state.klines import BadRow
from strategies.registry import STRATEGIES

log = logging.getLogger(__name__)

READY = Gauge("ta_ready", "1 while this bot does its work: what /ready says")
BARS = Counter("ta_bars", "Bars analyzed")
DROPPED = Counter("ta_bars_dropped", "Bars that were not analyzed, by reason", ["reason"])
GAPS = Counter("ta_gaps", "Gaps that history did not fill")
MISSING = Counter("ta_bars_missing", "Bars missing in gaps that history did not fill")
FILLED = Counter("ta_bars_filled", "Bars that were missed and came from history")
REFUSED = Counter("ta_snapshots_refused", "Keys whose snapshot could not be used")
ERRORS = Counter("ta_strategy_errors", "Bars that a strategy failed on, by strategy", ["strategy"])
for _strategy_id in STRATEGIES:
    ERRORS.labels(_strategy_id)  # else the first error would be no increase
BAD_ROWS = Counter("ta_history_bad_rows", "Rows of history that are unusable, each time they are read")
SEEDING = Histogram(
    "ta_seeding_seconds",
    "Time from a key's being woken until it has its bars from history",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)
SNAPSHOT = Histogram(
    "ta_snapshot_seconds",
    "Time that making the snapshot of one key took",
    buckets=(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1),
)
RECOVERY_AGE = Gauge(
    "ta_recovery_age_seconds", "How long ago the last snapshot was written; NaN without a recovery folder"
)
SNAPSHOT_BYTES = Gauge("ta_snapshot_bytes", "How large the snapshots are on the disk; NaN without a recovery folder")
for gauge in (RECOVERY_AGE, SNAPSHOT_BYTES):
    gauge.set(math.nan)


class WorkCounts(Collector):
    """What strategies did in this process: added up when it is asked for, so that a bar need not wait for that."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._working: dict[int, Work] = {}
        self._evaluations: dict[str, int] = {}
        self._setups: dict[str, int] = {}

    def begin(self, work: Work) -> None:
        """A key is analyzed from now on."""
        with self._lock:
            self._working[id(work)] = work

    def end(self, work: Work) -> None:
        """A key is gone; what was done for it stays counted."""
        with self._lock:
            if self._working.pop(id(work), None) is not None:
                work.add_to(self._evaluations, self._setups)

    def collect(self) -> Iterable[Metric]:
        """Both counters, by strategy."""
        with self._lock:
            evaluations, setups = dict(self._evaluations), dict(self._setups)
            for work in self._working.values():
                work.add_to(evaluations, setups)
        return [
            _by_strategy("ta_strategy_evaluations", "Bars that a strategy was asked about", evaluations),
            _by_strategy("ta_setups", "Bars that a strategy held a setup on", setups),
        ]


def _by_strategy(name: str, meaning: str, counts: dict[str, int]) -> CounterMetricFamily:
    family = CounterMetricFamily(name, meaning, labels=["strategy"])
    for strategy_id, count in sorted(counts.items()):
        family.add_metric([strategy_id], count)
    return family


WORK = WorkCounts()
REGISTRY.register(WORK)


def count_bad_row(bad: BadRow) -> None:
    """Add a row that history could not use."""
    BAD_ROWS.inc()
    log.debug("bad row: %s: %s", bad.where, bad.reason)


def count_tally(tally: Tally) -> None:
    """Add what happened to a key's bars."""
    BARS.inc(tally.bars)
    DROPPED.labels("repeated").inc(tally.repeated)
    DROPPED.labels("out_of_order").inc(tally.out_of_order)
    GAPS.inc(tally.gaps)
    MISSING.inc(tally.missing_bars)
    FILLED.inc(tally.filled_bars)
    REFUSED.inc(tally.refused_snapshots)
    for strategy_id, errors in tally.strategy_errors.items():
        ERRORS.labels(strategy_id).inc(errors)
