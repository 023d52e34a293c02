"""Bars out of one table, page by page."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa

from state.bar import Bar
from state.klines.rows import Report, Row, take_bars
from state.klines.table import SEPARATOR, KlineTable
from state.timeframe import Timeframe


class Wanted(NamedTuple):
    """At most `limit` bars that open from `since_ms` to `until_ms`, both included: the newest, or the oldest."""

    symbol: str
    timeframe: Timeframe
    since_ms: int
    until_ms: int
    limit: int
    newest: bool


def read_bars(connection: sa.Connection, table: KlineTable, wanted: Wanted, report: Report) -> dict[int, Bar]:
    """The bars wanted by their open time, in no order, and possibly a few more; bad rows go to `report`."""
    bars: dict[int, Bar] = {}
    moving = "until" if wanted.newest else "since"
    # One row more than wanted shows that those before it are all there are for their open times.
    bound: dict[str, Any] = {
        "of_symbol": wanted.symbol,
        "since": table.time_value(wanted.since_ms),
        "until": table.time_value(wanted.until_ms),
        "size": wanted.limit + 1,
    }
    while True:
        rows = _rows(connection, table, bound, newest=wanted.newest)
        is_last = len(rows) < bound["size"]
        if not is_last:
            bound[moving] = rows[-1][0]
            # The page may end between two rows for one open time: the next one begins with both.
            rows = _without_last_time(rows)
            if not rows:
                bound["size"] *= 2
        take_bars(rows, wanted.timeframe, bars, report)
        if is_last or len(bars) >= wanted.limit:
            return bars


def _rows(connection: sa.Connection, table: KlineTable, bound: dict[str, Any], *, newest: bool) -> list[Row]:
    if connection.dialect.name != "mysql":
        return _fetched(connection, table.newest if newest else table.oldest, bound)
    # PyMySQL takes its time for every single value, so rows come as one value each: that halves the time of reading.
    joined = _fetched(connection, table.newest_joined if newest else table.oldest_joined, bound)
    rows: list[Any] = [row.split(SEPARATOR) for (row,) in joined]
    if table.time_is_number:
        for row in rows:
            row[0] = int(row[0]) if row[0].isdecimal() else float(row[0])
    return rows


def _fetched(connection: sa.Connection, statement: sa.Select[Any], bound: dict[str, Any]) -> list[Any]:
    # The driver's own rows, as they are: SQLAlchemy's would cost more.
    with connection.execute(statement, bound) as result:
        return list(result.cursor.fetchall())


def _without_last_time(rows: list[Row]) -> list[Row]:
    last = rows[-1][0]
    end = len(rows)
    while end and rows[end - 1][0] == last:
        end -= 1
    return rows[:end]
