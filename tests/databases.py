"""Databases of klines as other programs make them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from state.bar import Bar
from state.klines import BadRow, KlineStore
from tests.kit import bars_of

TABLES = {"own": "btcusdt_klines_15m", "shared": "klines_m15"}
"""Where the bars of `BTCUSDT|15m` are in either layout."""

START_MS = 1_704_067_200_000  # 2024-01-01, a Monday and the first of a month


class SqlDatabase(Protocol):
    """A database behind the back of what is tested. Statements run once for each row of values for `?`."""

    kind: str

    @property
    def uri(self) -> str: ...

    def execute(self, statement: str, *rows: Sequence[Any]) -> list[Any]: ...


class SQLiteFile:
    """A SQLite database."""

    kind = "sqlite"

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.path}"

    def execute(self, statement: str, *rows: Sequence[Any]) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            done = connection.executemany(statement, rows) if rows else connection.execute(statement)
            return done.fetchall()


class Columns(NamedTuple):
    """How a table of klines is made: name and type of its time, the ending of prices' names, the type of numbers."""

    time: str = "open_time"
    time_type: str = "BIGINT"
    price: str = ""
    number_type: str = "DOUBLE"


PLAIN = Columns()


def make_table(database: SqlDatabase, name: str, columns: Columns = PLAIN, *, unique: bool = True) -> None:
    """A table of klines, with columns that are of no interest before and after the others."""
    prices = ", ".join(f"{field}{columns.price} {columns.number_type}" for field in ("open", "high", "low", "close"))
    is_shared = name.startswith("klines_")
    symbol = "symbol VARCHAR(40) NOT NULL, " if is_shared else ""
    key = f"{'symbol, ' if is_shared else ''}{columns.time}"
    index = f", UNIQUE ({key})" if unique else ""
    database.execute(
        f"CREATE TABLE {name} (exchange VARCHAR(20) DEFAULT 'binance', {symbol}{columns.time} {columns.time_type} NULL,"
        f" {prices}, volume {columns.number_type}, trades INT DEFAULT 7{index})"
    )


def insert(
    database: SqlDatabase, name: str, rows: Iterable[Sequence[Any]], columns: Columns = PLAIN, symbol: str = ""
) -> None:
    """Rows of open time in milliseconds, open, high, low, close and volume."""
    names = [columns.time, *(f"{field}{columns.price}" for field in ("open", "high", "low", "close")), "volume"]
    names += ["symbol"] if symbol else []
    marks = ", ".join("?" * len(names))
    rest = [symbol] if symbol else []
    database.execute(
        f"INSERT INTO {name} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608
        *([_time(time_ms, columns), *values, *rest] for time_ms, *values in rows),
    )


def _time(time_ms: int, columns: Columns) -> int | str:
    return time_ms if columns.time_type == "BIGINT" else f"{datetime.fromtimestamp(time_ms / 1000, UTC):%F %T}"


def fill(database: SqlDatabase, layout: str, bars: list[Bar], columns: Columns = PLAIN) -> None:
    """The table of `BTCUSDT|15m` in one of the layouts, with bars."""
    make_table(database, TABLES[layout], columns)
    insert(database, TABLES[layout], bars, columns, "BTCUSDT" if layout == "shared" else "")


@contextmanager
def open_store(database: SqlDatabase, bad: list[BadRow] | None = None) -> Iterator[KlineStore]:
    """A kline store in `database`, with bad rows in `bad`."""
    store = KlineStore(database.uri, on_bad=None if bad is None else bad.append)
    try:
        yield store
    finally:
        store.close()


def some_bars(count: int, timeframe: str = "15m", first: float = 100.0) -> list[Bar]:
    """Bars one after the other from `START_MS`, each of other numbers, none with more than 8 decimals."""
    candles = [
        (price, price + 0.75, price - 0.00000001, price + 0.5, 1_000.0 + 0.125 * i)
        for i, price in enumerate(first + 0.25 * i for i in range(count))
    ]
    return bars_of(candles, timeframe, START_MS)
