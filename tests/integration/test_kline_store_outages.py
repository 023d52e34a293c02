"""Databases that are away, slow, busy, refuse, or change: what is raised, what it tells, and what works again."""

from __future__ import annotations

import sqlite3
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from state.errors import RetryLater, StopProgram
from state.klines import KlineStore, Written
from tests.databases import SQLiteFile, insert, make_table, some_bars
from tests.mariadb_server import MariaDB, MySQLDatabase

KEY = "BTCUSDT|15m"
SHORT_SECS = 0.2


@pytest.fixture
def store(mysql: MySQLDatabase) -> Iterator[KlineStore]:
    store = KlineStore(mysql.uri, timeout_secs=5.0)
    yield store
    store.close()


def shown(error: BaseException) -> str:
    """Everything that a log could hold of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_a_server_that_is_down_is_retried_and_found_again(mariadb: MariaDB, store: KlineStore) -> None:
    bars = some_bars(4)
    with mariadb.down():
        with pytest.raises(RetryLater, match=r"mysql://\*\*\*@127\.0\.0\.1:"):
            store.latest(KEY, 5)
        with pytest.raises(RetryLater):
            store.keys()
    store.write(KEY, bars)
    with mariadb.down():
        for use in (
            lambda: store.latest(KEY, 5),
            lambda: store.between(KEY, 0, 5, 5),
            lambda: store.write(KEY, bars),
            lambda: list(store.latest_of([KEY], 5)),
            store.keys,
        ):
            with pytest.raises(RetryLater):
                use()
    assert store.latest(KEY, 5) == bars


def test_a_restart_between_two_reads_goes_unnoticed(mariadb: MariaDB, store: KlineStore) -> None:
    bars = some_bars(4)
    store.write(KEY, bars)
    with mariadb.down():
        pass
    assert store.latest(KEY, 5) == bars


def test_a_server_that_dies_between_two_keys_is_told(mariadb: MariaDB, store: KlineStore) -> None:
    bars = some_bars(4)
    store.write(KEY, bars)
    reading = store.latest_of([KEY] * 3, 5)
    assert next(reading) == (KEY, bars)
    with mariadb.down(), pytest.raises(RetryLater):
        next(reading)
    assert store.latest(KEY, 5) == bars


def test_a_server_that_says_nothing_is_given_up_on(mariadb: MariaDB, mysql: MySQLDatabase) -> None:
    bars = some_bars(4)
    with closing(KlineStore(mysql.uri, timeout_secs=SHORT_SECS)) as store:
        store.write(KEY, bars)
        with mariadb.frozen():
            for _ in range(2):  # on a connection that was open, and on a new one
                with pytest.raises(RetryLater):
                    store.latest(KEY, 5)
        assert retried(store) == bars


def retried(store: KlineStore) -> list[object]:
    """The bars, once a machine that is busy answers in so short a time."""
    for _ in range(100):
        try:
            return list(store.latest(KEY, 5))
        except RetryLater:
            continue
    return list(store.latest(KEY, 5))


def test_a_write_that_waits_for_another_one_too_long_is_undone(mysql: MySQLDatabase) -> None:
    bars = some_bars(4)
    with closing(KlineStore(mysql.uri)) as store:
        store.write(KEY, bars)
    with closing(KlineStore(mysql.uri, timeout_secs=SHORT_SECS)) as store:
        mysql.execute("BEGIN")
        mysql.execute("SELECT * FROM klines_m15 FOR UPDATE")
        with pytest.raises(RetryLater):
            store.write(KEY, [bars[0]._replace(volume=1.0)])
        mysql.execute("COMMIT")
        assert retried(store) == bars


@pytest.mark.parametrize("rights", ["SELECT", "SELECT, INSERT, UPDATE"])
def test_what_rights_do_not_allow_is_for_the_user_to_mend(
    mariadb: MariaDB, mysql: MySQLDatabase, store: KlineStore, rights: str
) -> None:
    mariadb.execute(f"REVOKE ALL ON {mysql.name}.* FROM {mysql.user}@'127.0.0.1'")
    mariadb.execute(f"GRANT {rights} ON {mysql.name}.* TO {mysql.user}@'127.0.0.1'")
    assert store.latest(KEY, 5) == []
    with pytest.raises(StopProgram, match="denied") as refused:
        store.write(KEY, some_bars(1))
    assert mysql.password not in shown(refused.value)
    assert mysql.user not in str(refused.value)


def test_a_password_that_is_wrong_is_for_the_user_to_mend(mysql: MySQLDatabase) -> None:
    secret = "hunter2hunter2"
    uri = f"mysql://{mysql.user}:{secret}@127.0.0.1:{mysql.server.port}/{mysql.name}"
    with closing(KlineStore(uri)) as store:
        with pytest.raises(StopProgram, match="Access denied") as refused:
            store.keys()
        assert secret not in shown(refused.value)
        assert mysql.user not in str(refused.value)
        assert store.name == f"mysql://***@127.0.0.1:{mysql.server.port}/{mysql.name}"


def test_a_database_that_is_unknown_is_for_the_user_to_mend(mariadb: MariaDB) -> None:
    uri = f"mysql://root@127.0.0.1:{mariadb.port}/nowhere"
    with closing(KlineStore(uri)) as store, pytest.raises(StopProgram, match="Unknown database 'nowhere'"):
        store.latest(KEY, 5)


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql"])
def test_user_and_password_may_be_percent_encoded(mysql: MySQLDatabase, scheme: str) -> None:
    with closing(KlineStore(mysql.uri.replace("mysql+pymysql", scheme))) as store:
        assert store.keys() == []


BAD_URIS = [
    "",
    "klines",
    "postgresql://sesame:sesame@host/klines",
    "mysql+aiomysql://sesame:sesame@host/klines",
    "mysql://sesame:sesame@host",
    "mysql://sesame:sesame@host:sesame/klines",
    "mysql://sesame:sesame@sesame@host/klines",
    "mysql://sesame",
    "sesame",
    "sqlite://",
    "sqlite:///:memory:",
    "sqlite://sesame/klines",
    "sqlite:///klines?password=sesame",
]


@pytest.mark.parametrize("uri", BAD_URIS)
def test_a_uri_that_is_unusable_is_for_the_user_to_mend_and_not_repeated(uri: str) -> None:
    with pytest.raises(StopProgram, match="database URI: expected") as refused:
        KlineStore(uri)
    assert "sesame" not in str(refused.value)


def test_an_option_that_the_driver_does_not_know_is_for_the_user_to_mend(mysql: MySQLDatabase) -> None:
    with closing(KlineStore(f"{mysql.uri}?turbo=1")) as store, pytest.raises(StopProgram, match="turbo"):
        store.keys()


def test_a_table_that_was_dropped_is_an_error_once(mysql: MySQLDatabase, store: KlineStore) -> None:
    bars = some_bars(2)
    make_table(mysql, "btcusdt_klines_15m")
    make_table(mysql, "klines_m15")
    insert(mysql, "klines_m15", bars, symbol="BTCUSDT")
    assert store.latest(KEY, 5) == bars
    mysql.execute("DROP TABLE btcusdt_klines_15m")
    with pytest.raises(StopProgram, match="btcusdt_klines_15m"):
        store.latest(KEY, 5)
    assert store.latest(KEY, 5) == bars


def test_a_value_that_a_table_demands_and_klines_lack_is_told(mysql: MySQLDatabase, store: KlineStore) -> None:
    make_table(mysql, "klines_m15")
    mysql.execute("ALTER TABLE klines_m15 ADD COLUMN colour VARCHAR(9) NOT NULL")
    with pytest.raises(StopProgram, match="colour"):
        store.write(KEY, some_bars(1))


def test_a_write_is_whole_or_not_at_all(mysql: MySQLDatabase, store: KlineStore) -> None:
    make_table(mysql, "klines_m15")
    mysql.execute("ALTER TABLE klines_m15 ADD CONSTRAINT CHECK (volume < 5000)")
    bars = some_bars(3)
    store.write(KEY, bars[:1])
    with pytest.raises(StopProgram):
        store.write(KEY, [bars[0]._replace(volume=9.0), bars[1], bars[2]._replace(volume=9_999.0)])
    assert store.latest(KEY, 5) == bars[:1]


def test_two_writers_of_the_same_bars_leave_each_once(mysql: MySQLDatabase) -> None:
    bars = some_bars(500)

    def write(_: int) -> int:
        with closing(KlineStore(mysql.uri)) as store:
            while True:
                try:
                    return store.write(KEY, bars).new
                except RetryLater:
                    continue

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(write, range(4))) == 500
    assert mysql.execute("SELECT COUNT(*) FROM klines_m15") == [(500,)]


def test_sqlite_reading_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite3"
    with closing(KlineStore(f"sqlite:///{path}")) as store:
        assert store.keys() == []
        assert store.latest(KEY, 5) == []
        assert not path.exists()


def test_sqlite_busy_is_retried(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "klines.sqlite3")
    bars = some_bars(2)
    with closing(KlineStore(file.uri, timeout_secs=SHORT_SECS)) as store:
        store.write(KEY, bars)
        with closing(sqlite3.connect(file.path)) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(RetryLater, match="locked"):
                store.latest(KEY, 5)
            with pytest.raises(RetryLater, match="locked"):
                store.write(KEY, bars)
        assert store.write(KEY, bars) == Written(unchanged=2)
        assert store.latest(KEY, 5) == bars


def test_sqlite_that_is_none_is_for_the_user_to_mend(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("This is no database, but it is long enough to look like one. " * 20)
    for path in (tmp_path / "text", tmp_path, tmp_path / "no" / "such" / "folder"):
        with closing(KlineStore(f"sqlite:///{path}")) as store, pytest.raises(StopProgram, match=str(path)):
            store.write(KEY, some_bars(1))
