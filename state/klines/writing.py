"""Bars into one table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import sqlalchemy as sa

from state.bar import Bar
from state.errors import SkipInput
from state.klines.rows import Row
from state.klines.table import KlineTable
from state.klines.times import END_MS, time_of
from state.timeframe import Timeframe


class Written(NamedTuple):
    """What writing bars did: how many were new, how many stood there otherwise, how many stood there already."""

    new: int = 0
    corrected: int = 0
    unchanged: int = 0


def write_bars(
    connection: sa.Connection, table: KlineTable, symbol: str, timeframe: Timeframe, bars: dict[int, Bar]
) -> Written:
    """Have `bars`, by their open time, in `table`.

    Not an upsert: a table that others made need not have the unique index that takes, and what is there already,
    mostly all, costs nothing but reading it.
    """
    span = {"since": table.time_value(min(bars)), "until": table.time_value(max(bars))}
    known = _by_time(connection.execute(table.oldest, {"of_symbol": symbol, "size": END_MS, **span}))
    inserts, updates = [], []
    for time_ms, bar in bars.items():
        if time_ms not in known:
            inserts.append(_values(bar, table.time_value(time_ms), symbol, timeframe))
        elif known[time_ms][1:] != bar[1:]:
            updates.append(_values(bar, known[time_ms][0], symbol, timeframe))
    if inserts:
        connection.execute(table.insertion, inserts)
    if updates:
        connection.execute(table.correction, updates)
    return Written(len(inserts), len(updates), len(bars) - len(inserts) - len(updates))


def _by_time(rows: Iterable[Row]) -> dict[int, tuple[Any, ...]]:
    """Open times with what stands there, numbers as floats; with no numbers where rows disagree or have none."""
    known: dict[int, tuple[Any, ...]] = {}
    for time, *fields in rows:
        try:
            time_ms = time_of(time)
        except SkipInput:
            continue
        try:
            row = (time, *map(float, fields))
        except (TypeError, ValueError):
            row = (time,)
        known[time_ms] = row if known.get(time_ms, row) == row else (time,)
    return known


def _values(bar: Bar, time: int | str, symbol: str, timeframe: Timeframe) -> dict[str, Any]:
    fields = {f"value{place}": value for place, value in enumerate(bar[1:])}
    return {"time": time, "of_symbol": symbol, "of_timeframe": timeframe.name, **fields}
