"""One recorded file: plain or gzip, or one entry of a zip."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import IO, cast

from dataflow.recorded.lines import UNREADABLE, Block, line_blocks, said
from operators.layouts import Layout
from operators.rows import Chunk, symbol_of_row
from state.errors import StopProgram

_GZIP_MAGIC = b"\x1f\x8b"
_ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")

Keep = Callable[[str], bool]
Stream = BufferedReader | gzip.GzipFile | zipfile.ZipExtFile


class Opened:
    """A file open for reading: `stream` gives the bytes of its lines, whatever they are packed in.

    `entry` is the index of a zip's entry. `archive` is set, and `stream` of no use, for a zip without it.
    """

    def __init__(self, path: Path, entry: int | None = None) -> None:
        self.archive: zipfile.ZipFile | None = None
        with ExitStack() as closing:
            file = closing.enter_context(path.open("rb"))
            self._packed: Stream = file
            self._start, self.size_bytes = 0, path.stat().st_size
            stream = _unpacked(file, closing)
            if stream.peek(4).startswith(_ZIP_MAGICS):
                self.archive = closing.enter_context(zipfile.ZipFile(cast(IO[bytes], stream)))
                if entry is not None:
                    stream = self._open_entry(self.archive, entry, stream, closing)
            self.stream = stream
            self._closing = closing.pop_all()

    def bytes_read(self) -> int:
        """How much of `size_bytes`, the packed size, has been read."""
        return max(0, min(self._packed.tell() - self._start, self.size_bytes))

    def close(self) -> None:
        """Let go of the file."""
        self._closing.close()

    def _open_entry(self, archive: zipfile.ZipFile, entry: int, packed: Stream, closing: ExitStack) -> Stream:
        info = archive.infolist()[entry]
        # zipfile unpacks the other methods without any bound.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise zipfile.BadZipFile(f"packed by method {info.compress_type}, expected stored or deflated")
        self._packed, self._start, self.size_bytes = packed, info.header_offset, info.compress_size
        return _unpacked(closing.enter_context(cast(zipfile.ZipExtFile, archive.open(info))), closing)


def _unpacked(stream: Stream, closing: ExitStack) -> Stream:
    if not stream.peek(2).startswith(_GZIP_MAGIC):
        return stream
    return closing.enter_context(gzip.GzipFile(fileobj=cast(IO[bytes], stream)))


@contextmanager
def opened(name: str, path: Path, entry: int | None = None) -> Iterator[Opened]:
    """The file at `path`, or the entry of that index in a zip; `name` is for the errors.

    Raises:
        StopProgram: it cannot be opened, or what the block did with it failed with StopProgram.
    """
    try:
        file = Opened(path, entry)
    except UNREADABLE as error:
        raise StopProgram(f"{name}: cannot be read: {said(error)}") from error
    try:
        yield file
    except StopProgram as error:
        raise StopProgram(f"{name}: {error}") from error
    finally:
        file.close()


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file that was found to hold klines.

    Rows are its lines, counted from 0, header and blank ones too: the row after line n is row n.
    `size_bytes` is its packed size; `first_time_ms` the open time of its first bar, None when there is none to be seen.
    """

    name: str
    path: Path
    entry: int | None
    layout: Layout
    header_rows: int
    first_time_ms: int | None
    size_bytes: int

    def chunks(self, start_row: int = 0, chunk_size: int = 500, keep: Keep | None = None) -> Chunks:
        """The rows from `start_row` on, in chunks of at most `chunk_size`.

        With `keep`, only rows whose symbol (see `symbol_of_row`: unchecked, "" for a row without one) it is true for;
        chunks may then be short or empty, so that a long stretch without any never blocks for long.
        """
        return Chunks(self, start_row, chunk_size, keep)


class Chunks(Iterator[tuple[int, Chunk]]):
    """Chunks of one file, each with the row to start from after it. The file is open from the first to the last.

    Raises:
        StopProgram: on a file that turns out to be damaged, after the chunks before the damage.
    """

    def __init__(self, file: RecordedFile, start_row: int, chunk_size: int, keep: Keep | None) -> None:
        self._file = file
        self._chunk_size = chunk_size
        self._keep = keep
        self._opened: Opened | None = None
        self._bytes_read = 0
        self._chunks = self._read(max(start_row, file.header_rows))

    @property
    def bytes_read(self) -> int:
        """How many of the file's packed `size_bytes` have been read."""
        return self._bytes_read

    def __next__(self) -> tuple[int, Chunk]:
        return next(self._chunks)

    def close(self) -> None:
        """Let go of the file before its end."""
        self._chunks.close()

    def _read(self, start_row: int) -> Generator[tuple[int, Chunk], None, None]:
        file = self._file
        if self._keep and file.layout.symbol is not None and not self._keep(file.layout.symbol):
            return
        with opened(file.name, file.path, file.entry) as source:
            for block in line_blocks(source.stream):
                self._bytes_read = source.bytes_read()
                if block.before + block.lines > start_row:
                    yield from self._cut(block, start_row)

    def _cut(self, block: Block, start_row: int) -> Iterator[tuple[int, Chunk]]:
        skipped = max(0, start_row - block.before)
        end = block.before + block.lines
        rows = block.rows()[skipped:]
        lines: range | list[int] = range(block.before + skipped + 1, end + 1)
        file, keep, size = self._file, self._keep, self._chunk_size
        if keep and file.layout.symbol is None:
            kept = [index for index, row in enumerate(rows) if keep(symbol_of_row(row, file.layout))]
            rows, lines = [rows[index] for index in kept], [lines[index] for index in kept]
        for at in range(0, max(len(rows), 1), size):
            is_last = at + size >= len(rows)
            next_row = end if is_last else lines[at + size - 1]
            yield next_row, Chunk(file.name, lines[at : at + size], rows[at : at + size], file.layout)
