"""The replay's sinks: signals and counts, in files that go back to the last snapshot after a restart.

Both have one partition per process. An item counts once: what was written after the last snapshot is cut off (the
signals) or not loaded (the counts) when the flow resumes, and comes again.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from dataflow.replay.plan import Plan
from dataflow.routing import part_of, process_of
from dataflow.stopping import Stop
from operators.rows import BadInput
from operators.tally import Tally
from strategies.signal import Signal

X = TypeVar("X")
S = TypeVar("S")

# More bad rows than this are only counted.
BAD_ROWS_SHOWN = 20


def signals_file(plan: Plan, part: int) -> Path:
    """Where one process's signals are, as lines of a sort key, a tab and the signal."""
    return plan.folder / f"signals-{part}.part"


def report_file(plan: Plan, part: int) -> Path:
    """Where one process's counts are when the flow has ended."""
    return plan.folder / f"report-{part}.json"


def sort_key(signal: Signal) -> bytes:
    """Orders signals by time, then symbol, timeframe, strategy and action."""
    return f"{signal.timestamp} {signal.symbol} {signal.timeframe} {signal.strategy_id} {signal.action}".encode()


class ProcessSink(FixedPartitionedSink[X, S]):
    """A sink with one partition per process, where what comes from a key stays in the process that analyzes it."""

    def __init__(self, plan: Plan, process: int, stop: Stop) -> None:
        self.plan = plan
        self.process = process
        self.stop = stop

    def list_parts(self) -> list[str]:
        """This process's own partition."""
        return [part_of(self.process)]

    def part_fn(self, item_key: str) -> int:
        """The partition of the process that analyzes the key; some partition for places of bad input."""
        return process_of(item_key, self.plan.processes)


class SignalFiles(ProcessSink[Signal, int]):
    """Signals into one file per process; see the module."""

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> SignalFile:
        """A file that is cut back to its snapshot."""
        return SignalFile(signals_file(self.plan, int(for_part)), resume_state or 0, self.plan, self.stop)


class SignalFile(StatefulSinkPartition[Signal, int]):
    """The signals of some keys."""

    def __init__(self, path: Path, length: int, plan: Plan, stop: Stop) -> None:
        self.path = path
        self.abandon = plan.recovery
        self.stop = stop
        with self._guarded():
            self.file: IO[bytes] = path.open("ab")
            if self.file.tell() < length:
                raise OSError("it is shorter than when the snapshot was taken; remove its folder to start anew")
            self.file.truncate(length)

    def _guarded(self) -> AbstractContextManager[None, bool | None]:
        return self.stop.on_failing_disk(self.path, abandon=self.abandon)

    def write_batch(self, values: list[Signal]) -> None:
        """Append signals."""
        with self._guarded():
            self.file.write(b"".join(b"%b\t%b\n" % (sort_key(signal), signal.to_json()) for signal in values))

    def snapshot(self) -> int:
        """The file's length, once everything is on disk."""
        length = 0  # of a replay that has failed and cannot be resumed
        with self._guarded():
            self.file.flush()
            os.fsync(self.file.fileno())
            length = self.file.tell()
        return length  # noqa: RET504  # what the guard swallows leads here too

    def close(self) -> None:
        """Write out what is left."""
        with self._guarded():
            self.file.close()


class ReportFiles(ProcessSink[BadInput | Tally, dict[str, Any]]):
    """Counts of bars per key and of bad input; the first bad rows are also shown on stderr as they come."""

    def build_part(self, step_id: str, for_part: str, resume_state: dict[str, Any] | None) -> ReportFile:
        """Counts that go on from their snapshot."""
        return ReportFile(report_file(self.plan, int(for_part)), resume_state, self.plan, self.stop)


class ReportFile(StatefulSinkPartition[BadInput | Tally, dict[str, Any]]):
    """The counts of some keys."""

    def __init__(self, path: Path, resume_state: dict[str, Any] | None, plan: Plan, stop: Stop) -> None:
        self.path = path
        self.strict = plan.strict
        self.stop = stop
        state = resume_state or {"bad_rows": 0, "keys": {}}
        self.bad_rows: int = state["bad_rows"]
        self.tallies = {key: Tally(**counts) for key, counts in state["keys"].items()}

    def write_batch(self, values: list[BadInput | Tally]) -> None:
        """Count."""
        for value in values:
            if isinstance(value, Tally):
                self.tallies.setdefault(value.key, Tally(value.key)).add(value)
            else:
                self._count_bad(value)

    def _count_bad(self, bad: BadInput) -> None:
        self.bad_rows += 1
        message = f"{bad.where}: {bad.reason}"
        if self.strict:
            self.stop.fail(message)
        elif self.bad_rows <= BAD_ROWS_SHOWN:
            more = "; further bad rows are only counted" if self.bad_rows == BAD_ROWS_SHOWN else ""
            sys.stderr.write(f"bad row: {message}{more}\n")

    def snapshot(self) -> dict[str, Any]:
        """All counts so far."""
        return {"bad_rows": self.bad_rows, "keys": {key: tally.as_dict() for key, tally in self.tallies.items()}}

    def close(self) -> None:
        """Write the counts to the report file."""
        with self.stop.on_failing_disk(self.path, abandon=False):  # it is written again at the end of a rerun
            self.path.write_bytes(orjson.dumps(self.snapshot()))
