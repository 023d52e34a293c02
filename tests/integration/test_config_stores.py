"""What every store of the configuration does, whichever database it is in."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from state.configs.records import APPLICATION, AuditEntry, Change, ConfigRecord, Scope, Values
from state.configs.store import ConfigStore
from state.errors import ReadAgain, SkipInput
from tests.config_writer import SCOPE
from tests.configs import (
    BTC,
    ETH,
    GLOBAL,
    NOW_MS,
    TABLES,
    ConfigDatabase,
    change,
    config_store,
    insist,
    object_behind,
    put,
    record_in,
    rows_behind,
    where,
    writer,
)
from tests.databases import SQLiteFile
from tests.mongo_server import MongoDatabase

LATER_MS = NOW_MS + 1_000


@pytest.fixture
def other(config_database: ConfigDatabase) -> Iterator[ConfigStore]:
    """The same store, of another program."""
    store = config_store(config_database)
    yield store
    store.close()


def entry(version: int, old: Values | None, new: Values | None, **said: Any) -> AuditEntry:
    action = "DELETE" if new is None else "CREATE" if old is None else "UPDATE"
    fields = {"id": f"id-{version}", "scope": BTC, "changed_by": "me", "changed_ms": NOW_MS, "reason": None, **said}
    return AuditEntry(action=action, version=version, old_parameters=old, new_parameters=new, **fields)  # type: ignore[arg-type]


def record(version: int, parameters: Values | None, updated_ms: int = NOW_MS, scope: Scope = BTC) -> ConfigRecord:
    return ConfigRecord(scope, parameters, version, NOW_MS, updated_ms, "me", "elsewhere")


def test_where_nothing_was_written_nothing_is_read_nor_made(
    config_database: ConfigDatabase, config_store: ConfigStore
) -> None:
    config_store.check()
    assert config_store.records() == []
    assert config_store.entries("doji_reversal") == config_store.entries(None) == config_store.all_entries() == []
    assert config_store.entry_of(BTC, 1) is None
    assert config_store.entry_of(APPLICATION, 1) is None
    if isinstance(config_database, SQLiteFile):
        assert not config_database.path.exists()
    elif isinstance(config_database, MongoDatabase):
        assert config_database.behind.list_collection_names() == []
    else:
        assert config_database.execute("SHOW TABLES") == []


@pytest.mark.parametrize("scope", [GLOBAL, BTC, APPLICATION], ids=str)
def test_what_is_written_is_read_by_others(config_store: ConfigStore, other: ConfigStore, scope: Scope) -> None:
    made = config_store.put(Change(scope, {"a": 1, "b": 2.5}, 0, "me", "why not"), "first", NOW_MS)
    record = ConfigRecord(scope, {"a": 1, "b": 2.5}, 1, NOW_MS, NOW_MS, "me", config_store.kind)
    entry = AuditEntry("first", scope, "CREATE", 1, None, {"a": 1, "b": 2.5}, "me", NOW_MS, "why not")
    assert made == (record, entry)
    for store in (config_store, other):
        assert store.records() == [record]
        assert store.entries(scope.strategy_id) == store.all_entries() == [entry]
        assert store.entry_of(scope, 1) == entry


def test_versions_only_rise_and_every_change_is_in_the_audit(config_store: ConfigStore, other: ConfigStore) -> None:
    steps: list[Values | None] = [{"a": 1}, {"a": 2}, None, {"b": 3}]
    for version, parameters in enumerate(steps):
        store = (config_store, other)[version % 2]
        store.put(Change(BTC, parameters, version, f"user {version}"), f"id-{version + 1}", NOW_MS + version)
    last = ConfigRecord(BTC, {"b": 3}, 4, NOW_MS + 3, NOW_MS + 3, "user 3", config_store.kind)
    assert other.records() == [last]
    expected = [
        entry(4, None, {"b": 3}, changed_by="user 3", changed_ms=NOW_MS + 3),
        entry(3, {"a": 2}, None, changed_by="user 2", changed_ms=NOW_MS + 2),
        entry(2, {"a": 1}, {"a": 2}, changed_by="user 1", changed_ms=NOW_MS + 1),
        entry(1, None, {"a": 1}, changed_by="user 0", changed_ms=NOW_MS),
    ]
    assert config_store.entries("doji_reversal", "BTCUSDT") == expected
    assert [other.entry_of(BTC, version) for version in (4, 3, 2, 1)] == expected


def test_a_change_keeps_who_created_it_and_when(config_store: ConfigStore) -> None:
    config_store.put(Change(BTC, {"a": 1}, 0, "creator"), "first", NOW_MS)
    config_store.put(Change(BTC, {"a": 2}, 1, "other"), "second", LATER_MS)
    assert config_store.records() == [ConfigRecord(BTC, {"a": 2}, 2, NOW_MS, LATER_MS, "creator", config_store.kind)]


def test_who_knows_nothing_of_deletion_reads_no_overrides(
    config_database: ConfigDatabase, config_store: ConfigStore
) -> None:
    put(config_store, BTC, {"a": 1}, 0)
    put(config_store, BTC, None, 1)
    assert config_store.records() == [replace(record(2, None), created_by="somebody", source=config_store.kind)]
    [row] = rows_behind(config_database, "strategy_configs_symbol")
    assert object_behind(row["parameters"]) == {}
    assert object_behind(row["metadata"])["deleted"] is True
    assert row["version"] == 2


@pytest.mark.parametrize("expected", [0, 1, 3])
@pytest.mark.parametrize("parameters", [{"a": 9}, None])
def test_a_change_that_was_decided_on_another_version_is_not_made(
    config_store: ConfigStore, expected: int, parameters: Values | None
) -> None:
    put(config_store, BTC, {"a": 1}, 0)
    put(config_store, BTC, {"a": 2}, 1)
    before = config_store.records(), config_store.all_entries()
    with pytest.raises(ReadAgain, match=f"doji_reversal on BTCUSDT: version {expected} was expected") as refused:
        config_store.put(change(BTC, parameters, expected), "lost", LATER_MS)
    assert refused.value.version == 2
    assert (config_store.records(), config_store.all_entries()) == before


def test_what_is_not_there_cannot_be_deleted(config_store: ConfigStore) -> None:
    with pytest.raises(SkipInput, match="doji_reversal on BTCUSDT: there is no configuration to delete"):
        put(config_store, BTC, None, 0)
    with pytest.raises(ReadAgain):
        put(config_store, BTC, None, 1)
    put(config_store, BTC, {"a": 1}, 0)
    put(config_store, BTC, None, 1)
    with pytest.raises(SkipInput):
        put(config_store, BTC, None, 2)
    assert len(config_store.all_entries()) == 2


VALUES: Values = {
    "int": -(2**53),
    "long": 2**62,
    "float": 0.1 + 0.2,
    "small": 5e-324,
    "whole": 14.0,
    "text": "é 漢字 🚀 ' \" \\ % : ? \n",
    "nothing": None,
    "truth": True,
    "list": ["1m", "15m", []],
    "object": {"a.b": 1, "$c": {}},
    "": 0,
}


def test_values_come_back_as_they_were(config_store: ConfigStore, other: ConfigStore) -> None:
    put(config_store, BTC, VALUES, 0)
    found = record_in(other, BTC)
    assert found is not None
    assert found.parameters == VALUES
    assert {name: type(value) for name, value in found.parameters.items()} == {
        name: type(value) for name, value in VALUES.items()
    }
    assert other.all_entries()[0].new_parameters == VALUES


@pytest.mark.parametrize("value", [10**30, "\ud800", object()], ids=["int", "text", "object"])
def test_values_that_cannot_be_held_are_refused(config_store: ConfigStore, value: object) -> None:
    with pytest.raises(SkipInput, match="expected values that"):
        put(config_store, BTC, {"a": value}, 0)
    with pytest.raises(SkipInput, match="expected values that"):
        config_store.put(Change(BTC, {}, 0, "me", "\ud800"), "first", NOW_MS)
    assert config_store.records() == []
    assert config_store.all_entries() == []


def test_entries_are_of_what_is_asked_for_and_the_newest_first(config_store: ConfigStore) -> None:
    scopes = [GLOBAL, BTC, ETH, BTC, APPLICATION, Scope("hammer_reversal_pattern"), APPLICATION]
    versions: dict[Scope, int] = {}
    for step, scope in enumerate(scopes):
        version = versions.get(scope, 0)
        config_store.put(change(scope, {"step": step}, version), f"step {step}", NOW_MS + step)
        versions[scope] = version + 1

    def steps(entries: list[AuditEntry]) -> list[int]:
        return [int(entry.id.removeprefix("step ")) for entry in entries]

    assert steps(config_store.entries("doji_reversal")) == [3, 2, 1, 0]
    assert steps(config_store.entries("doji_reversal", "BTCUSDT")) == [3, 1]
    assert steps(config_store.entries("doji_reversal", limit=2)) == [3, 2]
    assert steps(config_store.entries("doji_reversal", since_ms=NOW_MS + 1)) == [3, 2, 1]
    assert steps(config_store.entries(None)) == [6, 4]
    assert steps(config_store.entries("nothing")) == []
    assert steps(config_store.all_entries()) == [6, 5, 4, 3, 2, 1, 0]
    assert steps(config_store.all_entries(NOW_MS + 5)) == [6, 5]
    found = config_store.entry_of(APPLICATION, 1), config_store.entry_of(GLOBAL, 1), config_store.entry_of(BTC, 2)
    assert steps([entry for entry in found if entry]) == [4, 0, 3]
    assert config_store.entry_of(BTC, 3) is None


def test_what_another_store_has_is_taken_over(config_store: ConfigStore) -> None:
    records = [record(3, {"a": 1}), record(2, None, scope=GLOBAL), record(7, {"min": 1}, scope=APPLICATION)]
    entries = [entry(3, {"a": 0}, {"a": 1}), entry(2, {"b": 0}, None, id="b", scope=GLOBAL)]
    entries.append(entry(7, None, {"min": 1}, id="c", scope=APPLICATION))
    for _ in range(2):  # the second time changes nothing
        config_store.copy(records, entries)
        found = sorted(config_store.records(), key=str)
        assert found == sorted((replace(each, source=config_store.kind) for each in records), key=str)
        assert sorted(config_store.all_entries(), key=str) == sorted(entries, key=str)
    config_store.copy([], [])
    assert put(config_store, BTC, {"a": 2}, 3).version == 4


@pytest.mark.parametrize(
    ("offered", "holds"),
    [
        (record(2, {"a": 2}, LATER_MS), False),
        (record(3, {"a": 2}, NOW_MS - 1), False),
        (record(3, {"a": 2}, NOW_MS + 1), True),
        (record(3, None, NOW_MS + 1), True),
        (record(4, {"a": 2}, NOW_MS - 1), True),
    ],
)
def test_the_later_of_two_records_holds(config_store: ConfigStore, offered: ConfigRecord, holds: bool) -> None:
    held = record(3, {"a": 1})
    config_store.copy([held], [])
    config_store.copy([offered], [])
    assert config_store.records() == [replace(offered if holds else held, source=config_store.kind)]


def test_two_stores_that_take_over_the_same_at_once_leave_it_once(config_database: ConfigDatabase) -> None:
    entries = [entry(version, None, {"a": version}) for version in range(300)]
    stores = [config_store(config_database) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda store: store.copy([record(9, {"a": 9})], entries), stores))
    assert len(rows_behind(config_database, "strategy_config_audit")) == 300
    assert len(rows_behind(config_database, "strategy_configs_symbol")) == 1
    for store in stores:
        store.close()


def test_fifty_writers_in_one_process_leave_one_version_and_one_entry_each(config_store: ConfigStore) -> None:
    with ThreadPoolExecutor(50) as pool:
        made = list(pool.map(lambda number: insist(config_store, BTC, {"a": number}, str(number)), range(50)))
    _check_history(config_store, BTC, made)


def test_fifty_writers_in_two_processes_leave_one_version_and_one_entry_each(
    config_database: ConfigDatabase, config_store: ConfigStore, tmp_path: Path
) -> None:
    place = where(config_database, f"sqlite:///{tmp_path / 'fallback.sqlite3'}")
    writers = [writer(*place, "25", "1") for _ in range(2)]
    said = [process.communicate()[0] for process in writers]
    assert [process.returncode for process in writers] == [0, 0]
    _check_history(config_store, SCOPE, [int(line) for text in said for line in text.split()])


def _check_history(store: ConfigStore, scope: Scope, made: list[int]) -> None:
    assert sorted(made) == list(range(1, 51))
    entries = sorted(store.entries(scope.strategy_id), key=lambda entry: entry.version)
    assert [entry.version for entry in entries] == list(range(1, 51))
    assert [entry.old_parameters for entry in entries] == [None, *(entry.new_parameters for entry in entries[:-1])]
    found = record_in(store, scope)
    assert found is not None
    assert (found.version, found.parameters) == (50, entries[-1].new_parameters)


def test_tables_and_fields_are_those_that_others_know(
    config_database: ConfigDatabase, config_store: ConfigStore
) -> None:
    for scope in (GLOBAL, BTC, APPLICATION):
        put(config_store, scope, {"a": 1}, 0)
    record = {"parameters", "version", "created_at", "updated_at", "created_by", "metadata"}
    audit = {"action", "old_parameters", "new_parameters", "changed_by", "changed_at", "reason"}
    scopes = [{"strategy_id"}, {"strategy_id", "symbol"}, {"strategy_id", "symbol"}, {"name"}, {"name"}]
    for table, keys in zip(TABLES, scopes, strict=True):
        for row in rows_behind(config_database, table):
            assert row.keys() >= keys | (audit if table.endswith("audit") else record)
