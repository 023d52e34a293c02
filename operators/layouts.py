"""How the rows of recorded klines are laid out: which column is what, and where symbol and timeframe come from."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from typing import NamedTuple

from operators.times import parse_time_ms
from state.errors import SkipInput, StopProgram
from state.key import check_symbol
from state.timeframe import Timeframe, timeframe_named

PRICES_AND_VOLUME = ("open", "high", "low", "close", "volume")
_TIME_NAMES = ("open_time", "time", "timestamp")
_TIMEFRAME_NAMES = ("timeframe", "interval", "period")
_DUMP_WIDTH = 12
_DUMP_NAMES = (_TIME_NAMES[0], *PRICES_AND_VOLUME, *[""] * 6)


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


def layout_of(first_row: str, *, flags: Naming = NO_NAMING, named: Naming = NO_NAMING) -> RowLayout:
    """How the rows of a CSV file are laid out, by its first row: a header, or the first of the exchange's 12 columns.

    Symbol and timeframe come from `flags`, else from a column, else from `named` (the file's name).

    Raises:
        StopProgram: columns are missing or doubled, or symbol or timeframe are not known or not possible.

    >>> layout_of("time,open,high,low,close,volume", named=Naming("BTCUSDT", "15m")).columns
    (0, 1, 2, 3, 4, 5)
    """
    try:
        cells = cells_of(first_row)
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
    cells = cells_of(first_data_row)
    if len(cells) != layout.width:
        return layout
    symbol_column = layout.symbol_column if layout.symbol else None
    timeframe_column = layout.timeframe_column if layout.timeframe else None
    return replace(layout, overridden=naming_in(cells, symbol_column, timeframe_column))


def naming_in(cells: list[str], symbol_column: int | None, timeframe_column: int | None) -> Naming:
    """What the given columns of a row say."""
    return Naming(
        None if symbol_column is None else cells[symbol_column].strip().upper(),
        None if timeframe_column is None else cells[timeframe_column].strip(),
    )


def cells_of(row: str) -> list[str]:
    """The cells of a row, quoted or not.

    Raises:
        SkipInput: its quotes do not match.
    """
    if '"' not in row:
        return row.split(",")
    try:
        return next(csv.reader([row], strict=True))
    except (csv.Error, StopIteration) as error:
        raise SkipInput(f"bad quotes: {error}") from error


def cells_or_none(row: str) -> list[str]:
    """The cells of a row; none where its quotes do not match."""
    try:
        return cells_of(row)
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
    found = {wanted[0]: _column(names, wanted) for wanted in (_TIME_NAMES, *((name,) for name in PRICES_AND_VOLUME))}
    missing = [name for name, column in found.items() if column is None]
    if missing:
        raise StopProgram(
            f"not klines: expected a header with {' or '.join(_TIME_NAMES)}, {', '.join(PRICES_AND_VOLUME)}, or the"
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
