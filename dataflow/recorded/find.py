"""Recorded files, found and put in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from dataflow.recorded.files import Opened, RecordedFile, opened
from dataflow.recorded.lines import ByteStream, line_blocks
from dataflow.recorded.places import Place, expand, named, places_at
from operators.layouts import NO_NAMING, Layout, Naming, RowLayout, hold_to_first, layout_of, message_layout_of
from operators.messages import Klines, parse_message
from operators.rows import OVERLONG_ROW, BadInput, open_time_of_row, parse_chunk
from state.bar import Bar
from state.errors import SkipInput, StopProgram

_MESSAGES_SUFFIX = re.compile(r"\.(jsonl|ndjson|json)(\.gz)?$", re.IGNORECASE)

# How many rows are searched for the first bar.
_ROWS_SEARCHED = 1000


def recorded_files(
    paths: Sequence[str | Path],
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    leave_out: Sequence[Path] = (),
) -> list[RecordedFile]:
    """The recorded files at `paths` (directories stand for the kline files below them), by the time of their first bar.

    What is at or below the paths to `leave_out` is no input, though it lie in one of the directories.

    `symbol` and `timeframe`, where given, win over what files and their names say.

    Raises:
        StopProgram: a path is missing, a file unreadable or empty, a symbol or timeframe not known, or `symbol` or
            `timeframe` would merge several into one.
    """
    flags = Naming(symbol, timeframe)
    found = [_probe(place, flags) for path in expand(paths, leave_out) for place in places_at(path)]
    _check_not_merged(found, flags)
    files = [file for file, _ in found]
    return sorted(files, key=lambda file: (file.first_time_ms is None, file.first_time_ms or 0, file.name))


def read_bars(
    paths: Sequence[str | Path],
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    on_bad: Callable[[BadInput], None] | None = None,
) -> Iterator[tuple[str, Bar]]:
    """The bars of the recorded files at `paths` with their keys, file by file; bad rows go to `on_bad`.

    Raises:
        StopProgram: see `recorded_files`; or a file turns out to be damaged.
    """
    for file in recorded_files(paths, symbol=symbol, timeframe=timeframe):
        for _, chunk in file.chunks():
            for item in parse_chunk(chunk):
                if not isinstance(item, BadInput):
                    yield item
                elif on_bad:
                    on_bad(item)


def _probe(place: Place, flags: Naming) -> tuple[RecordedFile, Naming]:
    """The file at `place`, and which symbol and timeframe it would have without `flags`."""
    with opened(place.name, place.path, place.entry) as source:
        rows = _rows(source.stream)
        number, first = next(rows, (0, ""))
        if not first or first == OVERLONG_ROW:
            raise StopProgram("not klines: its first line is longer than 1 MiB" if first else "is empty")
        layout: Layout
        if first.lstrip().startswith("{") or _MESSAGES_SUFFIX.search(place.file_names[0]):
            layout = message_layout_of(flags)
        else:
            layout = layout_of(first, flags=flags, named=named(place.file_names))
        has_header = isinstance(layout, RowLayout) and layout.has_header
        return _found(
            place, source, layout, number + has_header, rows if has_header else chain([(number, first)], rows)
        )


def _found(
    place: Place, source: Opened, layout: Layout, header_rows: int, rows: Iterable[tuple[int, str]]
) -> tuple[RecordedFile, Naming]:
    first_row, first_time_ms = _first_bar(rows, layout)
    own = NO_NAMING
    if isinstance(layout, RowLayout):
        layout = hold_to_first(layout, first_row)
        own = _or_else(layout.overridden, named(place.file_names))
    file = RecordedFile(place.name, place.path, place.entry, layout, header_rows, first_time_ms, source.size_bytes)
    return file, own


def _rows(stream: ByteStream) -> Iterator[tuple[int, str]]:
    for block in line_blocks(stream):
        for number, row in enumerate(block.rows(), block.before):
            if row.strip():
                yield number, row


def _first_bar(rows: Iterable[tuple[int, str]], layout: Layout) -> tuple[str, int | None]:
    """The first row that has an open time, and that time."""
    for _, row in islice(rows, _ROWS_SEARCHED):
        try:
            return row, _open_time_ms(row, layout)
        except SkipInput:
            continue
    return "", None


def _open_time_ms(row: str, layout: Layout) -> int:
    if isinstance(layout, RowLayout):
        return open_time_of_row(row, layout)
    message = parse_message(row)
    if isinstance(message, Klines) and message.bars:
        return message.bars[0][1].open_time_ms
    raise SkipInput("no bar in this message")


def _or_else(naming: Naming, otherwise: Naming) -> Naming:
    symbol = otherwise.symbol if naming.symbol is None else naming.symbol
    return Naming(symbol, otherwise.timeframe if naming.timeframe is None else naming.timeframe)


def _check_not_merged(found: Sequence[tuple[RecordedFile, Naming]], flags: Naming) -> None:
    for field, flag in flags._asdict().items():
        owners = {getattr(own, field): file.name for file, own in found if getattr(own, field)}
        if flag is not None and len(owners) > 1:
            (one, file), (other, other_file), *_ = sorted(owners.items())
            raise StopProgram(f"--{field} {flag} would merge {one!r} ({file}) and {other!r} ({other_file})")
