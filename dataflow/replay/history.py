"""Recorded files as kline history."""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.recorded import RecordedFile
from operators.rows import BadInput, parse_chunk
from state.bar import Bar
from state.key import split_key


class RecordedHistory:
    """The bars that a replay's own files hold."""

    def __init__(self, files: tuple[RecordedFile, ...]) -> None:
        self.files = files

    def bars_before(self, key: str, open_time_ms: int) -> Iterator[Bar]:
        """The bars of `key` that open before `open_time_ms`, file by file in their order."""
        symbol, _ = split_key(key)
        for file in self.files:
            for _, chunk in file.chunks(keep=lambda found: found == symbol):
                for item in parse_chunk(chunk):
                    if not isinstance(item, BadInput) and item[0] == key and item[1].open_time_ms < open_time_ms:
                        yield item[1]
