"""Klines from and into real databases, MariaDB and SQLite, whatever their tables look like."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from random import Random

import pytest

from state.bar import Bar
from state.klines import KlineStore, Written
from state.timeframe import TIMEFRAMES
from tests.databases import START_MS, TABLES, Columns, SqlDatabase, fill, insert, make_table, open_store, some_bars

KEY = "BTCUSDT|15m"
QUARTER_MS = 900_000

TIMES = [("open_time", "DATETIME"), ("open_time", "BIGINT"), ("timestamp", "DATETIME"), ("timestamp", "TIMESTAMP")]
COLUMNS = [
    Columns(*time, price, number_type)
    for time, price, number_type in product(TIMES, ("", "_price"), ("DECIMAL(20,8)", "DOUBLE", "VARCHAR(40)"))
]

NAMES_OF_TIMEFRAMES = {  # as the tables of others say them, and as ours do
    "1m": ("1m", "m1"),
    "3m": ("3m", "m3"),
    "5m": ("5m", "m5"),
    "15m": ("15m", "m15"),
    "30m": ("30m", "m30"),
    "1h": ("1h", "h1"),
    "2h": ("2h", "h2"),
    "4h": ("4h", "h4"),
    "6h": ("6h", "h6"),
    "8h": ("8h", "h8"),
    "12h": ("12h", "h12"),
    "1d": ("1d", "d1"),
    "3d": ("3d", "d3"),
    "1w": ("1w", "w1"),
    "1M": ("1mo", "mo1"),
}

OpenStore = Callable[..., KlineStore]


@pytest.mark.parametrize("columns", COLUMNS, ids="-".join)
@pytest.mark.parametrize("layout", TABLES)
def test_reads_and_writes_both_layouts_whatever_the_columns(
    database: SqlDatabase, store: KlineStore, layout: str, columns: Columns
) -> None:
    bars = some_bars(8)
    fill(database, layout, bars[:6], columns)
    assert store.latest(KEY, 10) == bars[:6]
    assert store.latest(KEY, 2, bars[4].open_time_ms) == bars[2:4]
    assert store.between(KEY, bars[0].open_time_ms, bars[5].open_time_ms, 2) == bars[1:3]
    assert store.keys() == [KEY]
    assert store.bad_rows == 0
    assert store.write(KEY, bars) == Written(new=2, unchanged=6)
    assert store.write(KEY, bars) == Written(unchanged=8)
    corrected = [bar._replace(volume=5.0) for bar in bars[:2]]
    assert store.write(KEY, corrected) == Written(corrected=2)
    assert store.latest(KEY, 10) == [*corrected, *bars[2:]]
    assert database.execute(f"SELECT COUNT(*), SUM(trades) FROM {TABLES[layout]}") == [(8, 56)]  # noqa: S608


def test_a_time_is_the_same_whatever_the_servers_zone(mysql: SqlDatabase) -> None:
    columns = Columns("timestamp", "TIMESTAMP")
    bars = some_bars(3)
    make_table(mysql, "klines_m15", columns)
    mysql.execute(
        "INSERT INTO klines_m15 (symbol, timestamp, open, high, low, close, volume)"
        " VALUES ('BTCUSDT', FROM_UNIXTIME(?), ?, ?, ?, ?, ?)",
        *([bar.open_time_ms // 1000, *bar[1:]] for bar in bars),
    )
    with open_store(mysql) as store:
        assert store.latest(KEY, 10) == bars


def test_open_time_counts_where_there_is_a_timestamp_too(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(2)
    fill(database, "own", bars)
    database.execute(f"ALTER TABLE {TABLES['own']} ADD COLUMN timestamp BIGINT DEFAULT 5")
    assert store.latest(KEY, 10) == bars


@pytest.mark.parametrize("timeframe", NAMES_OF_TIMEFRAMES)
def test_every_timeframe_has_a_table_in_both_layouts(database: SqlDatabase, store: KlineStore, timeframe: str) -> None:
    own, shared = NAMES_OF_TIMEFRAMES[timeframe]
    bars = some_bars(1, timeframe)
    make_table(database, f"btcusdt_klines_{own}")
    insert(database, f"btcusdt_klines_{own}", bars)
    make_table(database, f"klines_{shared}")
    insert(database, f"klines_{shared}", bars, symbol="ETHUSDT")
    assert store.keys() == [f"BTCUSDT|{timeframe}", f"ETHUSDT|{timeframe}"]
    assert store.latest(f"BTCUSDT|{timeframe}", 5) == store.latest(f"ETHUSDT|{timeframe}", 5) == bars


def test_timeframes_do_not_mix(database: SqlDatabase, store: KlineStore) -> None:
    expected = {f"BTCUSDT|{name}": some_bars(1, name, 100.0 + i) for i, name in enumerate(TIMEFRAMES)}
    for key, bars in expected.items():
        store.write(key, bars)
    assert dict(store.latest_of(store.keys(), 5)) == expected


def test_a_key_in_both_layouts_has_the_bars_of_both_and_its_own_table_wins(
    database: SqlDatabase, store: KlineStore
) -> None:
    bars = some_bars(6)
    other = [bar._replace(volume=9_999.0) for bar in bars]
    fill(database, "own", bars[2:5])
    fill(database, "shared", [*other[:3], other[5]])
    whole = [*other[:2], *bars[2:5], other[5]]
    assert store.latest(KEY, 10) == whole
    assert store.latest(KEY, 2) == whole[-2:]
    assert store.between(KEY, 0, START_MS * 2, 3) == whole[:3]
    assert store.keys() == [KEY]


def test_a_key_in_both_layouts_is_written_where_it_wins(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(3)
    other = [bar._replace(volume=9_999.0) for bar in bars]
    fill(database, "own", other[:1])
    fill(database, "shared", other)
    assert store.write(KEY, bars) == Written(new=2, corrected=1)
    assert store.latest(KEY, 10) == bars


def test_bounds_are_excluded_and_limits_kept(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(10)
    store.write(KEY, bars)
    times = [bar.open_time_ms for bar in bars]
    assert store.latest(KEY, 3) == bars[-3:]
    assert store.latest(KEY, 3, times[5]) == bars[2:5]
    assert store.latest(KEY, 3, times[5] + 1) == bars[3:6]
    assert store.latest(KEY, 0) == []
    assert store.between(KEY, times[2], times[5], 99) == bars[3:5]
    assert store.between(KEY, times[2] - 1, times[5] + 1, 99) == bars[2:6]
    assert store.between(KEY, -1, 2**62, 4) == bars[:4]
    assert store.between(KEY, times[5], times[5], 4) == []
    assert store.latest("ETHUSDT|15m", 3) == store.latest("BTCUSDT|1h", 3) == []


def test_many_keys_come_in_the_order_asked_for(database: SqlDatabase, store: KlineStore) -> None:
    expected = {f"S{i}USDT|{timeframe}": some_bars(4, timeframe) for i in (3, 1, 2) for timeframe in ("15m", "1h")}
    for key, bars in expected.items():
        store.write(key, bars)
    wanted = [*expected, "NONEUSDT|15m"]
    assert list(store.latest_of(wanted, 3)) == [(key, expected.get(key, [])[-3:]) for key in wanted]


def test_numbers_are_the_same_to_the_last_bit(database: SqlDatabase, store: KlineStore) -> None:
    random = Random(5)
    bars = []
    for i in range(2_000):
        low, open_, close, high = sorted(random.random() * 10 ** random.uniform(-12, 12) for _ in range(4))
        volume = random.choice([0.0, random.random() * 10 ** random.uniform(-300, 300)])
        bars.append(Bar(START_MS + i * QUARTER_MS, open_, high, low, close, volume))
    assert store.write(KEY, bars) == Written(new=2_000)
    assert store.latest(KEY, 2_000) == bars
    assert store.write(KEY, bars) == Written(unchanged=2_000)


def test_more_bars_than_a_batch_in_any_order_some_twice(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(4_500)
    mixed = Random(2).sample(bars, len(bars))
    assert store.write(KEY, mixed) == Written(new=4_500)
    assert store.latest(KEY, 5_000) == bars
    assert sum(store.write(KEY, [*bars[:3], *bars[:3]])) == 3


def test_an_empty_database_gets_tables_per_interval(database: SqlDatabase, store: KlineStore) -> None:
    assert store.keys() == []
    assert store.latest(KEY, 5) == []
    store.write(KEY, some_bars(2))
    store.write("ETHUSDT|15m", some_bars(2))
    assert database.execute("SELECT symbol, COUNT(*) FROM klines_m15 GROUP BY symbol ORDER BY symbol") == [
        ("BTCUSDT", 2),
        ("ETHUSDT", 2),
    ]


@pytest.mark.parametrize("layout", TABLES)
def test_new_tables_follow_the_layout_that_is_there(database: SqlDatabase, store: KlineStore, layout: str) -> None:
    fill(database, layout, some_bars(1), Columns("timestamp", "DATETIME", "_price", "DECIMAL(20,8)"))
    bars = some_bars(3, "1h")
    assert store.write("ETHUSDT|1h", bars) == Written(new=3)
    assert store.latest("ETHUSDT|1h", 5) == bars
    table = {"own": "ethusdt_klines_1h", "shared": "klines_h1"}[layout]
    assert database.execute(f"SELECT COUNT(*) FROM {table}") == [(3,)]  # noqa: S608
    if database.kind == "mysql":  # other programs go on reading it
        assert database.execute(f"SELECT trades FROM {table} LIMIT 1") == [(7,)]  # noqa: S608


def test_a_table_that_comes_later_is_found(database: SqlDatabase, store: KlineStore) -> None:
    assert store.latest(KEY, 5) == []
    bars = some_bars(2)
    with open_store(database) as another:
        another.write(KEY, bars)
    assert store.latest(KEY, 5) == bars


def test_threads_read_while_another_one_writes(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(400)
    store.write(KEY, bars[:100])

    def read(_: int) -> list[Bar]:
        return store.latest(KEY, 50)

    def write(start: int) -> Written:
        return store.write(KEY, bars[start : start + 50])

    with ThreadPoolExecutor(6) as pool:
        written = pool.map(write, range(100, 400, 50))
        seen = list(pool.map(read, range(60)))
        assert sum(each.new for each in written) == 300
    for found in seen:
        assert found == sorted(found)
        assert len(found) == 50
        assert set(found) <= set(bars)
    assert store.latest(KEY, 500) == bars
