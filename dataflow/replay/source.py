"""The replay's source: recorded files, read in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflow.recorded import Chunks, RecordedFile
from dataflow.replay.plan import Plan
from dataflow.replay.progress import Progress
from dataflow.routing import part_of, process_of
from dataflow.stopping import Stop
from operators.rows import Chunk
from state.errors import StopProgram

Position = tuple[int, int]
"""Index of the file, and the row in it to go on from."""

CHUNK_ROWS = 500


class RecordedSource(FixedPartitionedSource[Chunk, Position]):
    """Recorded klines, one partition per process.

    Every partition passes through all files and keeps the symbols that its own process analyzes, so that several
    processes share one file. A row is done when the epoch it was read in has closed: after a restart, reading goes on
    at the last snapshot's position, and rows after it are read again.
    """

    def __init__(self, plan: Plan, process: int, stop: Stop, progress: Progress) -> None:
        self.plan = plan
        self.process = process
        self.stop = stop
        self.progress = progress

    def list_parts(self) -> list[str]:
        """This process's own partition."""
        return [part_of(self.process)]

    def build_part(self, step_id: str, for_part: str, resume_state: Position | None) -> RecordedPartition:
        """A partition that goes on where its snapshot was taken."""
        return RecordedPartition(self.plan, int(for_part), resume_state or (0, 0), self.stop, self.progress)


class RecordedPartition(StatefulSourcePartition[Chunk, Position]):
    """The rows of one process's symbols, file by file."""

    def __init__(self, plan: Plan, shard: int, position: Position, stop: Stop, progress: Progress) -> None:
        self.plan = plan
        self.shard = shard
        self.file_index, self.next_row = position
        self.stop = stop
        self.progress = progress
        self.bytes_before = sum(self._bytes_of(file) for file in plan.files[: self.file_index])
        self.chunks: Chunks | None = None

    def _keeper(self, file: RecordedFile) -> Callable[[str], bool] | None:
        """Tells the symbols of `file` that this process analyzes."""
        processes, shard = self.plan.processes, self.shard
        if processes == 1:
            return None
        timeframe = file.layout.timeframe.name if file.layout.timeframe else ""
        return lambda symbol: process_of(f"{symbol}|{timeframe}", processes) == shard

    def next_batch(self) -> Iterable[Chunk]:
        """The next chunk; none at a file's end."""
        if self.stop.requested or self.file_index >= len(self.plan.files):
            raise StopIteration
        try:
            return self._next_chunk()
        except StopProgram as error:
            self.stop.fail(str(error))
            raise StopIteration from error

    def _next_chunk(self) -> list[Chunk]:
        file = self.plan.files[self.file_index]
        if self.chunks is None:
            self.chunks = file.chunks(self.next_row, CHUNK_ROWS, self._keeper(file))
        found = next(self.chunks, None)
        if found is None:
            self.bytes_before += self._bytes_of(file)
            self.chunks, self.next_row = None, 0
            self.file_index += 1
            self.progress.bytes_read(self.bytes_before)
            return []
        self.progress.bytes_read(self.bytes_before + self.chunks.bytes_read)
        self.next_row, chunk = found
        return [chunk]

    def _bytes_of(self, file: RecordedFile) -> int:
        keep, symbol = self._keeper(file), file.layout.symbol
        return file.size_bytes if keep is None or symbol is None or keep(symbol) else 0

    def snapshot(self) -> Position:
        """Where to go on."""
        return self.file_index, self.next_row

    def close(self) -> None:
        """Let go of the file."""
        if self.chunks is not None:
            self.chunks.close()
