"""A replay that is watched: beside each key's analyzer a watcher, and what watchers record in files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import orjson
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import StatefulSinkPartition

from dataflow.replay.key_logic import KeyedBar, KeyLogic
from dataflow.replay.plan import Plan
from dataflow.replay.results import existing, in_order
from dataflow.replay.sinks import ProcessSink, ReportFile, report_file
from dataflow.stopping import Stop
from operators.rows import BadInput
from operators.tally import Tally
from operators.watching import MakeWatcher, Record, Watcher
from state.bar import Bar
from strategies.signal import Signal


class WatchedLogic(StatefulBatchLogic[KeyedBar, Any, None]):
    """A key's analyzer with a watcher beside it, which sees every bar that was analyzed, in order."""

    def __init__(self, inner: KeyLogic, watch: MakeWatcher) -> None:
        self.inner = inner
        self.watch = watch
        self.watcher: Watcher | None = None

    def on_batch(self, values: list[KeyedBar]) -> tuple[list[Any], bool]:
        """Analyze bars one by one, then have them watched: by turns, each would find the other's code and data cold."""
        inner = self.inner
        watcher = self.watcher = self.watcher or self.watch(values[0][0], inner.analysis.configuration)
        analyzer, live_from_ms = inner.started(values[0]), inner.analysis.live_from_ms
        seen: list[tuple[Bar, list[Signal]]] = []
        for _, bar in values:
            before, open_ms = analyzer.bars_seen, bar.open_time_ms
            if open_ms >= inner.changes_from_ms:
                inner.change(analyzer, bar)
            signals = analyzer.on_bar(bar, emit=open_ms >= live_from_ms)
            if analyzer.bars_seen != before:  # it was not dropped
                seen.append((bar, signals))
        out: list[Any] = [*inner.tell(analyzer, len(values))]
        for bar, signals in seen:
            if watcher.passes_signals_on:
                out += signals
            out += watcher.take(bar, signals)
        return out, StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[Any], bool]:
        """What is left to tell, once: a watched replay is not resumed."""
        out: list[Any] = [*self.inner.on_eof()[0]]
        if self.watcher:
            out += self.watcher.left()
        return out, StatefulBatchLogic.RETAIN

    def snapshot(self) -> None:
        """Nothing: a watched replay takes no snapshots."""
        return


def records_file(plan: Plan, part: int) -> Path:
    """Where what one process's watchers recorded is, as lines of a sort key, a tab and the record."""
    return plan.folder / f"records-{part}.part"


def records_of(plan: Plan) -> Iterator[tuple[str, bytes]]:
    """What the watchers of an ended replay recorded, as JSON lines with their kinds, sorted."""
    paths = existing(records_file(plan, part) for part in range(plan.processes))
    for line in in_order(paths, plan.folder):
        key, _, record = line.partition(b"\t")
        yield key.partition(b" ")[0].decode(), record


class RecordFiles(ProcessSink[Any, dict[str, Any]]):
    """Counts, as in `ReportFiles`, and records."""

    def build_part(self, step_id: str, for_part: str, resume_state: dict[str, Any] | None) -> RecordFile:
        """Empty counts, and an empty file."""
        return RecordFile(self.plan, int(for_part), self.stop)


class RecordFile(StatefulSinkPartition[Any, dict[str, Any]]):
    """The counts and records of some keys."""

    def __init__(self, plan: Plan, part: int, stop: Stop) -> None:
        self.report = ReportFile(report_file(plan, part), None, plan, stop)
        self.path = records_file(plan, part)
        self.stop = stop
        with self._guarded():
            self.file: IO[bytes] = self.path.open("wb")

    def _guarded(self) -> AbstractContextManager[None, bool | None]:
        return self.stop.on_failing_disk(self.path, abandon=False)

    def write_batch(self, values: list[Any]) -> None:
        """Count, and append records."""
        counts = [value for value in values if isinstance(value, Tally | BadInput)]
        if counts:
            self.report.write_batch(counts)
        if len(counts) < len(values):
            records: list[Record] = [value for value in values if not isinstance(value, Tally | BadInput)]
            with self._guarded():
                self.file.write(b"".join(b"%b\t%b\n" % (one.sort_key.encode(), orjson.dumps(one)) for one in records))

    def snapshot(self) -> dict[str, Any]:
        """Nothing: a watched replay takes no snapshots."""
        return {}

    def close(self) -> None:
        """Write out what is left."""
        self.report.close()
        with self._guarded():
            self.file.close()
