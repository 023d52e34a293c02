"""A table of klines: its columns, and the statements that read and write it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.elements import quoted_name

from state.klines.times import text_of_time

FIELDS = ("open", "high", "low", "close", "volume")

SEPARATOR = "|"

_TIME_NAMES = ("open_time", "timestamp")
_TIMEFRAME_NAMES = ("timeframe", "interval", "period")
_NUMBER_TYPE = re.compile(r"int|dec|num|double|float|real", re.IGNORECASE)


@dataclass(frozen=True)
class KlineTable:
    """A table and the names of its columns.

    `time` is milliseconds where `time_is_number`, else a date and time in UTC. `fields` are those of open, high, low,
    close and volume. `symbol` is set where there is such a column; a table is read by it only when `is_shared`, that is
    when it holds more symbols than one. `timeframe` is the column that repeats the timeframe's name, if there is one.
    """

    name: str
    is_shared: bool
    time: str
    time_is_number: bool
    fields: tuple[str, ...]
    symbol: str | None = None
    timeframe: str | None = None

    @cached_property
    def newest(self) -> sa.Select[Any]:
        """Rows from `:since` to `:until`, both included, the newest first, at most `:size`; `:of_symbol` if shared."""
        return self._rows(*self._values).order_by(sa.desc(self._time))

    @cached_property
    def oldest(self) -> sa.Select[Any]:
        """The same rows, the oldest first."""
        return self._rows(*self._values).order_by(self._time)

    @cached_property
    def newest_joined(self) -> sa.Select[Any]:
        """As `newest`, each row as one text, with `SEPARATOR` between the values: for MySQL."""
        return self._rows(self._joined).order_by(sa.desc(self._time))

    @cached_property
    def oldest_joined(self) -> sa.Select[Any]:
        """As `oldest`, each row as one text, with `SEPARATOR` between the values: for MySQL."""
        return self._rows(self._joined).order_by(self._time)

    @cached_property
    def symbols(self) -> sa.Select[Any]:
        """All symbols in a shared table."""
        return sa.select(self._column(self.symbol or "")).distinct()

    @cached_property
    def insertion(self) -> sa.Insert:
        """New rows: `:time`, `:of_symbol`, `:of_timeframe`, and the fields by their place, `:value0` to `:value4`."""
        values = {self.time: "time", **{column: f"value{place}" for place, column in enumerate(self.fields)}}
        values |= {
            column: name for column, name in ((self.symbol, "of_symbol"), (self.timeframe, "of_timeframe")) if column
        }
        return sa.insert(self._table).values({column: sa.bindparam(name) for column, name in values.items()})

    @cached_property
    def correction(self) -> sa.Update:
        """Other fields for what is at `:time`."""
        fields: dict[str, Any] = {column: sa.bindparam(f"value{place}") for place, column in enumerate(self.fields)}
        return sa.update(self._table).where(self._time == sa.bindparam("time"), *self._own).values(fields)

    def time_value(self, time_ms: int) -> int | str:
        """A time as the table has it."""
        return time_ms if self.time_is_number else text_of_time(time_ms)

    @cached_property
    def _table(self) -> sa.TableClause:
        names = (self.time, *self.fields, self.symbol, self.timeframe)
        return sa.table(_quoted(self.name), *(sa.column(_quoted(name)) for name in names if name))

    def _rows(self, *what: sa.ColumnElement[Any]) -> sa.Select[Any]:
        within = (self._time >= sa.bindparam("since"), self._time <= sa.bindparam("until"))
        return sa.select(*what).where(*self._own, *within).limit(sa.bindparam("size"))

    @property
    def _values(self) -> list[sa.ColumnClause[Any]]:
        return [self._column(name) for name in (self.time, *self.fields)]

    @property
    def _joined(self) -> sa.ColumnElement[str]:
        # The function leaves out NULLs, and what follows them would move up.
        nothing: sa.ColumnClause[str] = sa.literal_column("''")
        separator: sa.ColumnClause[str] = sa.literal_column(f"'{SEPARATOR}'")
        return sa.func.concat_ws(separator, *(sa.func.ifnull(value, nothing) for value in self._values))

    @property
    def _time(self) -> sa.ColumnClause[Any]:
        return self._column(self.time)

    @property
    def _own(self) -> tuple[sa.ColumnElement[bool], ...]:
        return (self._column(self.symbol or "") == sa.bindparam("of_symbol"),) if self.is_shared else ()

    def _column(self, name: str) -> sa.ColumnClause[Any]:
        return self._table.c[name]


def table_of(name: str, column_types: Mapping[str, str], *, is_shared: bool) -> KlineTable | None:
    """The table called `name` with these columns and their SQL types; None when it lacks columns that klines have."""
    columns = {column.lower(): column for column in column_types}
    time = _first(columns, _TIME_NAMES)
    fields = [_first(columns, (field, f"{field}_price")) for field in FIELDS]
    symbol = columns.get("symbol")
    if time is None or None in fields or (is_shared and symbol is None):
        return None
    return KlineTable(
        name=name,
        is_shared=is_shared,
        time=time,
        time_is_number=bool(_NUMBER_TYPE.search(column_types[time])),
        fields=tuple(field for field in fields if field),
        symbol=symbol,
        timeframe=_first(columns, _TIMEFRAME_NAMES),
    )


def own_table(name: str, *, is_shared: bool) -> sa.Table:
    """The table that is made where a database has none to go by: times in milliseconds, numbers as doubles."""
    symbol = [sa.Column("symbol", sa.String(40), primary_key=True)] if is_shared else []
    time = sa.Column("open_time", sa.BigInteger, primary_key=True, autoincrement=False)
    fields = [sa.Column(field, sa.Double, nullable=False) for field in FIELDS]
    return sa.Table(_quoted(name), sa.MetaData(), *symbol, time, *fields, sqlite_with_rowid=False)


def _first(columns: Mapping[str, str], names: Collection[str]) -> str | None:
    return next((columns[name] for name in names if name in columns), None)


def _quoted(name: str) -> quoted_name:
    return quoted_name(name, quote=True)
