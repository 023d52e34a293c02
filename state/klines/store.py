"""The kline store: bars by key, read from and written to a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice

import sqlalchemy as sa

from state.bar import Bar
from state.database import TIMEOUT_SECS, Database
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of, split_key
from state.klines.layout import Layout
from state.klines.reading import Wanted, read_bars
from state.klines.rows import BadRow, Report
from state.klines.table import KlineTable
from state.klines.times import END_MS, START_MS
from state.klines.writing import Written, write_bars
from state.timeframe import Timeframe
from state.tls import TlsFiles

# Bars written in one transaction.
BATCH_BARS = 2_000


class KlineStore:
    """Klines in the database at a URI (see `Database`), in the layout it has (see `state.klines.layout`).

    Bars come checked, one per open time; rows that are unusable are counted in `bad_rows`, told to
    `on_bad`, and left out. Reading needs an index on the open time, in shared tables on symbol and open time. May be
    used from any thread. A SQLite file is made when it is first written to.

    What reads or writes raises `RetryLater` when the database cannot be reached, is too slow or busy (it does not block
    for much longer than `timeout_secs`), `StopProgram` when the user must mend something, and `SkipInput` on a key of
    no possible symbol or timeframe.

    Raises:
        StopProgram: the URI is not usable, or a file of `tls`.
    """

    def __init__(
        self,
        uri: str,
        *,
        timeout_secs: float = TIMEOUT_SECS,
        on_bad: Callable[[BadRow], None] | None = None,
        tls: TlsFiles | None = None,
    ) -> None:
        self.bad_rows = 0
        self._database = Database(uri, timeout_secs=timeout_secs, tls=tls)
        self._layout = Layout()
        self._on_bad = on_bad

    @property
    def name(self) -> str:
        """The URI as it may be shown, without user and password."""
        return self._database.name

    def close(self) -> None:
        """Let go of all connections."""
        self._database.close()

    def check(self) -> None:
        """Nothing, when the database can be reached."""
        with self._reading() as connection:
            if connection is not None:
                connection.execute(sa.select(1))

    def latest(
        self, key: str, limit: int, before_open_ms: int = END_MS, after_open_ms: int = START_MS - 1
    ) -> list[Bar]:
        """The last `limit` bars of `key` that open between two times, both excluded, the oldest first."""
        wanted = _wanted(key, after_open_ms + 1, before_open_ms - 1, limit, newest=True)
        with self._reading() as connection:
            return self._read(connection, wanted)

    def latest_of(
        self, keys: Iterable[str], limit: int, before_open_ms: int = END_MS
    ) -> Iterator[tuple[str, list[Bar]]]:
        """`latest` of many keys, in their order: on one connection, which is held until the last one is taken."""
        with self._reading() as connection:
            for key in keys:
                wanted = _wanted(key, START_MS, before_open_ms - 1, limit, newest=True)
                yield key, self._read(connection, wanted)

    def between(self, key: str, after_open_ms: int, before_open_ms: int, limit: int) -> list[Bar]:
        """The first `limit` bars of `key` that open between two times, both excluded, the oldest first."""
        wanted = _wanted(key, after_open_ms + 1, before_open_ms - 1, limit, newest=False)
        with self._reading() as connection:
            return self._read(connection, wanted)

    def keys(self) -> list[str]:
        """The keys there are rows for, or a table of their own, in alphabetical order."""
        with self._reading() as connection:
            if connection is None:
                return []
            found = set(self._layout.own(connection))
            for timeframe, table in self._layout.shared(connection).items():
                for (symbol,) in connection.execute(table.symbols):
                    try:
                        found.add(key_of(check_symbol(str(symbol)), timeframe))
                    except SkipInput as error:
                        self._bad(table.name, str(error))
            return sorted(found)

    def write(self, key: str, bars: Iterable[Bar]) -> Written:
        """Have `bars` of `key`, checked ones, in the database, whatever stood there at their open times before.

        Each `BATCH_BARS` of them are one transaction. Writing them again changes nothing, so that after an error all of
        them may be.
        """
        symbol, timeframe = _symbol_and_timeframe(key)
        rest = iter(bars)
        table: KlineTable | None = None
        total = Written()
        while batch := {bar.open_time_ms: bar for bar in islice(rest, BATCH_BARS)}:
            with self._forgetting():
                table = table or self._table_to_write(symbol, timeframe)
                with self._database.transaction() as connection:
                    written = write_bars(connection, table, symbol, timeframe, batch)
            total = Written(*map(sum, zip(total, written, strict=True)))
        return total

    def _table_to_write(self, symbol: str, timeframe: Timeframe) -> KlineTable:
        with self._database.connected() as connection:
            return self._layout.table_to_write(connection, symbol, timeframe)

    def _read(self, connection: sa.Connection | None, wanted: Wanted) -> list[Bar]:
        if connection is None or wanted.limit < 1 or wanted.until_ms < wanted.since_ms:
            return []
        tables = self._layout.tables(connection, wanted.symbol, wanted.timeframe)
        bars: dict[int, Bar] = {}
        for table in (tables.shared, tables.own):  # where both have a bar, the latter wins
            if table is not None:
                bars |= read_bars(connection, table, wanted, self._reporter(table, wanted.symbol))
        ordered = sorted(bars.values())
        return ordered[-wanted.limit :] if wanted.newest else ordered[: wanted.limit]

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection | None]:
        """A connection; None for a SQLite file that does not exist, since connecting would make it."""
        path = self._database.path
        if path is not None and not path.exists():
            yield None
            return
        with self._forgetting(), self._database.connected() as connection:
            yield connection

    @contextmanager
    def _forgetting(self) -> Iterator[None]:
        """Tables that were dropped or changed meanwhile are an error once."""
        try:
            yield
        except StopProgram:
            self._layout.forget()
            raise

    def _reporter(self, table: KlineTable, symbol: str) -> Report:
        return lambda row, reason: self._bad(f"{table.name}, {symbol}, {row[0]}", reason)

    def _bad(self, where: str, reason: str) -> None:
        self.bad_rows += 1
        if self._on_bad:
            self._on_bad(BadRow(where, reason))


def _wanted(key: str, since_ms: int, until_ms: int, limit: int, *, newest: bool) -> Wanted:
    symbol, timeframe = _symbol_and_timeframe(key)
    return Wanted(symbol, timeframe, max(since_ms, START_MS), min(until_ms, END_MS), limit, newest)


def _symbol_and_timeframe(key: str) -> tuple[str, Timeframe]:
    symbol, timeframe = split_key(key)
    return check_symbol(symbol), timeframe
