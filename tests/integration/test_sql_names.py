"""Nothing but names that were checked ever reaches an identifier of SQL, whatever symbols and databases say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from state.configs.sql import SqlConfigStore
from state.database import Database
from state.errors import SkipInput
from state.klines import KlineStore
from state.timeframe import TIMEFRAMES
from tests.configs import BTC, ETH, put
from tests.databases import SqlDatabase, fill, open_store, some_bars

HOSTILE = (
    "x`; drop table btcusdt_klines_15m; -- ",
    'x"; drop table btcusdt_klines_15m; -- ',
    "x'; drop table btcusdt_klines_15m; -- ",
    "x` UNION SELECT 1,2,3,4,5,6 -- ",
    "btcusdt_klines_15m` -- ",
    "%s%(of_symbol)s:of_symbol?",
    "../btcusdt",
    "\N{LATIN SMALL LETTER LONG S}ol",  # in upper case it is SOL
    "\N{LATIN SMALL LETTER DOTLESS I}",
    "btc\x00usdt",
    "btc\nusdt",
    "a.b",
    "x" * 41,
)
MOST_NAME = 50

# Of tables and columns that were checked; a column of the lower case of another one may be there too.
CHECKED = re.compile(
    r"([a-z0-9][a-z0-9_]{0,39}_klines_\d+(m|h|d|w|mo)|klines_(m|h|d|w|mo)\d+"
    r"|(?i:open_time|timestamp|(open|high|low|close|volume)(_price)?|symbol|timeframe|interval|period))"
)
QUOTED = {"mysql": re.compile("`((?:[^`]|``)*)`"), "sqlite": re.compile('"((?:[^"]|"")*)"')}

EXAMPLES = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

odd_names = st.sampled_from(HOSTILE) | st.text(max_size=60)
symbols = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_]{0,39}", fullmatch=True) | odd_names
timeframes = st.sampled_from(list(TIMEFRAMES)) | odd_names


@contextmanager
def watched(store: KlineStore | SqlConfigStore) -> Iterator[list[str]]:
    """The statements that reach the driver meanwhile."""
    statements: list[str] = []

    def take(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = store._database._engine
    sa.event.listen(engine, "before_cursor_execute", take)
    try:
        yield statements
    finally:
        sa.event.remove(engine, "before_cursor_execute", take)


def check(kind: str, statements: list[str], checked: re.Pattern[str] = CHECKED) -> None:
    """Every quoted name is one that was checked, and all quotes are in pairs."""
    for statement in statements:
        names = QUOTED[kind].findall(statement)
        assert [name for name in names if not checked.fullmatch(name)] == [], statement
        rest = QUOTED[kind].sub("", statement)
        assert "`" not in rest
        assert '"' not in rest
        assert "drop" not in rest.lower()


@pytest.fixture
def filled(database: SqlDatabase) -> SqlDatabase:
    fill(database, "own", some_bars(3))
    return database


def test_symbols_and_timeframes(filled: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(1)

    @EXAMPLES
    @given(symbols, timeframes)
    @example("x`; drop table btcusdt_klines_15m; -- ", "15m")
    @example("BTCUSDT", "15m`; drop table btcusdt_klines_15m; -- ")
    def ask(symbol: str, timeframe: str) -> None:
        key = f"{symbol}|{timeframe}"
        with watched(store) as statements:
            try:
                store.latest(key, 1)
            except SkipInput:
                assert statements == [], "what is refused is refused before anything is asked"
        check(filled.kind, statements)

    ask()
    for name in HOSTILE:
        with watched(store) as statements, pytest.raises(SkipInput):
            store.write(f"{name}|15m", bars)
        assert statements == []
    with watched(store) as statements:
        store.write("sol_1|1M", bars)  # makes a table
    check(filled.kind, statements)
    assert any("sol_1_klines_1mo" in statement for statement in statements)
    assert len(store.latest("BTCUSDT|15m", 9)) == 3


def quoted(kind: str, name: str) -> str:
    mark = "`" if kind == "mysql" else '"'
    return f"{mark}{name.replace(mark, 2 * mark)}{mark}"


def make_odd(database: SqlDatabase, name: str, columns: list[str]) -> bool:
    """A table with such names, when the database can have one."""
    listed = ", ".join(f"{quoted(database.kind, column)} VARCHAR(40)" for column in columns)
    try:
        database.execute(f"CREATE TABLE {quoted(database.kind, name)} ({listed})")
    except Exception:  # noqa: BLE001  # whatever it does not like of them
        return False
    return True


ODD = ('a"b', "a`b", "a'b", "a%sb", "a:of_symbol", "open`; drop table btcusdt_klines_15m; --")
COLUMNS = ["open_time", "open", "high", "low", "close", "volume", "symbol"]


def test_tables_of_others(filled: SqlDatabase) -> None:
    """Whatever else a database holds is neither read nor in the way."""
    made = [
        make_odd(filled, f"{name}{ending}"[: MOST_NAME + 14], [*COLUMNS, *ODD])
        for name in HOSTILE
        for ending in ("_klines_15m", " klines", "")
    ]
    assert sum(made) > len(HOSTILE), "too few of them are possible"
    assert make_odd(filled, "ethusdt_klines_15m", [*ODD, *COLUMNS])
    assert make_odd(filled, "klines_m15", ["OPEN_TIME", "Open", "HIGH", "low", "close", "volume", "Symbol", *ODD])
    for name in ("gone", "gone too"):
        filled.execute(f"CREATE TABLE {quoted(filled.kind, name)} (a INT)")
    for view, of in (("adausdt_klines_15m", "gone"), ("x'`\" klines_15m", "gone too")):
        columns = f"SELECT * FROM {quoted(filled.kind, of)}"  # noqa: S608
        filled.execute(f"CREATE VIEW {quoted(filled.kind, view)} AS {columns}")
        filled.execute(f"DROP TABLE {quoted(filled.kind, of)}")
    filled.execute("CREATE VIEW solusdt_klines_15m AS SELECT * FROM btcusdt_klines_15m")
    with open_store(filled) as store, watched(store) as statements:
        assert store.keys() == ["BTCUSDT|15m", "ETHUSDT|15m", "SOLUSDT|15m"]
        assert store.latest("BTCUSDT|15m", 9) == store.latest("SOLUSDT|15m", 9) == some_bars(3)
        assert store.latest("ADAUSDT|15m", 9) == []
        assert store.latest("ETHUSDT|15m", 9) == []
        store.write("BTCUSDT|15m", some_bars(4))
        assert store.latest("BTCUSDT|15m", 9) == some_bars(4)
    check(filled.kind, statements)


def test_arbitrary_tables(filled: SqlDatabase) -> None:
    made: list[str] = []

    @settings(EXAMPLES, max_examples=60)
    @given(odd_names.filter(lambda name: 0 < len(name) <= MOST_NAME), st.lists(odd_names, max_size=3))
    def make(name: str, columns: list[str]) -> None:
        table = f"{name}_klines_15m"
        if make_odd(filled, table, [*COLUMNS, *dict.fromkeys(columns)]):
            made.append(table)

    make()
    assert len(made) > 10
    with open_store(filled) as store, watched(store) as statements:
        assert "BTCUSDT|15m" in set(store.keys())
        assert len(store.latest("BTCUSDT|15m", 9)) == 3
        for key in store.keys():  # noqa: SIM118  # it is no mapping
            store.latest(key, 1)
    check(filled.kind, statements)


def test_configuration_in_tables_with_odd_columns(database: SqlDatabase) -> None:
    store = SqlConfigStore(Database(database.uri))
    try:
        put(store, BTC, {"trend_period": 21}, 0)
        for table in ("strategy_configs_symbol", "strategy_config_audit"):
            for name in ODD:
                database.execute(f"ALTER TABLE {table} ADD COLUMN {quoted(database.kind, name)} VARCHAR(40)")
        with watched(store) as statements:
            put(store, ETH, {"trend_period": 22}, 0)
            assert {record.scope for record in store.records()} == {BTC, ETH}
            assert len(store.entries("doji_reversal")) == 2
        check(database.kind, statements, re.compile("[a-z_]+"))
    finally:
        store.close()
