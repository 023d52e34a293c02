"""What the API of the configuration was measured at, and its targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.clock import percentiles
from benchmarks.config_api import READS_PER_SEC, ApiMeasured
from benchmarks.report import verdicts
from benchmarks.targets import Target


def api_targets(found: ApiMeasured) -> list[Target]:
    """Every target with what was measured."""
    cached, stored = percentiles(found.cached_secs)[1], percentiles(found.stored_secs)[1]
    effect = percentiles(found.propagation.effect_secs)[1]
    return [
        Target("change asked for -> signal of the next bar, made with it, p99", effect, 1000.0, "ms"),
        Target(f"{READS_PER_SEC} reads/s of the configuration, cached, p99", cached, 50.0, "ms"),
        Target(f"{READS_PER_SEC} reads/s of the configuration, from MongoDB, p99", stored, 200.0, "ms"),
    ]


def api_report(found: ApiMeasured, targets: Sequence[Target]) -> str:
    """Everything measured, as text of at most 100 columns."""
    return "\n\n".join("\n".join(part) for part in (_figures(found), verdicts(targets))) + "\n"


def _figures(found: ApiMeasured) -> Iterator[str]:
    yield "Configuration API: mongod and the sidecar in processes of their own, on loopback"
    for label, secs in (("cached", found.cached_secs), ("from MongoDB each time", found.stored_secs)):
        p50, p99 = percentiles(secs)
        yield (
            f"  a read, {label:<23}  p50 {p50:.1f} ms, p99 {p99:.1f} ms, longest {max(secs) * 1e3:.1f} ms"
            f" ({len(secs):,} reads at {READS_PER_SEC}/s)"
        )
    changes = found.propagation
    (answer50, answer99), (effect50, effect99) = percentiles(changes.answer_secs), percentiles(changes.effect_secs)
    yield f"  a change, to its answer          p50 {answer50:.1f} ms, p99 {answer99:.1f} ms"
    yield (
        f"    to the next bar's signal       p50 {effect50:.1f} ms, p99 {effect99:.1f} ms ({len(changes.effect_secs)}"
        " changes, each in force for the very next bar)"
    )
    yield (
        f"  512 bars, until all are analyzed {changes.burst_secs * 1e3:.0f} ms; right after a change of a threshold"
        f" {changes.burst_after_threshold_secs * 1e3:.0f} ms,"
    )
    yield f"    of two periods                 {changes.burst_after_period_secs * 1e3:.0f} ms"
