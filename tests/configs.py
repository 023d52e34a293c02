"""Stores of the configuration for tests, and their databases behind their back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import orjson

from state.configs.mongo import MongoConfigStore
from state.configs.records import Change, ConfigRecord, Scope, Values
from state.configs.sql import SqlConfigStore
from state.configs.store import ConfigStore
from state.configs.stores import ConfigStores
from state.database import Database
from state.errors import ReadAgain, RetryLater
from tests.databases import SqlDatabase
from tests.mongo_server import MongoDatabase

ConfigDatabase = SqlDatabase | MongoDatabase

Where = tuple[str, str, str]
"""Arguments that name databases to `tests.config_writer`."""

GLOBAL = Scope("doji_reversal")
BTC = Scope("doji_reversal", "BTCUSDT")
ETH = Scope("doji_reversal", "ETHUSDT")

TABLES = (
    "strategy_configs_global",
    "strategy_configs_symbol",
    "strategy_config_audit",
    "application_config",
    "application_config_audit",
)

NOW_MS = 1_704_067_200_123
"""2024-01-01T00:00:00.123Z"""


def config_store(database: ConfigDatabase) -> ConfigStore:
    """The store in a database; nothing is connected to yet."""
    if isinstance(database, MongoDatabase):
        return MongoConfigStore(database.uri, database.name)
    return SqlConfigStore(Database(database.uri))


@contextmanager
def opened(*databases: ConfigDatabase, **settings: Any) -> Iterator[ConfigStores]:
    """All stores as one: the primary, and perhaps a fallback."""
    stores = ConfigStores(*map(config_store, databases), **{"retry_secs": 0.1, **settings})
    try:
        yield stores
    finally:
        stores.close()


def rows_behind(database: ConfigDatabase, table: str) -> list[dict[str, Any]]:
    """What another program finds in a table or collection; objects and times as there."""
    if isinstance(database, MongoDatabase):
        return list(database.behind[table].find())
    names = [str(row[0]) for row in database.execute(_COLUMNS[database.kind].format(table))]
    return [dict(zip(names, row, strict=True)) for row in database.execute(f"SELECT * FROM {table}")]  # noqa: S608


_COLUMNS = {"sqlite": "SELECT name FROM pragma_table_info('{}')", "mysql": "SHOW COLUMNS FROM {}"}


def object_behind(stored: Any) -> Any:
    """An object that another program found."""
    return orjson.loads(stored) if isinstance(stored, str) else stored


def record_in(store: ConfigStore, scope: Scope) -> ConfigRecord | None:
    """The record of a scope, as it is stored."""
    return next((record for record in store.records() if record.scope == scope), None)


def version_in(store: ConfigStore, scope: Scope) -> int:
    """The version of a scope, 0 where it has none."""
    record = record_in(store, scope)
    return record.version if record else 0


def change(scope: Scope, parameters: Values | None, expected_version: int, by: str = "somebody") -> Change:
    """A change."""
    return Change(scope, parameters, expected_version, by, f"because of {expected_version}")


def put(
    store: ConfigStore, scope: Scope, parameters: Values | None, expected_version: int, now_ms: int = NOW_MS
) -> ConfigRecord:
    """Make a change."""
    return store.put(change(scope, parameters, expected_version), uuid4().hex, now_ms)[0]


def insist(store: ConfigStore, scope: Scope, parameters: Values, entry_id: str) -> int:
    """Make a change on whatever is there, again until it is made; the version it made."""
    version = version_in(store, scope)
    while True:
        try:
            return store.put(change(scope, parameters, version), entry_id, NOW_MS)[0].version
        except ReadAgain as error:
            version = error.version
        except RetryLater:
            continue


def where(database: ConfigDatabase, fallback_uri: str) -> Where:
    """A database, and for MongoDB the fallback, as another process is told of them."""
    if isinstance(database, MongoDatabase):
        return database.uri, database.name, fallback_uri
    return "", "", database.uri


def writer(*arguments: str) -> subprocess.Popen[str]:
    """`tests.config_writer` in a process of its own."""
    command = [sys.executable, "-m", "tests.config_writer", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
