"""Databases and NATS servers for the tests of every folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from state.configs.store import ConfigStore
from state.klines import KlineStore
from tests.certificates import World, new_world
from tests.configs import ConfigDatabase, config_store
from tests.databases import SqlDatabase, SQLiteFile, open_store
from tests.mariadb_server import MariaDB, MySQLDatabase, mysql_database, running_mariadb
from tests.mongo_server import MongoDatabase, MongoServer, mongo_database, running_mongod
from tests.nats_server import NatsServer, Peer, peer_of, running_server

# Every program that a test starts would compile all modules anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """One server per test process. Who stops it starts it again."""
    with running_mariadb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture
def mysql(mariadb: MariaDB) -> Iterator[MySQLDatabase]:
    """An empty MySQL database."""
    with mysql_database(mariadb) as database:
        yield database


@pytest.fixture(scope="session")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """One server per test process. Who stops it starts it again."""
    with running_mongod(tmp_path_factory.mktemp("mongod")) as server:
        yield server


@pytest.fixture(scope="session")
def guarded_mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A server that asks for passwords."""
    with running_mongod(tmp_path_factory.mktemp("guarded_mongod"), auth=True) as server:
        yield server


@pytest.fixture
def mongo(mongod: MongoServer) -> Iterator[MongoDatabase]:
    """An empty MongoDB database."""
    with mongo_database(mongod) as database:
        yield database


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Certificates that were made for these tests."""
    return new_world(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_mariadb(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server that demands TLS."""
    with running_mariadb(tmp_path_factory.mktemp("tls_mariadb"), world.server, world.authority.ca) as server:
        yield server


@pytest.fixture(scope="session")
def tls_mongod(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A server that demands TLS, and certificates of its clients."""
    folder = tmp_path_factory.mktemp("tls_mongod")
    with running_mongod(folder, certificate=world.server, trusted=world.authority.ca) as server:
        yield server


@pytest.fixture(params=["mysql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> SqlDatabase:
    """An empty database of either kind."""
    if request.param == "sqlite":
        return SQLiteFile(tmp_path / "klines.sqlite3")
    mysql: SqlDatabase = request.getfixturevalue("mysql")
    return mysql


@pytest.fixture(params=["sqlite", "mysql", "mongodb"])
def config_database(request: pytest.FixtureRequest, tmp_path: Path) -> ConfigDatabase:
    """An empty database of each kind that the configuration may be in."""
    if request.param == "sqlite":
        return SQLiteFile(tmp_path / "configs.sqlite3")
    found: ConfigDatabase = request.getfixturevalue("mongo" if request.param == "mongodb" else "mysql")
    return found


@pytest.fixture(name="config_store")
def _config_store(config_database: ConfigDatabase) -> Iterator[ConfigStore]:
    """The store of the configuration in it."""
    store = config_store(config_database)
    yield store
    store.close()


@pytest.fixture
def store(database: SqlDatabase) -> Iterator[KlineStore]:
    """The kline store in it."""
    with open_store(database) as store:
        yield store


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    """A NATS server."""
    with running_server(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def peer(server: NatsServer) -> Iterator[Peer]:
    """Another program on it."""
    with peer_of(server) as peer:
        yield peer
