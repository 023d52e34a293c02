"""Stores of the configuration that are away, refuse, or differ: what is raised, what holds, and what they agree on."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from state.configs.mongo import MongoConfigStore
from state.configs.records import APPLICATION, AuditEntry, ConfigRecord
from state.configs.store import ConfigStore
from state.configs.stores import ConfigStores, open_stores
from state.errors import ReadAgain, RetryLater, StopProgram
from tests.config_writer import SCOPE
from tests.configs import BTC, ETH, GLOBAL, NOW_MS, change, config_store, opened, put, record_in, where, writer
from tests.databases import SQLiteFile
from tests.mariadb_server import MariaDB, MySQLDatabase
from tests.mongo_server import ADMINISTRATOR, PASSWORD, MongoDatabase, MongoServer, mongo_database
from tests.nats_server import wait_until


@pytest.fixture
def file(tmp_path: Path) -> SQLiteFile:
    return SQLiteFile(tmp_path / "configs.sqlite3")


@pytest.fixture
def first(mongo: MongoDatabase) -> Iterator[ConfigStore]:
    """The primary, as it is itself."""
    with closing(config_store(mongo)) as store:
        yield store


@pytest.fixture
def second(mysql: MySQLDatabase) -> Iterator[ConfigStore]:
    """The fallback, as it is itself."""
    with closing(config_store(mysql)) as store:
        yield store


def write(stores: ConfigStores, value: int, expected_version: int) -> ConfigRecord:
    return stores.write(change(BTC, {"a": value}, expected_version)).record


def held(store: ConfigStore) -> tuple[set[tuple[object, ...]], set[tuple[object, ...]]]:
    """Everything in a store, but for where that is."""
    records: set[tuple[object, ...]] = {
        (each.scope, str(each.parameters), each.version, each.updated_ms) for each in store.records()
    }
    return records, {(each.id, each.version, str(each.new_parameters)) for each in store.all_entries()}


def shown(error: BaseException) -> str:
    """Everything that a log could hold of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)


