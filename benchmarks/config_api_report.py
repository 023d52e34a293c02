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
    return [
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
