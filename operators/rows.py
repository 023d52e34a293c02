"""Rows of recorded klines: from the text of a line to a checked bar, in chunks that may travel between processes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from operators.messages import MAX_MESSAGE_BYTES, Klines, parse_message, parse_number, symbol_in
from operators.times import parse_time_ms
from state.bar import Bar, check_bar
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of, split_key
from state.timeframe import Timeframe, timeframe_named

# Stands in a chunk for a line that was too long to keep; no kline looks like it.
OVERLONG_ROW = "\0overlong"

_PRICES_AND_VOLUME = ("open", "high", "low", "close", "volume")
_TIME_NAMES = ("open_time", "time", "timestamp")
_TIMEFRAME_NAMES = ("timeframe", "interval", "period")
_DUMP_WIDTH = 12
_DUMP_NAMES = (_TIME_NAMES[0], *_PRICES_AND_VOLUME, *[""] * 6)


class Naming(NamedTuple):
    """What somebody says a file holds: the user's flags, or the file's name. Texts are unchecked."""

    symbol: str | None = None
    timeframe: str | None = None


NO_NAMING = Naming()


@dataclass(frozen=True, slots=True)
class RowLayout:
    """Where the fields of a CSV row stand.

    `columns` are the indices of open time, open, high, low, close, volume. `symbol` and `timeframe` hold for all rows
    where they are set, else their columns say. With both set, a flag overrides the column, and `overridden` is what
    that column must say throughout, lest several symbols are merged into one.
    """

    width: int
    columns: tuple[int, ...]
    has_header: bool
    symbol: str | None = None
    symbol_column: int | None = None
    timeframe: Timeframe | None = None
    timeframe_column: int | None = None
    overridden: Naming = NO_NAMING


@dataclass(frozen=True, slots=True)
class MessageLayout:
    """Rows are kline messages. Where `symbol` or `timeframe` are set, a message of another is a bad row."""

    symbol: str | None = None
    timeframe: Timeframe | None = None


Layout = RowLayout | MessageLayout


class Chunk(NamedTuple):
    """Some rows of one file, as text, with their line numbers (from 1)."""

    file: str
    lines: Sequence[int]
    rows: list[str]
    layout: Layout


class BadInput(NamedTuple):
    """A row that is unusable: where it stands, such as `klines.csv:17`, and why."""

    where: str
    reason: str


def layout_of(first_row: str, *, flags: Naming = NO_NAMING, named: Naming = NO_NAMING) -> RowLayout:
    """How the rows of a CSV file are laid out, by its first row: a header, or the first of the exchange's 12 columns.

    Symbol and timeframe come from `flags`, else from a column, else from `named` (the file's name).

    Raises:
        StopProgram: columns are missing or doubled, or symbol or timeframe are not known or not possible.

    >>> layout_of("time,open,high,low,close,volume", named=Naming("BTCUSDT", "15m")).columns
    (0, 1, 2, 3, 4, 5)
    """
    try:
        cells = _cells(first_row)
    except SkipInput as error:
        raise StopProgram(f"not klines: {error}") from error
    headless = _is_dump_row(cells)
    names = list(_DUMP_NAMES) if headless else [cell.strip().lower().replace(" ", "_") for cell in cells]
    symbol_column = _column(names, ("symbol",))
    timeframe_column = _column(names, _TIMEFRAME_NAMES)
    return RowLayout(
        width=len(names),
        columns=_bar_columns(names, first_row),
        has_header=not headless,
        symbol=_known_symbol(flags.symbol, symbol_column, named.symbol),
        symbol_column=symbol_column,
        timeframe=_known_timeframe(flags.timeframe, timeframe_column, named.timeframe),
        timeframe_column=timeframe_column,
    )


def message_layout_of(flags: Naming) -> MessageLayout:
    """The layout of a file of kline messages, which name symbol and timeframe themselves.

    Raises:
        StopProgram: a flag is not possible.
    """
    return MessageLayout(
        _known_symbol(flags.symbol, 0, None),
        _known_timeframe(flags.timeframe, 0, None),
    )


def hold_to_first(layout: RowLayout, first_data_row: str) -> RowLayout:
    """`layout` with what overridden columns say in the first data row demanded of all rows."""
    cells = _cells(first_data_row)
    if len(cells) != layout.width:
        return layout
    symbol_column = layout.symbol_column if layout.symbol else None
    timeframe_column = layout.timeframe_column if layout.timeframe else None
    return replace(layout, overridden=_naming(cells, symbol_column, timeframe_column))


def parse_chunk(chunk: Chunk) -> list[tuple[str, Bar] | BadInput]:
    """The rows of `chunk` as (key, bar) or as bad input, in order; blank rows and messages not for us yield nothing."""
    if isinstance(chunk.layout, MessageLayout):
        return _parse_messages(chunk, chunk.layout)
    parse = _row_parser(chunk.layout)
    parsed: list[tuple[str, Bar] | BadInput] = []
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        try:
            parsed.append(parse(row))
        except SkipInput as error:
            parsed += _bad_input(chunk, line, row, error)
    return parsed


def symbol_of_row(row: str, layout: Layout) -> str:
    """The symbol `row` seems to be for, unchecked, in upper case, "" when it has none: to share out rows unparsed."""
    if layout.symbol is not None:
        return layout.symbol
    if isinstance(layout, MessageLayout):
        return symbol_in(row)
    column = layout.symbol_column or 0
    cells = row.split(",", column + 1) if '"' not in row else _cells_or_none(row)
    return cells[column].strip().upper() if column < len(cells) else ""


def open_time_of_row(row: str, layout: RowLayout) -> int:
    """The open time of `row` in milliseconds.

    Raises:
        SkipInput: it has none.
    """
    cells = _cells(row)
    return parse_time_ms(cells[layout.columns[0]]) if len(cells) == layout.width else parse_time_ms("")


def _row_parser(layout: RowLayout) -> Callable[[str], tuple[str, Bar]]:
    width, pick, label = layout.width, itemgetter(*layout.columns), _labeller(layout)
    # Saves a tenth of the row: Bar(...) is a Python function around this.
    new_bar = tuple.__new__

    def parse(row: str) -> tuple[str, Bar]:
        cells = row.split(",") if '"' not in row else _cells(row)
        if len(cells) != width:
            raise SkipInput(f"expected {width} columns, got {len(cells)}")
        time, open_, high, low, close, volume = fields = pick(cells)
        # What float() reads and no exchange writes: underscores between digits, digits of other scripts.
        if "_" in row or not row.isascii():
            _check_fields(fields)
        try:
            bar = new_bar(
                Bar, (parse_time_ms(time), float(open_), float(high), float(low), float(close), float(volume))
            )
        except ValueError as error:
            _check_fields(fields)
            raise SkipInput(str(error)) from error
        key, timeframe = label(cells)
        check_bar(bar, timeframe)
        return key, bar

    return parse


def _labeller(layout: RowLayout) -> Callable[[list[str]], tuple[str, Timeframe]]:
    """What tells key and timeframe of a row's cells."""
    symbol, timeframe, overridden = layout.symbol, layout.timeframe, layout.overridden
    symbol_column, timeframe_column = layout.symbol_column, layout.timeframe_column
    if symbol and timeframe and overridden == NO_NAMING:
        fixed = key_of(symbol, timeframe), timeframe
        return lambda _: fixed

    def label(cells: list[str]) -> tuple[str, Timeframe]:
        if overridden != NO_NAMING:
            _check_overridden(cells, layout)
        return _labelled(
            symbol or cells[symbol_column or 0], timeframe.name if timeframe else cells[timeframe_column or 0]
        )

    return label


@lru_cache(maxsize=8192)
def _labelled(symbol: str, timeframe_name: str) -> tuple[str, Timeframe]:
    # An error is not kept by the cache, so no long text is.
    if len(symbol) + len(timeframe_name) > 100:
        raise SkipInput(f"bad symbol or timeframe {symbol[:40]!r}, {timeframe_name[:40]!r}")
    timeframe = timeframe_named(timeframe_name.strip())
    return key_of(check_symbol(symbol), timeframe), timeframe


def _check_overridden(cells: list[str], layout: RowLayout) -> None:
    symbol_column = layout.symbol_column if layout.overridden.symbol is not None else None
    timeframe_column = layout.timeframe_column if layout.overridden.timeframe is not None else None
    said = _naming(cells, symbol_column, timeframe_column)
    for flag, got, expected in zip(("--symbol", "--timeframe"), said, layout.overridden, strict=True):
        if got != expected:
            raise SkipInput(f"{flag} stands for {expected!r:.60} in this file, and this row is of {got!r:.60}")


def _naming(cells: list[str], symbol_column: int | None, timeframe_column: int | None) -> Naming:
    return Naming(
        None if symbol_column is None else cells[symbol_column].strip().upper(),
        None if timeframe_column is None else cells[timeframe_column].strip(),
    )


def _check_fields(fields: Sequence[str]) -> None:
    try:
        parse_time_ms(fields[0])
    except SkipInput as error:
        raise SkipInput(f"open time: {error}") from error
    for name, text in zip(_PRICES_AND_VOLUME, fields[1:], strict=True):
        parse_number(text, name)


def _bad_input(chunk: Chunk, line: int, row: str, error: SkipInput) -> list[tuple[str, Bar] | BadInput]:
    if not row.strip():
        return []
    reason = f"line is longer than {MAX_MESSAGE_BYTES} bytes" if row == OVERLONG_ROW else str(error)
    return [BadInput(f"{chunk.file}:{line}", reason)]


def _parse_messages(chunk: Chunk, layout: MessageLayout) -> list[tuple[str, Bar] | BadInput]:
    parsed: list[tuple[str, Bar] | BadInput] = []
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        try:
            message = parse_message(row)
            if isinstance(message, Klines):
                _check_wanted(message, layout)
                parsed += message.bars
                parsed += [BadInput(f"{chunk.file}:{line}", reason) for reason in message.bad]
        except SkipInput as error:
            parsed += _bad_input(chunk, line, row, error)
    return parsed


def _check_wanted(klines: Klines, layout: MessageLayout) -> None:
    for key, _ in klines.bars[:1]:
        symbol, timeframe = split_key(key)
        if symbol != (layout.symbol or symbol):
            raise SkipInput(f"--symbol is {layout.symbol}, and this message is of {symbol}")
        if timeframe != (layout.timeframe or timeframe) and layout.timeframe:
            raise SkipInput(f"--timeframe is {layout.timeframe.name}, and this message is of {timeframe.name}")


def _cells(row: str) -> list[str]:
    if '"' not in row:
        return row.split(",")
    try:
        return next(csv.reader([row], strict=True))
    except (csv.Error, StopIteration) as error:
        raise SkipInput(f"bad quotes: {error}") from error


def _cells_or_none(row: str) -> list[str]:
    try:
        return _cells(row)
    except SkipInput:
        return []


def _is_dump_row(cells: list[str]) -> bool:
    if len(cells) != _DUMP_WIDTH:
        return False
    try:
        parse_time_ms(cells[0])
    except SkipInput:
        return False
    return True


def _bar_columns(names: list[str], first_row: str) -> tuple[int, ...]:
    found = {wanted[0]: _column(names, wanted) for wanted in (_TIME_NAMES, *((name,) for name in _PRICES_AND_VOLUME))}
    missing = [name for name, column in found.items() if column is None]
    if missing:
        raise StopProgram(
            f"not klines: expected a header with {' or '.join(_TIME_NAMES)}, {', '.join(_PRICES_AND_VOLUME)}, or the"
            f" exchange's {_DUMP_WIDTH} columns; {', '.join(missing)} missing in {repr(first_row[:60])[:60]}"
        )
    return tuple(column for column in found.values() if column is not None)


def _column(names: list[str], wanted: tuple[str, ...]) -> int | None:
    for name in wanted:
        if names.count(name) > 1:
            raise StopProgram(f"column {name} stands twice in the header")
        if name in names:
            return names.index(name)
    return None


def _known_symbol(flag: str | None, column: int | None, named: str | None) -> str | None:
    text = flag if flag is not None else named
    if flag is None and column is not None:
        return None
    if text is None:
        raise StopProgram("no symbol column, and the file's name does not tell the symbol: give --symbol")
    try:
        return check_symbol(text)
    except SkipInput as error:
        raise StopProgram(str(error)) from error


def _known_timeframe(flag: str | None, column: int | None, named: str | None) -> Timeframe | None:
    text = flag if flag is not None else named
    if flag is None and column is not None:
        return None
    if text is None:
        raise StopProgram("no timeframe column, and the file's name does not tell the timeframe: give --timeframe")
    try:
        return timeframe_named(text)
    except SkipInput as error:
        raise StopProgram(str(error)) from error
