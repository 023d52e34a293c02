"""Databases for the tests of every folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mariadb_server import MariaDB, MySQLDatabase, mysql_database, running_mariadb


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
