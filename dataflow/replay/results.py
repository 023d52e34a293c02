"""What a replay leaves: signals in the order of time, and a summary."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import IO

import orjson

from dataflow.replay.plan import Plan
from dataflow.replay.sinks import report_file, signals_file
from operators.tally import Tally
from state.errors import StopProgram
from state.key import split_key
from state.timeframe import DAY_MS

# Lines sorted in memory at a time, some 25 MB; more go through temporary files.
RUN_LINES = 25_000


@dataclass
class Summary:
    """Counts of a whole replay, earlier runs of a resumed one included."""

    tallies: list[Tally] = field(default_factory=list)
    bad_rows: int = 0
    signals: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By strategy and action."""
    trades: Counter[str] = field(default_factory=Counter)
    """Buy and sell signals by symbol."""

    def total(self, name: str) -> int:
        """The sum of one count over all keys."""
        return sum(getattr(tally, name) for tally in self.tallies)

    def strategy_errors(self) -> Counter[str]:
        """Errors by strategy."""
        return sum((Counter(tally.strategy_errors) for tally in self.tallies), Counter[str]())

    def days(self) -> dict[str, float]:
        """Days from the first bar to the last, by symbol, over all its timeframes."""
        spans: dict[str, tuple[int, int]] = {}
        for tally in self.tallies:
            if tally.first_open_ms is not None and tally.last_close_ms is not None:
                symbol, _ = split_key(tally.key)
                first, last = spans.get(symbol, (tally.first_open_ms, tally.last_close_ms))
                spans[symbol] = min(first, tally.first_open_ms), max(last, tally.last_close_ms)
        return {symbol: (last - first) / DAY_MS for symbol, (first, last) in sorted(spans.items())}


def reported(plan: Plan) -> Summary:
    """What happened to the bars of an ended replay."""
    summary = Summary()
    # A partition that nothing was sent to has no files.
    for path in existing(report_file(plan, part) for part in range(plan.processes)):
        report = orjson.loads(path.read_bytes())
        summary.bad_rows += report["bad_rows"]
        summary.tallies += [Tally(**counts) for counts in report["keys"].values()]
    return summary


def collect(plan: Plan, out: Path | IO[bytes] | None, alerts_out: Path | IO[bytes] | None) -> Summary:
    """Write the signals of an ended replay in the order of time and sum up; alerts go to `alerts_out` where given.

    Files appear whole or not at all.

    Raises:
        StopProgram: a file cannot be written.
    """
    summary = reported(plan)
    with ExitStack() as outputs:
        trades = outputs.enter_context(output_to(out))
        alerts = outputs.enter_context(output_to(alerts_out)) if alerts_out else trades
        for line in in_order(existing(signals_file(plan, part) for part in range(plan.processes)), plan.folder):
            key, _, signal = line.partition(b"\t")
            _, symbol, _, strategy_id, action = key.decode().split(" ")
            summary.signals[strategy_id, action] += 1
            if action == "hold":
                alerts.write(signal)
            else:
                summary.trades[symbol] += 1
                trades.write(signal)
    return summary


def existing(paths: Iterable[Path]) -> list[Path]:
    """Those files that there are."""
    return [path for path in paths if path.exists()]


@contextmanager
def output_to(target: Path | IO[bytes] | None) -> Iterator[IO[bytes]]:
    """Where lines go: a stream, nowhere, or a file."""
    if target is None:
        with Path(os.devnull).open("wb") as nowhere:
            yield nowhere
    elif not isinstance(target, Path):
        yield target
    else:
        try:
            # A pipe or a device is written to, and keeps being one.
            with target.open("wb") if target.exists() and not target.is_file() else _whole_file(target) as lines:
                yield lines
        except OSError as error:
            raise StopProgram(f"{target}: cannot be written: {error.strerror or error}") from error


@contextmanager
def _whole_file(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name only when it is complete."""
    target = target.resolve()  # a link keeps being one
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
        try:
            yield file.file  # the wrapper around it would cost more than the writing
        except BaseException:
            Path(file.name).unlink()
            raise
    Path(file.name).chmod(0o666 & ~_umask())
    Path(file.name).replace(target)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def in_order(paths: Iterable[Path], folder: Path) -> Iterator[bytes]:
    """The lines of all files, sorted, in bounded memory."""
    with ExitStack() as files:
        lines = (line for path in paths for line in files.enter_context(path.open("rb")))
        runs = []
        while run := sorted(islice(lines, RUN_LINES)):
            if len(run) < RUN_LINES:
                runs.append(iter(run))
                break
            spilled = files.enter_context(tempfile.TemporaryFile(dir=folder))
            spilled.writelines(run)
            spilled.seek(0)
            runs.append(iter(spilled))
        yield from heapq.merge(*runs)
