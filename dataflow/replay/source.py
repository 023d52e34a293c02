"""The replay's source: recorded files, read in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflow.recorded import Chunks, RecordedFile
from dataflow.replay.plan import Plan
from dataflow.replay.progress import Progress
from dataflow.stopping import Stop
from operators.rows import Chunk
from state.errors import StopProgram

Position = tuple[int, int]
"""Index of the file, and the row in it to go on from."""

CHUNK_ROWS = 500


class RecordedSource(FixedPartitionedSource[Chunk, Position]):
    """Recorded klines, one partition per process.

    Every partition passes through all files and keeps the symbols that are its own, so that several processes share
    one file. A row is done when the epoch it was read in has closed: after a restart, reading goes on at the last
    snapshot's position, and rows after it are read again.
    """

    def __init__(self, plan: Plan, stop: Stop, progress: Progress) -> None:
        self.plan = plan
        self.stop = stop
        self.progress = progress

    def list_parts(self) -> list[str]:
        """One partition per process."""
        return [str(shard) for shard in range(self.plan.processes)]

    def build_part(self, step_id: str, for_part: str, resume_state: Position | None) -> RecordedPartition:
        """A partition that goes on where its snapshot was taken."""
        return RecordedPartition(self.plan, int(for_part), resume_state or (0, 0), self.stop, self.progress)


class RecordedPartition(StatefulSourcePartition[Chunk, Position]):
    """The rows of one process's symbols, file by file."""

    def __init__(self, plan: Plan, shard: int, position: Position, stop: Stop, progress: Progress) -> None:
        self.plan = plan
        self.keep = self._keeper(shard)
        self.file_index, self.next_row = position
        self.stop = stop
        self.progress = progress
        self.bytes_before = sum(self._bytes_of(file) for file in plan.files[: self.file_index])
        self.chunks: Chunks | None = None

    def _keeper(self, shard: int) -> Callable[[str], bool] | None:
        plan = self.plan
        kept: dict[str, bool] = {}
        if plan.processes == 1:
            return None

        def keep(symbol: str) -> bool:
            mine = kept.get(symbol)
            if mine is None:
                mine = plan.shard_of(symbol) == shard
                if len(kept) < 100_000:  # rows are hostile until parsed: they may name any number of symbols
                    kept[symbol] = mine
            return mine

        return keep

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
            self.chunks = file.chunks(self.next_row, CHUNK_ROWS, self.keep)
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
        passed_by = self.keep and file.layout.symbol is not None and not self.keep(file.layout.symbol)
        return 0 if passed_by else file.size_bytes

    def snapshot(self) -> Position:
        """Where to go on."""
        return self.file_index, self.next_row

    def close(self) -> None:
        """Let go of the file."""
        if self.chunks is not None:
            self.chunks.close()
