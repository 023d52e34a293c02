"""Rows of recorded klines: from the text of a line to a checked bar, in chunks that may travel between processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from operators.layouts import (
    NO_NAMING,
    PRICES_AND_VOLUME,
    Layout,
    MessageLayout,
    RowLayout,
    cells_of,
    cells_or_none,
    naming_in,
)
from operators.messages import MAX_MESSAGE_BYTES, Klines, parse_message, parse_number, symbol_in
from operators.times import parse_time_ms
from state.bar import Bar, check_bar
from state.errors import SkipInput
from state.key import check_symbol, key_of, split_key
from state.timeframe import Timeframe, timeframe_named

# Stands in a chunk for a line that was too long to keep; no kline looks like it.
OVERLONG_ROW = "\0overlong"


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
    cells = row.split(",", column + 1) if '"' not in row else cells_or_none(row)
    return cells[column].strip().upper() if column < len(cells) else ""


def open_time_of_row(row: str, layout: RowLayout) -> int:
    """The open time of `row` in milliseconds.

    Raises:
        SkipInput: it has none.
    """
    cells = cells_of(row)
    return parse_time_ms(cells[layout.columns[0]]) if len(cells) == layout.width else parse_time_ms("")


def _row_parser(layout: RowLayout) -> Callable[[str], tuple[str, Bar]]:
    width, pick, label = layout.width, itemgetter(*layout.columns), _labeller(layout)
    # Saves a tenth of the row: Bar(...) is a Python function around this.
    new_bar = tuple.__new__

    def parse(row: str) -> tuple[str, Bar]:
        cells = row.split(",") if '"' not in row else cells_of(row)
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
    said = naming_in(cells, symbol_column, timeframe_column)
    for flag, got, expected in zip(("--symbol", "--timeframe"), said, layout.overridden, strict=True):
        if got != expected:
            raise SkipInput(f"{flag} stands for {expected!r:.60} in this file, and this row is of {got!r:.60}")


def _check_fields(fields: Sequence[str]) -> None:
    try:
        parse_time_ms(fields[0])
    except SkipInput as error:
        raise SkipInput(f"open time: {error}") from error
    for name, text in zip(PRICES_AND_VOLUME, fields[1:], strict=True):
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
