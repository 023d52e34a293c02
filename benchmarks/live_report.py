"""What the live flow was measured at, and its targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean, median

from benchmarks.clock import percentiles
from benchmarks.live import SEED_BARS, SEEDED_KEYS, LiveMeasured
from benchmarks.report import verdicts
from benchmarks.targets import KEYS_OF_BURST, Target

# The first bursts meet code and memory that is cold; the last are compared with those after them.
FIRST, LAST = slice(2, 7), slice(-5, None)


def live_targets(found: LiveMeasured) -> list[Target]:
    """Every target with what was measured."""
    p50, p99 = percentiles(found.latency_secs)
    rss = [size / 1e6 for size in found.burst_rss_bytes]
    growth = median(found.burst_secs[LAST]) / median(found.burst_secs[FIRST])
    return [
        Target("bar published -> its last signal heard, p50", p50, 5.0, "ms"),
        Target("bar published -> its last signal heard, p99", p99, 20.0, "ms"),
        Target("burst of 512 bars -> last signal, median", median(found.burst_secs) * 1e3, 400.0, "ms"),
        Target("burst of 512 bars -> last signal, longest", max(found.burst_secs) * 1e3, 400.0, "ms"),
        Target("bursts: last five / first ones", growth, 1.25, "x"),
        Target("bursts: resident memory, last five / first ones", mean(rss[LAST]) / mean(rss[FIRST]), 1.25, "x"),
        Target("seeding 1,024 keys from MariaDB, start included", found.seeding_secs, 20.0, "s"),
        Target("ready again from their snapshots, start included", found.restart_secs, 5.0, "s"),
    ]


def live_report(found: LiveMeasured, targets: Sequence[Target]) -> str:
    """Everything measured, as text of at most 100 columns."""
    return "\n\n".join("\n".join(part) for part in (_figures(found), verdicts(targets))) + "\n"


def _figures(found: LiveMeasured) -> Iterator[str]:
    p50, p99 = percentiles(found.latency_secs)
    bursts = found.burst_secs
    yield "Live: NATS, MariaDB and the bot in processes of their own, on loopback"
    yield (
        f"  a bar to its last signal         p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest"
        f" {max(found.latency_secs) * 1e3:.1f} ms ({len(found.latency_secs)} bars)"
    )
    yield (
        f"  {len(bursts)} bursts of {KEYS_OF_BURST} bars          {median(bursts) * 1e3:.0f} ms to the last signal,"
        f" longest {max(bursts) * 1e3:.0f} ms ({found.burst_signals:,} signals)"
    )
    yield (
        f"  {SEEDED_KEYS:,} keys of {SEED_BARS} bars          seeded in {found.seeding_secs:.1f} s, back from snapshots"
        f" in {found.restart_secs:.1f} s"
    )
