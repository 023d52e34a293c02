"""The report: plain text for a terminal or a README."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean, median

from benchmarks.clock import Sample, cpu_ratio, spread, wall_ratio
from benchmarks.flow import memory_at
from benchmarks.machine import machine_line, usable_cores, versions_line
from benchmarks.rounds import BURST_RUN, BY_TIME, BY_TIME_RECOVERY, TWO_PROCESSES, YEAR_RUN, Measured
from benchmarks.targets import Target, base_bytes, busyness, bytes_per_key
from benchmarks.wanted import Wish

_FLOWS = {
    YEAR_RUN: "(e) whole flow, one year, 1 key",
    BURST_RUN: "(e) whole flow, 512 keys",
    TWO_PROCESSES: "    the same in two processes",
    BY_TIME: "(e) 512 keys, rows by time",
    BY_TIME_RECOVERY: "    the same, recovery on",
}
_KEPT_IN_MEMORY = (BURST_RUN, BY_TIME, BY_TIME_RECOVERY)


def report(found: Measured, wish: Wish, targets: Sequence[Target]) -> str:
    """Everything measured, as text of at most 100 columns."""
    parts = [_head(found), _costs(found), _coverage(found, wish), _sizes(found), _scaling(found), verdicts(targets)]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _head(found: Measured) -> Iterator[str]:
    yield machine_line()
    yield versions_line()
    yield (
        f"{len(found.steps['a'])} rounds on the year, {len(found.in_turn)} on the 512 keys;"
        f" wall / CPU time {busyness(found):.2f} (1.00 on an idle machine)"
    )


def _costs(found: Measured) -> Iterator[str]:
    stock = found.steps["b"]
    yield f"{'µs per bar and core':<36}{'CPU':>9}{'min':>9}{'wall':>9}{'x (b)':>9}  least - most"
    for contender in found.contenders:
        yield _cost(f"({contender.id}) {contender.label}", found.steps[contender.id], stock)
    yield _cost("(a+) 512 keys in turn, no flow", found.in_turn, stock)
    for flow, label in _FLOWS.items():
        yield _cost(label, found.alone(flow), stock)
    yield _cost("    year, start of process included", found.with_start(YEAR_RUN), stock)
    yield _cost("    512 keys, start included", found.with_start(BURST_RUN), stock)


def _cost(label: str, samples: Sequence[Sample], stock: Sequence[Sample]) -> str:
    cpu, wall, ratio = (
        spread([s.cpu_us for s in samples]),
        spread([s.wall_us for s in samples]),
        cpu_ratio(samples, stock),
    )
    return (
        f"{label:<36}{cpu.median:>9.2f}{cpu.lowest:>9.2f}{wall.median:>9.2f}{ratio.median:>9.2f}"
        f"  {ratio.lowest:.2f} - {ratio.highest:.2f}"
    )


def _coverage(found: Measured, wish: Wish) -> Iterator[str]:
    for contender in found.contenders:
        if contender.id in ("b", "b+", "c", "d"):
            yield f"({contender.id}) is {contender.coverage(wish)}"
    lacking = frozenset(wish.ours) - next(one.covers for one in found.contenders if one.id == "b")
    yield "not in (b): " + ", ".join(sorted({name.partition("(")[0] for name in lacking})) + " over a window"
    yield "Medians over the rounds. x (b): ratio of CPU times, taken round by round; median, least - most."


def _sizes(found: Measured) -> Iterator[str]:
    sizes = found.snapshot_bytes
    yield f"(f) snapshot per key             {mean(sizes):>9,.0f} bytes pickled, at most {max(sizes):,}"
    on, off = found.alone(BY_TIME_RECOVERY), found.alone(BY_TIME)
    cpu, wall = ((ratio(on, off).median - 1.0) * 100.0 for ratio in (cpu_ratio, wall_ratio))
    yield f"    recovery, epochs of 10 s     {cpu:>+9.1f} % CPU time on (e) by time, {wall:+.1f} % wall time"
    yield f"Resident memory, flow with 1 key {base_bytes(found) / 1e6:>8.1f} MB"
    for flow in _KEPT_IN_MEMORY:
        yield f"    per key, {flow:<23} {bytes_per_key(found, flow) / 1000:>7.1f} KB"
    year = [median(memory_at(run, share) for run in found.flows[YEAR_RUN]) / 1e6 for share in (0.2, 1.0)]
    yield f"    year, after 20 % / all bars  {year[0]:>8.1f} MB / {year[1]:.1f} MB"


def _scaling(found: Measured) -> Iterator[str]:
    one, two = found.alone(BURST_RUN), found.alone(TWO_PROCESSES)
    rates = [median(sample.bars / sample.wall_secs for sample in samples) for samples in (one, two)]
    ratio, cpu = wall_ratio(one, two), cpu_ratio(two, one)
    yield (
        f"Two processes on {usable_cores()} cores: {rates[0]:,.0f} -> {rates[1]:,.0f} bars/s, x {ratio.median:.2f}"
        f" ({ratio.lowest:.2f} - {ratio.highest:.2f})"
    )
    yield f"    CPU time of both, starts included, over that of one: x {cpu.median:.2f}"


def verdicts(targets: Sequence[Target]) -> Iterator[str]:
    """A table of the targets, and whether they were reached."""
    yield f"{'target':<56}{'bound':>12}{'measured':>12}  reached"
    for target in targets:
        bound = f"{'>=' if target.at_least else '<='} {target.bound:g} {target.unit}"
        yield f"{target.text:<56}{bound:>12}{target.value:>9.2f} {target.unit:<2}  {'yes' if target.reached else 'NO'}"


def as_data(found: Measured, wish: Wish, targets: Sequence[Target]) -> dict[str, object]:
    """Everything measured, for JSON."""
    return {
        "machine": machine_line(),
        "versions": versions_line(),
        "wall_over_cpu": busyness(found),
        "steps": dict(found.steps),
        "covers": {one.id: sorted(one.covers) for one in found.contenders},
        "indicators": wish.ours,
        "flows": {
            name: [{"alone": run.alone, "with_start": run.with_start, "signals": run.signals} for run in runs]
            for name, runs in found.flows.items()
        },
        "keys_in_turn": found.in_turn,
        "snapshot_bytes": {"mean": mean(found.snapshot_bytes), "max": max(found.snapshot_bytes)},
        "base_bytes": base_bytes(found),
        "bytes_per_key": {flow: bytes_per_key(found, flow) for flow in _KEPT_IN_MEMORY},
        "targets": [{**vars(target), "reached": target.reached} for target in targets],
    }
