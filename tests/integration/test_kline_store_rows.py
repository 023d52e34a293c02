"""Rows and names in real databases that are no klines, or hostile: told, left out, and harmless."""

from __future__ import annotations

from random import Random

import pytest

from state.bar import Bar
from state.errors import SkipInput
from state.klines import BadRow, KlineStore, Written
from tests.databases import START_MS, TABLES, Columns, SqlDatabase, fill, insert, make_table, open_store, some_bars

KEY = "BTCUSDT|15m"

BAD = {
    "volume": (*some_bars(1)[0][:5], None),
    "open": (START_MS, "much", 2.0, 1.0, 1.5, 1.0),
    "high": (START_MS, 1.0, "nan", 1.0, 1.5, 1.0),
    "low": (START_MS, 2.0, 2.0, 3.0, 2.0, 1.0),
    "close": (START_MS, 2.0, 2.5, 1.0, "1,5", 1.0),
    "open time": (START_MS + 60_000, 2.0, 2.5, 1.0, 2.0, 1.0),
}


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("layout", TABLES)
def test_bad_rows_are_told_and_left_out(database: SqlDatabase, layout: str, what: str) -> None:
    bars = some_bars(6)
    columns = Columns(number_type="VARCHAR(40)")
    found: list[BadRow] = []
    fill(database, layout, [*bars[1:], Bar(*BAD[what])], columns)  # type: ignore[arg-type]  # that is what is bad
    with open_store(database, found) as store:
        assert store.latest(KEY, 10) == bars[1:]
        assert store.bad_rows == len(found) == 1
    table = TABLES[layout]
    assert found[0].where == f"{table}, BTCUSDT, {BAD[what][0]}"
    assert what in found[0].reason


def test_bad_rows_do_not_stand_for_bars_that_were_asked_for(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(30)
    fill(database, "own", [bar._replace(high=bar.low / 2) if i % 3 else bar for i, bar in enumerate(bars)])
    assert store.latest(KEY, 5) == bars[::3][-5:]
    assert store.between(KEY, 0, START_MS * 2, 5) == bars[::3][:5]
    assert store.latest(KEY, 50) == bars[::3]


@pytest.mark.parametrize("newest", [True, False])
@pytest.mark.parametrize("copies", [2, 30])
def test_of_several_rows_for_a_bar_the_one_with_the_most_volume_counts(
    database: SqlDatabase, store: KlineStore, copies: int, newest: bool
) -> None:
    bars = some_bars(8)
    rows = [bar._replace(volume=bar.volume - i) for bar in bars for i in range(copies)]
    rows += [bar._replace(close=bar.open) for bar in bars]  # as much volume, but less in the order of fields
    Random(1).shuffle(rows)
    make_table(database, TABLES["own"], unique=False)
    insert(database, TABLES["own"], rows)
    for limit in range(1, 10):
        found = store.latest(KEY, limit) if newest else store.between(KEY, 0, START_MS * 2, limit)
        assert found == (bars[-limit:] if newest else bars[:limit])


def test_writing_over_several_rows_for_a_bar_settles_it(database: SqlDatabase, store: KlineStore) -> None:
    bar = some_bars(1)[0]
    make_table(database, TABLES["own"], unique=False)
    insert(database, TABLES["own"], [bar._replace(volume=5_000.0), bar, bar._replace(volume=7.0), bar])
    assert store.write(KEY, [bar]) == Written(corrected=1)
    assert store.latest(KEY, 5) == [bar]


def test_writing_over_a_bad_row_mends_it(database: SqlDatabase, store: KlineStore) -> None:
    bars = some_bars(2)
    fill(database, "shared", [bars[0], bars[1]._replace(high=None)])  # type: ignore[arg-type]
    assert store.write(KEY, bars) == Written(corrected=1, unchanged=1)
    assert store.latest(KEY, 5) == bars


@pytest.mark.parametrize(
    "symbol",
    ["x`; DROP TABLE klines_m15; --", 'x"; DROP TABLE klines_m15; --', "' OR '1'='1", "a.b", "", "É", "%", "A-B"],
)
def test_a_symbol_that_is_none_reaches_no_statement(database: SqlDatabase, store: KlineStore, symbol: str) -> None:
    bars = some_bars(2)
    fill(database, "shared", bars)
    for use in (
        lambda key: store.latest(key, 5),
        lambda key: store.between(key, 0, START_MS, 5),
        lambda key: store.write(key, bars),
        lambda key: list(store.latest_of([key], 5)),
    ):
        with pytest.raises(SkipInput, match="symbol"):
            use(f"{symbol}|15m")
    assert store.latest(KEY, 5) == bars


def test_tables_of_hostile_names_and_rows_of_hostile_symbols_are_left_out(database: SqlDatabase) -> None:
    quote = "`" if database.kind == "mysql" else '"'
    for name in ("x; drop table y_klines_15m", "x' or 1=1 -- _klines_15m", "é_klines_15m", "klines_m15; x"):
        make_table(database, f"{quote}{name}{quote}")
    make_table(database, "klines_m15")
    insert(database, "klines_m15", some_bars(1), symbol="x'; DROP TABLE y")
    found: list[BadRow] = []
    with open_store(database, found) as store:
        assert store.keys() == []
        assert [bad.where for bad in found] == ["klines_m15"]


def test_a_table_without_the_columns_of_klines_is_left_out(database: SqlDatabase, store: KlineStore) -> None:
    database.execute("CREATE TABLE btcusdt_klines_15m (open_time BIGINT, open DOUBLE)")
    database.execute("CREATE TABLE klines_backup (a INT)")
    bars = some_bars(2)
    fill(database, "shared", bars)
    assert store.latest(KEY, 5) == bars
    assert store.keys() == [KEY]
