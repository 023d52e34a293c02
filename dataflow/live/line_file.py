"""A file of lines that grows while others may read it, and never ends in half a line of ours."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType

from state.errors import StopProgram

STDOUT = Path("-")


class LineFile:
    """Lines, handed to the operating system as they are written: a process that is killed loses none.

    A file that holds something is refused, unless it is to be appended to; `-` is standard output.

    Raises:
        StopProgram: it cannot be written; then and later.
    """

    def __init__(self, path: Path, *, append: bool = False) -> None:
        self.name = "standard output" if path == STDOUT else str(path)
        self._file = self._opened(path)
        try:
            self._check(path, append=append)
        except BaseException:
            self._file.close()
            raise

    def write(self, lines: bytes) -> None:
        """Write whole lines."""
        left = memoryview(lines)
        written = 0
        try:
            while written < len(left):
                written += self._file.write(left[written:]) or 0
        except OSError as error:
            self._take_back(written - lines.rfind(b"\n", 0, written) - 1)
            raise self._stop(error) from error

    def close(self) -> None:
        """Let go of the file."""
        try:
            self._file.close()
        except OSError as error:  # a file on the network may say only now that its disk is full
            raise self._stop(error) from error

    def __enter__(self) -> LineFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def _opened(self, path: Path) -> FileIO:
        try:
            # In mode a+ writes go to the end, wherever was read.
            return FileIO(1, "w", closefd=False) if path == STDOUT else FileIO(path, "a+")
        except (OSError, ValueError) as error:
            raise self._stop(error) from error

    def _check(self, path: Path, *, append: bool) -> None:
        size = 0 if path == STDOUT or not path.is_file() else os.fstat(self._file.fileno()).st_size
        if size and not append:
            raise StopProgram(f"{self.name}: exists already; choose another file, or --append to it")
        if size and os.pread(self._file.fileno(), 1, size - 1) != b"\n":
            self.write(b"\n")  # what somebody left unfinished stays a line of its own

    def _take_back(self, size: int) -> None:
        """Cut off half a line that a full disk still took; where that is not possible, it stays."""
        with suppress(OSError):
            self._file.truncate(os.fstat(self._file.fileno()).st_size - size)

    def _stop(self, error: OSError | ValueError) -> StopProgram:
        reason = error.strerror if isinstance(error, OSError) else None
        return StopProgram(f"{self.name}: cannot be written: {reason or error}")
