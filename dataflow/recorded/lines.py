"""Lines of a byte stream, in blocks of bounded size, whatever the stream holds."""

from __future__ import annotations

import codecs
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from operators.messages import MAX_MESSAGE_BYTES
from operators.rows import OVERLONG_ROW
from state.errors import StopProgram

BLOCK_BYTES = 2**18

# What reading raises on files that are damaged, or made to look damaged: zipfile alone lets seven kinds through.
UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    IndexError,
    OverflowError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
)


class ByteStream(Protocol):
    """What is read: a file, or what is packed in one."""

    def read1(self, size: int, /) -> bytes:
        """Some bytes, at most `size`; none at the end."""
        ...


class Block(NamedTuple):
    """Whole lines: how many lines came before, how many these are, and their bytes without the last line's end."""

    before: int
    lines: int
    data: bytes

    def rows(self) -> list[str]:
        """The lines as text. Bytes that are no UTF-8 become lone surrogates, which no parser takes for anything."""
        return self.data.decode("utf-8", "surrogateescape").split("\n")


def line_blocks(stream: ByteStream) -> Iterator[Block]:
    """The lines of `stream`; one of more than 1 MiB is replaced by `OVERLONG_ROW`. Holds 2 MiB at most.

    Raises:
        StopProgram: the stream turns out to be damaged; the lines before the damage have come by then.
    """
    before = 0
    try:
        for data in _whole_lines(_pieces(stream)):
            block = Block(before, data.count(b"\n") + 1, data)
            before += block.lines
            yield block
    except UNREADABLE as error:
        what = f"corrupt after line {before}" if before else "cannot be read"
        raise StopProgram(f"{what}: {said(error)}") from error


def said(error: BaseException) -> str:
    """What `error` says, on one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__


def _pieces(stream: ByteStream) -> Iterator[bytes]:
    """The stream in pieces of `BLOCK_BYTES` or a little more; a failure is raised after all that came before it."""
    failure: Exception | None = None
    ended = False
    start = codecs.BOM_UTF8
    while not ended:
        piece = bytearray()
        try:
            while len(piece) < BLOCK_BYTES and not ended:
                read = stream.read1(BLOCK_BYTES)
                piece += read
                ended = not read
        except UNREADABLE as error:
            failure, ended = error, True
        yield bytes(piece.removeprefix(start))
        start = b""
    if failure:
        raise failure


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    carry = bytearray()
    overlong = False
    for piece in pieces:
        first = piece.find(b"\n")
        if overlong or len(carry) + (len(piece) if first < 0 else first) > MAX_MESSAGE_BYTES:
            # The line is dropped up to its end, and its stand-in is put in its place.
            carry[:] = OVERLONG_ROW.encode()
            overlong = first < 0
            carry += b"" if overlong else piece[first:]
        else:
            carry += piece
        last = carry.rfind(b"\n")
        if last >= 0:
            yield bytes(carry[:last])
            del carry[: last + 1]
    if carry:
        yield bytes(carry)