def test_a_write_is_in_both_before_it_is_answered(
    mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    with opened(mongo, mysql) as stores:
        written = stores.write(change(BTC, {"a": 1}, 0))
        assert written.mirrored
        assert stores.read().source == "mongodb"
        assert stores.read().is_primary
        assert stores.read().get(BTC) == written.record
        assert stores.entries("doji_reversal") == [written.entry]
        assert stores.entry_of(BTC, 1) == written.entry
        assert stores.troubles() == {"mongodb": None, "mysql": None}
    assert held(first) == held(second)
    assert second.entry_of(BTC, 1) == written.entry


@pytest.mark.parametrize("how", ["down", "frozen"])
def test_the_fallback_is_read_while_the_primary_is_away(
    mongod: MongoServer, mongo: MongoDatabase, mysql: MySQLDatabase, how: str
) -> None:
    with opened(mongo, mysql) as stores:
        record = write(stores, 1, 0)
        with mongod.down() if how == "down" else mongod.frozen():
            found = stores.read()
            assert (found.source, found.is_primary) == ("mysql", False)
            assert [each.parameters for each in found.by_scope.values()] == [{"a": 1}]
            assert stores.entry_of(BTC, 1) == stores.entries("doji_reversal")[0]
            assert stores.troubles()["mysql"] is None
            assert f"mongodb://127.0.0.1:{mongod.port}/{mongo.name}: " in str(stores.troubles()["mongodb"])
        wait_until(lambda: stores.read().is_primary, "the primary to be read again")
        assert stores.read().get(BTC) == record
        assert stores.troubles()["mongodb"] is None


def test_a_change_is_refused_while_the_primary_is_away(
    mongod: MongoServer, mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    with opened(mongo, mysql) as stores:
        write(stores, 1, 0)
        with (
            mongod.down(),
            pytest.raises(RetryLater, match=r"cannot be changed: .*mysql is not set up to take changes"),
        ):
            write(stores, 2, 1)
        assert write(stores, 3, 1).version == 2
    assert held(first) == held(second)
    assert [entry.new_parameters for entry in first.all_entries()] == [{"a": 3}, {"a": 1}]


def test_with_both_away_the_reasons_of_both_are_told(
    mongod: MongoServer, mariadb: MariaDB, mongo: MongoDatabase, mysql: MySQLDatabase
) -> None:
    with opened(mongo, mysql, fallback_takes_writes=True) as stores:
        write(stores, 1, 0)
        with mongod.down(), mariadb.down():
            with pytest.raises(RetryLater, match=r"cannot be read: mongodb://.*; mysql://") as refused:
                stores.read()
            assert mysql.password not in shown(refused.value)
            with pytest.raises(RetryLater, match=r"cannot be changed: mongodb://.*; mysql://"):
                write(stores, 2, 1)
        wait_until(stores.agree, "both to be back")
        assert write(stores, 2, 1).version == 2


def test_what_the_fallback_could_not_take_is_made_good(
    mariadb: MariaDB, mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    with opened(mongo, mysql) as stores:
        write(stores, 1, 0)
        stores.start()
        with mariadb.down():
            assert not stores.write(change(BTC, {"a": 2}, 1)).mirrored
            assert not stores.write(change(BTC, None, 2)).mirrored
            assert stores.read().source == "mongodb"
        wait_until(lambda: held(second) == held(first), "the fallback to have it too")
        assert stores.troubles() == {"mongodb": None, "mysql": None}
        assert stores.write(change(BTC, {"a": 4}, 3)).mirrored
    assert held(first) == held(second)


def test_a_fallback_that_is_back_first_has_what_it_missed(
    mongod: MongoServer, mariadb: MariaDB, mongo: MongoDatabase, mysql: MySQLDatabase
) -> None:
    with opened(mongo, mysql, fallback_takes_writes=True) as stores:
        write(stores, 1, 0)
        mariadb.kill()
        assert not stores.write(change(BTC, {"a": 2}, 1)).mirrored
        with mongod.down():
            mariadb.start()
            assert write(stores, 3, 2).version == 3
        wait_until(stores.agree, "both to be back")
        assert [entry.version for entry in stores.entries("doji_reversal")] == [3, 2, 1]


def test_what_the_fallback_took_the_primary_has_before_its_next_change(
    mongod: MongoServer, mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    with opened(mongo, mysql, fallback_takes_writes=True) as stores:
        write(stores, 1, 0)
        with mongod.down():
            written = stores.write(change(BTC, {"a": 2}, 1))
            assert (written.record.version, written.record.source, written.mirrored) == (2, "mysql", False)
            assert stores.write(change(BTC, None, 2)).record.version == 3
        found = stores.read().get(BTC)  # whichever is there, never what was before
        assert found is not None
        assert (found.version, found.parameters) == (3, None)
        with pytest.raises(ReadAgain):
            write(stores, 9, 1)
        assert write(stores, 4, 3).version == 4
        assert stores.read().is_primary
    assert held(first) == held(second)
    assert [entry.version for entry in first.entries("doji_reversal")] == [4, 3, 2, 1]


def test_another_program_too_has_what_the_fallback_took(
    mongod: MongoServer, mongo: MongoDatabase, mysql: MySQLDatabase
) -> None:
    settings = {"fallback_takes_writes": True}
    with opened(mongo, mysql, **settings) as stores:
        write(stores, 1, 0)
        with mongod.down():
            write(stores, 2, 1)
    with opened(mongo, mysql, **settings) as others:  # it does not know that there was an outage
        assert write(others, 3, 2).version == 3


def test_writers_who_wait_for_the_same_primary_wait_once(
    mongod: MongoServer, mongo: MongoDatabase, file: SQLiteFile
) -> None:
    tried: list[int] = []

    class Counted(MongoConfigStore):
        def records(self) -> list[ConfigRecord]:
            tried.append(1)
            return super().records()

    fallback = config_store(file)
    stores = ConfigStores(Counted(mongo.uri, mongo.name), fallback, fallback_takes_writes=True, retry_secs=600.0)
    with closing(stores), mongod.frozen(), ThreadPoolExecutor(10) as pool:
        scopes = [GLOBAL._replace(symbol=f"S{number}") for number in range(10)]
        list(pool.map(lambda scope: stores.write(change(scope, {}, 0)), scopes))
        assert len(tried) == 1
        for _ in range(10):  # readers do not wait for it
            assert len(stores.read().by_scope) == 10
        assert len(tried) == 1


def test_a_change_whose_answer_was_lost_is_made_once(
    mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    class Deaf(MongoConfigStore):
        def put(self, *what: Any) -> tuple[ConfigRecord, AuditEntry]:
            super().put(*what)
            raise RetryLater("the answer was lost")

    stores = ConfigStores(Deaf(mongo.uri, mongo.name), config_store(mysql), fallback_takes_writes=True)
    with closing(stores):
        assert write(stores, 1, 0).version == 1
        assert stores.agree()
    assert held(first) == held(second)
    assert len(first.all_entries()) == 1


@pytest.mark.parametrize("later_is", ["primary", "fallback"])
def test_of_two_changes_that_made_the_same_version_the_later_holds(
    mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore, later_is: str
) -> None:
    with opened(mongo, mysql, fallback_takes_writes=True) as stores:
        for store in (first, second):
            put(store, BTC, {"a": 1}, 0)
        put(first, BTC, {"a": "primary"}, 1, NOW_MS + (2_000 if later_is == "primary" else 1_000))
        put(second, BTC, {"a": "fallback"}, 1, NOW_MS + (1_000 if later_is == "primary" else 2_000))
        assert stores.agree()
        found = stores.read().get(BTC)
        assert found is not None
        assert (found.version, found.parameters) == (2, {"a": later_is})
        assert {str(entry.new_parameters) for entry in stores.entries("doji_reversal")} == {
            "{'a': 1}",
            "{'a': 'primary'}",
            "{'a': 'fallback'}",
        }
    assert held(first) == held(second)


def test_two_stores_agree_in_both_directions(
    mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    put(first, BTC, {"a": 1}, 0)
    put(first, BTC, {"a": 2}, 1)
    put(second, BTC, {"a": 9}, 0)
    put(second, ETH, {"a": 3}, 0)
    put(second, ETH, None, 1)
    put(second, APPLICATION, {"min_confidence": 0.6}, 0)
    with opened(mongo, mysql, fallback_takes_writes=True) as stores:
        assert stores.agree()
        assert held(first) == held(second)
        records, entries = held(first)
        assert {(record[0], record[1]) for record in records} == {
            (BTC, "{'a': 2}"),
            (ETH, "None"),
            (APPLICATION, "{'min_confidence': 0.6}"),
        }
        assert len(entries) == 6
        assert stores.agree()
    assert held(first) == (records, entries) == held(second)


def test_one_store_always_agrees(file: SQLiteFile) -> None:
    with opened(file) as stores:
        stores.start()
        assert stores.agree()
        assert stores.write(change(BTC, {"a": 1}, 0)).mirrored
        assert stores.troubles() == {"sqlite": None}


def test_both_agree_when_a_program_starts(
    mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    put(first, BTC, {"a": 1}, 0)
    put(second, ETH, {"a": 1}, 0)
    with opened(mongo, mysql, fallback_takes_writes=True) as stores:
        stores.start()
        wait_until(lambda: len(first.records()) == 2 and held(first) == held(second), "both to agree")


def test_a_fallback_that_takes_no_writes_is_made_a_copy(
    mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    """Whatever was in it: what somebody tried out elsewhere is not to reach the primary."""
    put(first, BTC, {"a": 1}, 0)
    for version, value in enumerate((7, 8, 9)):
        put(second, BTC, {"a": value}, version)
    put(second, ETH, {"a": 3}, 0)
    before = held(first)

    def values(store: ConfigStore) -> tuple[int, object]:
        record = record_in(store, BTC)
        assert record is not None
        return record.version, record.parameters

    with opened(mongo, mysql) as stores:
        stores.start()
        wait_until(lambda: values(second) == (1, {"a": 1}), "the fallback to follow")
        assert stores.agree()
    assert held(first) == before


def test_an_audit_entry_that_only_its_record_holds_is_not_lost(mongo: MongoDatabase, first: ConfigStore) -> None:
    audit = mongo.behind["strategy_config_audit"]

    def leave_out() -> None:
        """As when the writer was killed between the two."""
        audit.delete_many({"version": store_version()})

    def store_version() -> int:
        return max(record.version for record in first.records())

    put(first, BTC, {"a": 1}, 0)
    for look in (
        lambda: first.entries("doji_reversal"),
        first.all_entries,
        lambda: [first.entry_of(BTC, store_version())],
        lambda: put(first, BTC, {"a": store_version()}, store_version()),
        lambda: first.copy(first.records(), []),
    ):
        leave_out()
        version = store_version()
        assert audit.count_documents({"version": version}) == 0
        look()
        assert audit.count_documents({"version": version}) == 1
    assert [entry.version for entry in first.all_entries()] == [2, 1]


def test_what_was_accepted_before_a_kill_is_in_both(
    mongo: MongoDatabase, mysql: MySQLDatabase, first: ConfigStore, second: ConfigStore
) -> None:
    accepted = 0
    for _ in range(3):
        process = writer(*where(mongo, mysql.uri), "1", "1000000")
        assert process.stdout is not None
        for line in process.stdout:
            accepted = int(line)
            if accepted % 20 == 19:
                break
        process.kill()
        accepted = max([accepted, *map(int, process.stdout.read().split())])
        process.wait()
        process.stdout.close()
        with opened(mongo, mysql) as stores:
            assert stores.agree()
        for store in (first, second):
            [record] = store.records()
            assert record.scope == SCOPE
            assert accepted <= record.version <= accepted + 1
            entries = store.entries(SCOPE.strategy_id)
            assert [entry.version for entry in reversed(entries)] == list(range(1, record.version + 1))
            assert entries[0].new_parameters == record.parameters
        assert held(first) == held(second)


def test_what_a_server_accepted_outlives_it(mongod: MongoServer, mongo: MongoDatabase, first: ConfigStore) -> None:
    for version in range(20):
        put(first, BTC, {"a": version}, version)
    with mongod.down():
        pass
    assert [record.version for record in first.records()] == [20]
    assert len(first.all_entries()) == 20


@pytest.fixture
def guarded(guarded_mongod: MongoServer) -> Iterator[MongoDatabase]:
    with mongo_database(guarded_mongod) as database:
        yield database


def encoded(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_user_and_password_may_be_percent_encoded(guarded: MongoDatabase) -> None:
    address = f"127.0.0.1:{guarded.server.port}"
    uri = f"mongodb://{ADMINISTRATOR}:{encoded(PASSWORD)}@{address}/?authSource=admin&appName=sesame"
    with closing(MongoConfigStore(uri, guarded.name)) as store:
        assert put(store, BTC, {"a": 1}, 0).version == 1
        assert store.name == f"mongodb://***@{address}/{guarded.name}"


def test_a_password_that_is_wrong_is_for_the_user_to_mend(
    guarded: MongoDatabase, file: SQLiteFile, caplog: pytest.LogCaptureFixture
) -> None:
    uri = f"mongodb://olga:hunter2hunter2@127.0.0.1:{guarded.server.port}/?appName=sesame"
    with caplog.at_level(logging.DEBUG), closing(MongoConfigStore(uri, guarded.name)) as store:
        with pytest.raises(StopProgram, match="Authentication failed") as refused:
            store.records()
        for secret in ("hunter2hunter2", "olga", "sesame"):
            assert secret not in str(refused.value)
        assert "hunter2hunter2" not in shown(refused.value)
        stores = ConfigStores(store, config_store(file), retry_secs=0.1)
        assert stores.read().source == "sqlite"
        assert "Authentication failed" in str(stores.troubles()["mongodb"])
        with pytest.raises(RetryLater, match="Authentication failed"):
            write(stores, 1, 0)
        stores.close()
    assert "hunter2hunter2" not in caplog.text


def test_what_rights_do_not_allow_is_for_the_user_to_mend(guarded: MongoDatabase) -> None:
    roles = [{"role": "read", "db": guarded.name}]
    guarded.server.client["admin"].command("createUser", guarded.name, pwd="hunter2hunter2", roles=roles)
    uri = f"mongodb://{guarded.name}:hunter2hunter2@127.0.0.1:{guarded.server.port}/"
    with closing(MongoConfigStore(uri, guarded.name)) as store:
        assert store.records() == store.all_entries() == []  # type: ignore[comparison-overlap]
        with pytest.raises(StopProgram, match="not authorized") as refused:
            put(store, BTC, {"a": "sesame"}, 0)
        assert "sesame" not in str(refused.value)
        assert "hunter2hunter2" not in shown(refused.value)
    nobody = MongoConfigStore(f"mongodb://127.0.0.1:{guarded.server.port}", guarded.name)
    with closing(nobody), pytest.raises(StopProgram, match="requires authentication"):
        nobody.records()


BAD_URIS = [
    "",
    "sesame",
    "mysql://sesame:sesame@host/petrosa",
    "mongodb://",
    "mongodb://sesame:se@same@host",
    "mongodb://sesame:se/same@host",
    "mongodb://sesame:se?same@host/petrosa",
    "mongodb://sesame:se%same@host",
    "mongodb://sesame:sesame@host:sesame/petrosa",
    "mongodb://host/?sesame=1",
    "mongodb://host/?tls=sesame",
    "mongodb://host/?authSource=",
    "mongodb://[sesame",
]


@pytest.mark.parametrize("uri", BAD_URIS)
def test_a_uri_that_is_unusable_is_for_the_user_to_mend_and_not_repeated(uri: str) -> None:
    with pytest.raises(StopProgram, match="MongoDB URI: expected") as refused:
        MongoConfigStore(uri, "petrosa")
    assert "sesame" not in shown(refused.value).replace(f"{uri!r}", "")


@pytest.mark.parametrize("name", ["", "a b", "a.b", "$a", "a/b"])
def test_a_database_name_that_is_unusable_is_for_the_user_to_mend(name: str) -> None:
    with pytest.raises(StopProgram, match="MongoDB database: expected a database's name, got"):
        MongoConfigStore("mongodb://localhost", name)


def test_a_cluster_that_is_found_by_name_is_not_looked_for_before_it_is_used() -> None:
    with closing(MongoConfigStore("mongodb+srv://olga:sesame@nowhere.invalid/", "petrosa")) as store:
        assert store.name == "mongodb://***@nowhere.invalid/petrosa"


def test_stores_are_those_that_a_program_was_told_of(
    mongo: MongoDatabase, mysql: MySQLDatabase, file: SQLiteFile
) -> None:
    cases: list[tuple[str | None, str | None, list[str]]] = [
        (mongo.uri, mysql.uri, ["mongodb", "mysql"]),
        (mongo.uri, None, ["mongodb", "sqlite"]),
        (None, mysql.uri, ["mysql"]),
        (None, None, ["sqlite"]),
    ]
    for mongodb_uri, mysql_uri, kinds in cases:
        with closing(open_stores(mongodb_uri, mongo.name, mysql_uri, file.uri)) as stores:
            assert list(stores.troubles()) == kinds
            assert stores.read().source == kinds[0]


def test_a_killed_server_does_not_keep_a_program_from_ending(
    mongod: MongoServer, mongo: MongoDatabase, file: SQLiteFile
) -> None:
    with mongod.down(), opened(mongo, file) as stores:
        stores.start()
        assert stores.read().source == "sqlite"
