"""What is known of the configuration between two reads, during one, and while no store can be read."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from state.configs.cache import CachedConfigs
from state.configs.records import AuditEntry, Change, ConfigRecord, Scope
from state.configs.sql import SqlConfigStore
from state.configs.stores import ConfigStores
from state.database import Database
from state.errors import RetryLater
from tests.nats_server import PATIENCE_SECS, wait_until

BTC = Scope("doji_reversal", "BTCUSDT")
ETH = Scope("doji_reversal", "ETHUSDT")


class Watchable(SqlConfigStore):
    """A store in SQLite that counts reads, can be held up in the middle of one, and can be away."""

    def __init__(self, path: Path) -> None:
        super().__init__(Database(f"sqlite:///{path}"))
        self.reads = 0
        self.is_away = False
        self.go_on = threading.Event()
        self.go_on.set()

    def copy(self, records: Iterable[ConfigRecord], entries: Iterable[AuditEntry], *, replace: bool = False) -> None:
        self._check_there()
        super().copy(records, entries, replace=replace)

    def records(self) -> list[ConfigRecord]:
        self._check_there()
        found = super().records()
        self.reads += 1
        assert self.go_on.wait(PATIENCE_SECS)
        return found

    def _check_there(self) -> None:
        if self.is_away:
            raise RetryLater(f"{self.name}: away")


@pytest.fixture
def store(tmp_path: Path) -> Watchable:
    return Watchable(tmp_path / "first.sqlite3")


@pytest.fixture
def stores(store: Watchable) -> Iterator[ConfigStores]:
    with closing(ConfigStores(store, retry_secs=0.0)) as stores:
        yield stores


class Clock:
    now_secs = 1_000.0

    def __call__(self) -> float:
        return self.now_secs


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(stores: ConfigStores, clock: Clock) -> CachedConfigs:
    return CachedConfigs(stores, 60.0, clock)


def write(stores: ConfigStores, value: int, expected_version: int, scope: Scope = BTC) -> ConfigRecord:
    return stores.write(Change(scope, {"a": value}, expected_version, "me")).record


def version(cache: CachedConfigs, scope: Scope = BTC) -> int:
    found = cache.read().get(scope)
    return found.version if found else 0


def test_records_are_read_again_when_they_are_too_old(
    store: Watchable, stores: ConfigStores, cache: CachedConfigs, clock: Clock
) -> None:
    assert [cache.age_secs, version(cache)] == [None, 0]
    write(stores, 1, 0)
    clock.now_secs += 59.9
    assert version(cache) == 0
    assert cache.age_secs == pytest.approx(59.9)
    assert store.reads == 1
    clock.now_secs += 0.1
    assert version(cache) == 1
    assert cache.age_secs == 0.0
    assert store.reads == 2
    write(stores, 2, 1)
    refreshed = cache.refresh().get(BTC)
    assert refreshed is not None
    assert refreshed.version == version(cache) == 2


def test_records_that_may_not_be_old_are_read_every_time(store: Watchable, stores: ConfigStores) -> None:
    cache = CachedConfigs(stores, 0.0)
    for expected in range(5):
        assert version(cache) == expected
        write(stores, expected, expected)
    assert store.reads == 5


def test_the_last_known_ones_hold_while_no_store_can_be_read(
    store: Watchable, stores: ConfigStores, cache: CachedConfigs, clock: Clock
) -> None:
    store.is_away = True
    for _ in range(2):
        with pytest.raises(RetryLater, match="away"):
            cache.read()
    store.is_away = False
    write(stores, 1, 0)
    assert version(cache) == 1
    store.is_away = True
    clock.now_secs += 1_000_000.0
    assert version(cache) == 1
    assert cache.refresh() == cache.read()
    assert cache.age_secs == 1_000_000.0
    store.is_away = False
    write(stores, 2, 1)
    assert version(cache) == 2


def test_one_reads_while_the_others_get_what_there_is(
    store: Watchable, stores: ConfigStores, cache: CachedConfigs, clock: Clock
) -> None:
    cache.read()
    write(stores, 1, 0)
    clock.now_secs += 60.0
    store.go_on.clear()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(version, cache)
        wait_until(lambda: store.reads == 2, "the read to be under way")
        for _ in range(10):
            assert version(cache) == 0
        assert store.reads == 2
        store.go_on.set()
        assert reading.result() == 1
    assert version(cache) == 1


def test_many_who_come_first_cost_one_read(store: Watchable, cache: CachedConfigs) -> None:
    store.go_on.clear()
    with ThreadPoolExecutor(10) as pool:
        reading = [pool.submit(cache.read) for _ in range(10)]
        wait_until(lambda: store.reads == 1, "the read to be under way")
        store.go_on.set()
        assert len({id(each.result()) for each in reading}) == 1
    assert store.reads == 1


def test_what_this_process_wrote_shows_at_once(stores: ConfigStores, cache: CachedConfigs) -> None:
    cache.read()
    first, second = write(stores, 1, 0), write(stores, 2, 1)
    cache.written(second)
    cache.written(first)  # told later, made before
    assert cache.read().get(BTC) == second


def test_a_read_that_was_under_way_does_not_undo_what_was_written(
    store: Watchable, stores: ConfigStores, cache: CachedConfigs, clock: Clock
) -> None:
    cache.read()
    store.go_on.clear()
    clock.now_secs += 60.0
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(version, cache)
        wait_until(lambda: store.reads == 2, "the read to be under way")
        cache.written(write(stores, 1, 0))
        assert version(cache) == 1
        store.go_on.set()
        assert reading.result() == 1
    assert version(cache) == 1


def test_what_is_gone_from_the_store_is_gone(
    tmp_path: Path, store: Watchable, stores: ConfigStores, cache: CachedConfigs
) -> None:
    cache.written(write(stores, 1, 0))
    assert version(cache) == 1
    (tmp_path / "first.sqlite3").unlink()
    assert cache.refresh().by_scope == {}


def test_a_fallback_that_lacks_changes_does_not_take_back_what_is_known(tmp_path: Path, store: Watchable) -> None:
    fallback = Watchable(tmp_path / "second.sqlite3")
    with closing(ConfigStores(store, fallback, retry_secs=0.0)) as stores:
        cache = CachedConfigs(stores, 0.0)
        write(stores, 1, 0)
        fallback.is_away = True
        new = write(stores, 2, 1)
        assert version(cache) == 2
        fallback.is_away = False
        other = ConfigRecord(ETH, {"a": 7}, 4, 1, 1, "other", "sqlite")
        fallback.copy([other], [])
        store.is_away = True
        found = cache.read()
        assert not found.is_primary
        assert found.get(BTC) == new
        assert found.get(ETH) == other
