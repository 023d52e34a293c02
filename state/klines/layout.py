"""Which tables a database keeps klines in, and which of them a key's bars are in.

There are two layouts: a table per symbol and interval (`btcusdt_klines_15m`; months: `1mo`), and a table per interval
with a column `symbol` (`klines_m15`). A database may have both, and a key too: then bars are read from both tables, and
where both have a bar of the same open time, the one in the key's own table counts. Bars are written to the key's own
table where there is one, else to the interval's. Where there is neither, a table is made: in the layout that the
database has, like its other tables, or else, in a database without klines, per interval.
"""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.schema import CreateTable

from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of
from state.klines.table import KlineTable, own_table, table_of
from state.timeframe import TIMEFRAMES, Timeframe

log = logging.getLogger(__name__)

_NUMBER_AND_UNIT = re.compile(r"(\d+)(\w)")


def _interval(timeframe: str) -> str:
    """How names of shared tables say a timeframe, such as `m15`; `mo1` is not to be mistaken for `m1`."""
    return _NUMBER_AND_UNIT.sub(r"\2\1", timeframe).replace("M", "mo")


_SHARED = {f"klines_{_interval(name)}": timeframe for name, timeframe in TIMEFRAMES.items()}
_SHARED_NAMES = {timeframe: name for name, timeframe in _SHARED.items()}
_SUFFIXES = {timeframe: f"_klines_{name.replace('M', 'mo')}" for name, timeframe in TIMEFRAMES.items()}
_OWN_NAME = re.compile(f"(?P<symbol>[a-z0-9_]+)(?P<suffix>{'|'.join(_SUFFIXES.values())})")
_OF_SUFFIX = {suffix: timeframe for timeframe, suffix in _SUFFIXES.items()}

_MYSQL_COLUMNS = (
    "SELECT table_name, column_name, data_type FROM information_schema.columns"
    " WHERE table_schema = database() AND table_name LIKE '%klines%'"
)
_SQLITE_TABLES = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name LIKE '%klines%'"
_SQLITE_COLUMNS = sa.text("SELECT name, type FROM pragma_table_info(:name)")
_NAME = {"mysql": "table_name", "sqlite": "name"}
_THESE: sa.BindParameter[list[str]] = sa.bindparam("names", expanding=True)


class Tables(NamedTuple):
    """The tables that a key's bars are in: its own, and the one it shares with other symbols."""

    own: KlineTable | None
    shared: KlineTable | None


class Layout:
    """The tables of klines in one database. Those that are made later are found by who asks for a key in them."""

    def __init__(self) -> None:
        self._found: dict[str, KlineTable] | None = None

    def forget(self) -> None:
        """Look again, next time: a table is not what it was."""
        self._found = None

    def own(self, connection: sa.Connection) -> list[str]:
        """The keys that have a table of their own."""
        names = [_OWN_NAME.fullmatch(name) for name in self._all(connection)]
        return [key_of(name["symbol"].upper(), _OF_SUFFIX[name["suffix"]]) for name in names if name]

    def shared(self, connection: sa.Connection) -> dict[Timeframe, KlineTable]:
        """The tables that symbols share, by timeframe."""
        return {_SHARED[name]: table for name, table in self._all(connection).items() if table.is_shared}

    def tables(self, connection: sa.Connection, symbol: str, timeframe: Timeframe) -> Tables:
        """Where the bars of a checked symbol and a timeframe are."""
        names = f"{symbol.lower()}{_SUFFIXES[timeframe]}", _SHARED_NAMES[timeframe]
        known = self._all(connection)
        if not any(name in known for name in names):
            known.update(_look(connection, names))
        return Tables(known.get(names[0]), known.get(names[1]))

    def table_to_write(self, connection: sa.Connection, symbol: str, timeframe: Timeframe) -> KlineTable:
        """Where new bars of a checked symbol and a timeframe go; the table is made if it has to be.

        Raises:
            StopProgram: there is a table of that name, and it is not for klines.
        """
        tables = self.tables(connection, symbol, timeframe)
        if (table := tables.own or tables.shared) is not None:
            return table
        known = self._all(connection)
        is_shared = not known or any(table.is_shared for table in known.values())
        name = _SHARED_NAMES[timeframe] if is_shared else f"{symbol.lower()}{_SUFFIXES[timeframe]}"
        _make(connection, name, next((each for each in known.values() if each.is_shared == is_shared), None))
        known.update(_look(connection, (name,)))
        if name not in known:
            raise StopProgram(f"table {name} has no columns for klines: rename it, or add them")
        return known[name]

    def _all(self, connection: sa.Connection) -> dict[str, KlineTable]:
        if self._found is None:
            self._found = _look(connection)
        return self._found


def _make(connection: sa.Connection, name: str, like: KlineTable | None) -> None:
    quote = connection.dialect.identifier_preparer.quote_identifier
    if like is not None and connection.dialect.name == "mysql":
        # What else reads this database expects the columns and types that it has elsewhere.
        connection.exec_driver_sql(f"CREATE TABLE IF NOT EXISTS {quote(name)} LIKE {quote(like.name)}")
    else:
        connection.execute(CreateTable(own_table(name, is_shared=name in _SHARED), if_not_exists=True))


def _look(connection: sa.Connection, names: tuple[str, ...] = ()) -> dict[str, KlineTable]:
    """The tables of klines that there are, or those of these names."""
    columns: dict[str, dict[str, str]] = {}
    columns_of = _in_mysql if connection.dialect.name == "mysql" else _in_sqlite
    for table_name, column, kind in columns_of(connection, names):
        columns.setdefault(table_name, {})[column] = kind
    found = {name: table_of(name, columns[name], is_shared=name in _SHARED) for name in sorted(columns)}
    for name in [name for name, table in found.items() if table is None]:
        log.warning("table %s is left out: it lacks columns that klines have", name, extra={"table": name})
    return {name: table for name, table in found.items() if table is not None}


def _in_mysql(connection: sa.Connection, names: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """Name, column and type of every column of what may be tables of klines."""
    for table, column, kind in _named(connection, _MYSQL_COLUMNS, names):
        if _is_for_klines(table):
            yield table, column, kind


def _in_sqlite(connection: sa.Connection, names: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """The same; one table at a time, since a view of what is gone is an error of whoever asks for it."""
    for (table,) in _named(connection, _SQLITE_TABLES, names):
        if not _is_for_klines(table):
            continue
        try:
            columns = connection.execute(_SQLITE_COLUMNS, {"name": table}).all()
        except exc.OperationalError as error:
            if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_ERROR:
                raise
            log.warning("view %s is left out: %s", table, error.orig)
            continue
        yield from ((table, column, kind) for column, kind in columns)


def _named(connection: sa.Connection, query: str, names: tuple[str, ...]) -> Sequence[Any]:
    """The rows of a query for tables, or of those with these names."""
    if not names:
        return connection.execute(sa.text(query)).all()
    named = sa.text(f"{query} AND {_NAME[connection.dialect.name]} IN :names").bindparams(_THESE)
    return connection.execute(named, {"names": list(names)}).all()


def _is_for_klines(table_name: str) -> bool:
    own = _OWN_NAME.fullmatch(table_name)
    try:
        return table_name in _SHARED or (own is not None and bool(check_symbol(own["symbol"])))
    except SkipInput:
        return False
