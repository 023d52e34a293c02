"""Databases that an older bot made, or that others fill: what is read of them, and how they become what is needed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId

from state.configs.records import APPLICATION, ConfigRecord, Scope, Values
from state.configs.sql import SqlConfigStore
from state.configs.store import ConfigStore
from state.database import Database
from state.errors import StopProgram
from tests.configs import (
    BTC,
    ETH,
    GLOBAL,
    NOW_MS,
    TABLES,
    config_store,
    insist,
    object_behind,
    put,
    record_in,
    rows_behind,
)
from tests.databases import SqlDatabase, SQLiteFile
from tests.mariadb_server import MariaDB, MySQLDatabase
from tests.mongo_server import MongoDatabase

OLD_MS = 1_600_000_000_000  # 2020-09-13 12:26:40

OLD_TABLES = {
    "strategy_configs_global": "strategy_id VARCHAR(64) NOT NULL, parameters TEXT NOT NULL, created_at {time},"
    " updated_at {time}, created_by VARCHAR(50), is_active INT NOT NULL DEFAULT 1",
    "strategy_configs_symbol": "strategy_id VARCHAR(64) NOT NULL, symbol VARCHAR(20) NOT NULL,"
    " parameters TEXT NOT NULL, version INT, created_at {time}, updated_at {time}, created_by VARCHAR(50),"
    " UNIQUE (symbol, strategy_id)",
    "strategy_config_audit": "strategy_id VARCHAR(64) NOT NULL, symbol VARCHAR(20), action VARCHAR(10),"
    " old_parameters TEXT, new_parameters TEXT, changed_by VARCHAR(50), changed_at {time}",
}
TYPES = {
    "mysql": {"serial": "INT AUTO_INCREMENT PRIMARY KEY", "time": "TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP"},
    "sqlite": {"serial": "INTEGER PRIMARY KEY", "time": "DATETIME"},
}
AT = "2020-09-13 12:26:40"


@pytest.fixture
def old(sql_config_database: SqlDatabase) -> SqlDatabase:
    """Tables of an older bot, with a row in each."""
    database = sql_config_database
    for table, columns in OLD_TABLES.items():
        database.execute(f"CREATE TABLE {table} (id {{serial}}, {columns})".format(**TYPES[database.kind]))
    database.execute(
        "INSERT INTO strategy_configs_global (strategy_id, parameters, created_at, updated_at, created_by, is_active)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ("doji_reversal", '{"a": 1}', AT, AT, "olga", 7),
    )
    database.execute(
        "INSERT INTO strategy_configs_symbol (strategy_id, symbol, parameters, version, created_at, updated_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ("doji_reversal", "BTCUSDT", '{"a": 2.5}', 4, AT, AT),
    )
    database.execute(
        "INSERT INTO strategy_config_audit (strategy_id, symbol, action, new_parameters, changed_by, changed_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        ("doji_reversal", "BTCUSDT", "UPDATE", '{"a": 2.5}', "olga", AT),
    )
    return database


@pytest.fixture(params=["sqlite", "mysql"])
def sql_config_database(request: pytest.FixtureRequest, tmp_path: Path) -> SqlDatabase:
    if request.param == "sqlite":
        return SQLiteFile(tmp_path / "configs.sqlite3")
    mysql: SqlDatabase = request.getfixturevalue("mysql")
    return mysql


@pytest.fixture
def store(old: SqlDatabase) -> Iterator[ConfigStore]:
    with closing(config_store(old)) as store:
        yield store


def schema_of(database: SqlDatabase) -> list[Any]:
    """Everything that tells how the tables are made."""
    if database.kind == "sqlite":
        return database.execute("SELECT * FROM sqlite_master ORDER BY name, tbl_name")
    tables = sorted(str(name) for (name,) in database.execute("SHOW TABLES"))
    return [str(database.execute(f"SHOW CREATE TABLE {table}")).partition(" AUTO_INCREMENT=")[0] for table in tables]


def old_records(kind: str) -> list[ConfigRecord]:
    return [
        ConfigRecord(GLOBAL, {"a": 1}, 1, OLD_MS, OLD_MS, "olga", kind),
        ConfigRecord(BTC, {"a": 2.5}, 4, OLD_MS, OLD_MS, "unknown", kind),
    ]


def test_reading_an_older_bots_tables_changes_nothing(old: SqlDatabase, store: ConfigStore) -> None:
    before = schema_of(old)
    store.check()
    assert store.records() == old_records(old.kind)
    [entry] = store.all_entries()
    assert store.entries("doji_reversal", "BTCUSDT") == [entry]
    assert (entry.scope, entry.action, entry.version, entry.new_parameters) == (BTC, "UPDATE", 0, {"a": 2.5})
    assert (entry.changed_by, entry.changed_ms, entry.reason) == ("olga", OLD_MS, None)
    assert store.entry_of(BTC, 4) is None
    assert store.entries(None) == []
    assert schema_of(old) == before


def test_writing_adds_what_an_older_bots_tables_lack(old: SqlDatabase, store: ConfigStore) -> None:
    [entry] = store.all_entries()
    assert put(store, GLOBAL, {"a": 3}, 1).version == 2
    assert put(store, BTC, {"a": 3}, 4).version == 5
    assert put(store, ETH, {"a": 3}, 0).version == 1
    assert put(store, APPLICATION, {"min_confidence": 0.6}, 0).version == 1
    assert entry in store.all_entries()
    assert len(store.all_entries()) == 5
    [row] = rows_behind(old, "strategy_configs_global")
    assert row["is_active"] == 7
    assert row["created_by"] == "olga"
    found = record_in(store, BTC)
    assert found is not None
    assert found.created_ms == OLD_MS
    for table in TABLES:
        assert rows_behind(old, table)
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):  # of either driver
        old.execute("INSERT INTO strategy_configs_global (strategy_id, parameters) VALUES ('doji_reversal', '{}')")


def test_what_is_as_needed_is_left_alone(old: SqlDatabase, store: ConfigStore) -> None:
    put(store, GLOBAL, {"a": 3}, 1)
    before = schema_of(old)
    with closing(config_store(old)) as another:
        put(another, GLOBAL, {"a": 4}, 2)
    assert schema_of(old) == before


def test_many_who_bring_the_same_tables_up_to_date_at_once_agree(old: SqlDatabase) -> None:
    stores = [config_store(old) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda numbered: insist(numbered[1], ETH, {}, str(numbered[0])), enumerate(stores)))
    assert sorted(made) == list(range(1, 9))
    for store in stores:
        store.close()


def test_rows_that_contradict_each_other_are_for_the_user_to_mend(old: SqlDatabase, store: ConfigStore) -> None:
    old.execute(
        "INSERT INTO strategy_configs_global (strategy_id, parameters, updated_at) VALUES (?, ?, ?)",
        ("doji_reversal", '{"a": 9}', "2021-09-13 12:26:40"),
    )
    found = record_in(store, GLOBAL)
    assert found is not None
    assert found.parameters == {"a": 9}
    with pytest.raises(StopProgram, match="strategy_configs_global has more than one row of doji_reversal: keep one"):
        put(store, BTC, {"a": 3}, 4)
    old.execute("DELETE FROM strategy_configs_global WHERE parameters = '{\"a\": 1}'")
    assert put(store, BTC, {"a": 3}, 4).version == 5


def test_entries_without_ids_are_taken_over_once(old: SqlDatabase, store: ConfigStore, mongo: MongoDatabase) -> None:
    entries = store.all_entries()
    with closing(config_store(mongo)) as other:
        other.copy([], entries)
        store.copy([], other.all_entries())
        assert other.all_entries() == store.all_entries() == entries


def test_tables_that_were_dropped_meanwhile_are_an_error_once(old: SqlDatabase, store: ConfigStore) -> None:
    put(store, GLOBAL, {"a": 3}, 1)
    for table in TABLES:
        old.execute(f"DROP TABLE {table}")
    assert store.records() == []
    with pytest.raises(StopProgram):
        put(store, GLOBAL, {"a": 3}, 0)
    assert put(store, GLOBAL, {"a": 3}, 0).version == 1


def test_who_may_not_make_tables_needs_not_to_where_they_are(mariadb: MariaDB, mysql: MySQLDatabase) -> None:
    def allow(rights: str) -> None:
        mariadb.execute(f"REVOKE ALL ON {mysql.name}.* FROM {mysql.user}@'127.0.0.1'")
        mariadb.execute(f"GRANT {rights} ON {mysql.name}.* TO {mysql.user}@'127.0.0.1'")

    allow("SELECT, INSERT, UPDATE")
    with closing(config_store(mysql)) as store:
        assert store.records() == []
        with pytest.raises(StopProgram, match="CREATE command denied"):
            put(store, GLOBAL, {"a": 1}, 0)
    allow("ALL")
    with closing(config_store(mysql)) as store:
        put(store, GLOBAL, {"a": 1}, 0)
    allow("SELECT, INSERT, UPDATE")
    with closing(config_store(mysql)) as store:
        put(store, GLOBAL, {"a": 2}, 1)


BAD_ROWS: list[tuple[dict[str, Any], str]] = [
    ({"parameters": "sesame"}, "parameters: expected JSON, got 'sesame'"),
    ({"parameters": "[1]"}, "parameters: expected a JSON object"),
    ({"parameters": '{"a": NaN}'}, "parameters: expected JSON"),
    ({"symbol": "btcusdt"}, "symbol: expected one in upper case, got 'btcusdt'"),
    ({"symbol": "BTC/USDT"}, "bad symbol 'BTC/USDT'"),
    ({"strategy_id": ""}, "strategy_id: expected 1 to 100 characters, got ''"),
    ({"strategy_id": "s" * 101}, "strategy_id: expected 1 to 100 characters"),
    ({"version": "1.5"}, "version: expected a whole number, got"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_ROWS, ids=[str(reason) for _, reason in BAD_ROWS])
def test_rows_that_are_unusable_are_told_and_skipped(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, bad: dict[str, Any], reason: str
) -> None:
    file = SQLiteFile(tmp_path / "configs.sqlite3")
    row = {"strategy_id": "doji_reversal", "symbol": "BTCUSDT", "parameters": "{}", "version": 1, **bad}
    with closing(config_store(file)) as store:
        put(store, ETH, {"a": 1}, 0)
        file.execute(
            f"INSERT INTO strategy_configs_symbol ({', '.join(row)}) VALUES (?, ?, ?, ?)",  # noqa: S608
            tuple(row.values()),
        )
        with caplog.at_level(logging.WARNING):
            assert [record.scope for record in store.records()] == [ETH]
    assert f"{file.uri}: strategy_configs_symbol, " in caplog.text
    assert reason in caplog.text


def test_a_change_takes_the_place_of_an_unusable_row(tmp_path: Path) -> None:
    file = SQLiteFile(tmp_path / "configs.sqlite3")
    with closing(config_store(file)) as store:
        for version in range(3):
            put(store, BTC, {"a": version}, version)
        file.execute("UPDATE strategy_configs_symbol SET parameters = 'sesame'")
        assert store.records() == []
        assert put(store, BTC, {"a": 9}, 0).version == 4
        assert store.records()[0].parameters == {"a": 9}


OLD_DOCUMENTS: list[tuple[dict[str, Any], tuple[Values, int, int]]] = [
    ({}, ({"a": 14}, 1, 0)),
    ({"version": 3.0, "parameters": {"a": 14.0}}, ({"a": 14.0}, 3, 0)),
    ({"version": Int64(3), "parameters": {"a": Int64(14), "b": Decimal128("0.5")}}, ({"a": 14, "b": 0.5}, 3, 0)),
    ({"version": "3"}, ({"a": 14}, 3, 0)),
    ({"updated_at": datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)}, ({"a": 14}, 1, OLD_MS)),
    ({"updated_at": "2020-09-13T12:26:40Z"}, ({"a": 14}, 1, OLD_MS)),
    ({"updated_at": "2020-09-13T14:26:40+02:00"}, ({"a": 14}, 1, OLD_MS)),
    ({"updated_at": float(OLD_MS)}, ({"a": 14}, 1, OLD_MS)),
    ({"updated_at": OLD_MS // 1000}, ({"a": 14}, 1, OLD_MS)),
    ({"updated_at": "yesterday", "created_at": None}, ({"a": 14}, 1, 0)),
    ({"parameters": '{"a": 14}', "metadata": "sesame"}, ({"a": 14}, 1, 0)),
    ({"metadata": {"deleted": True}}, ({"a": 14}, 1, 0)),  # somebody who knows nothing of it wrote parameters again
]


@pytest.mark.parametrize(("fields", "expected"), OLD_DOCUMENTS, ids=[str(fields) for fields, _ in OLD_DOCUMENTS])
def test_documents_of_others_are_read_and_changed(
    mongo: MongoDatabase, fields: dict[str, Any], expected: tuple[Values, int, int]
) -> None:
    document = {"strategy_id": "doji_reversal", "parameters": {"a": 14}, "colour": "red", **fields}
    mongo.behind["strategy_configs_global"].insert_one(document)
    with closing(config_store(mongo)) as store:
        parameters, version, _ = expected
        [found] = store.records()
        assert (found.scope, found.parameters, found.version, found.updated_ms) == (GLOBAL, *expected)
        assert put(store, GLOBAL, {"a": 15}, version).version == version + 1
        assert store.all_entries()[0].old_parameters == parameters
    [after] = mongo.behind["strategy_configs_global"].find()
    assert (after["_id"], after["colour"], after["parameters"]) == (document["_id"], "red", {"a": 15})


BAD_DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"parameters": None}, "parameters: expected a JSON object, got None"),
    ({"parameters": {"a": float("nan")}}, "parameters.a: expected a value that JSON has, got nan"),
    ({"parameters": {"a": [ObjectId()]}}, "parameters.a: expected a value that JSON has, got ObjectId"),
    ({"version": 1.5}, "version: expected a whole number, got 1.5"),
    ({"version": True}, "version: expected a whole number, got True"),
    ({"version": float("inf")}, "version: expected a whole number, got inf"),
    ({"strategy_id": 7}, "strategy_id: expected 1 to 100 characters, got 7"),
    ({"symbol": None}, "symbol: expected one in upper case, got None"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD_DOCUMENTS, ids=[reason for _, reason in BAD_DOCUMENTS])
def test_documents_that_are_unusable_are_told_and_skipped(
    mongo: MongoDatabase, caplog: pytest.LogCaptureFixture, bad: dict[str, Any], reason: str
) -> None:
    document = {"strategy_id": "doji_reversal", "symbol": "BTCUSDT", "parameters": {}, "version": 1, **bad}
    twice = [document, {**document}] if {"strategy_id", "symbol"} & bad.keys() else [document]  # in nobody's way
    mongo.behind["strategy_configs_symbol"].insert_many(twice)
    with closing(config_store(mongo)) as store, caplog.at_level(logging.WARNING):
        put(store, ETH, {"a": 1}, 0)
        assert [record.scope for record in store.records()] == [ETH]
    assert "strategy_configs_symbol, " in caplog.text
    assert reason in caplog.text


def test_documents_that_contradict_each_other_are_for_the_user_to_mend(mongo: MongoDatabase) -> None:
    document = {"strategy_id": "doji_reversal", "parameters": {}}
    mongo.behind["strategy_configs_global"].insert_many([{**document, "version": 1}, {**document, "version": 2}])
    with closing(config_store(mongo)) as store:
        assert [record.version for record in store.records()] == [2]
        with pytest.raises(StopProgram, match="more than one document of doji_reversal: keep one"):
            put(store, ETH, {"a": 1}, 0)


def test_an_index_of_an_older_bot_is_left_as_it_is(mongo: MongoDatabase) -> None:
    collection = mongo.behind["strategy_configs_global"]
    collection.create_index([("strategy_id", 1)])
    with closing(config_store(mongo)) as store:
        put(store, GLOBAL, {"a": 1}, 0)
    indexes = collection.index_information()
    assert "unique" not in indexes["strategy_id_1"]
    assert [index["key"] for index in indexes.values() if index.get("unique")] == [[("strategy_id", 1)]]


def test_audit_entries_of_others_are_read(mongo: MongoDatabase) -> None:
    said = {"strategy_id": "doji_reversal", "changed_by": "olga", "old_parameters": None}
    audit = mongo.behind["strategy_config_audit"]
    audit.insert_one({**said, "symbol": None, "action": "create", "new_parameters": {"a": 1.0}, "changed_at": AT})
    audit.insert_one({**said, "symbol": "BTCUSDT", "action": "DELETE", "changed_at": datetime(2021, 1, 1, tzinfo=UTC)})
    audit.insert_one({**said, "action": "EXPLODE"})
    with closing(config_store(mongo)) as store:
        deleted, created = store.entries("doji_reversal")
        assert (created.scope, created.action, created.new_parameters, created.changed_ms) == (
            GLOBAL,
            "CREATE",
            {"a": 1},
            OLD_MS,
        )
        assert (deleted.scope, deleted.action, deleted.new_parameters) == (BTC, "DELETE", None)
        store.copy([], [deleted, created])
    assert audit.count_documents({}) == 3


def test_times_are_of_the_databases_own_type(mysql: MySQLDatabase, mongo: MongoDatabase) -> None:
    for database in (mysql, mongo):
        with closing(config_store(database)) as store:
            put(store, GLOBAL, {"a": 1}, 0)
        [row] = rows_behind(database, "strategy_configs_global")
        assert row["updated_at"] == datetime(2024, 1, 1, 0, 0, 0, 123_000)  # noqa: DTZ001  # in UTC, as both have it
        assert object_behind(row["parameters"]) == {"a": 1}


def test_a_folder_that_is_not_there_is_for_the_user_to_mend(tmp_path: Path) -> None:
    with closing(SqlConfigStore(Database(f"sqlite:///{tmp_path}/no/such/file"))) as store:
        assert store.records() == []
        with pytest.raises(StopProgram, match="unable to open"):
            put(store, Scope("doji_reversal"), {"a": 1}, 0, NOW_MS)
