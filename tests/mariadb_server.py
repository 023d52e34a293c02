"""A real MariaDB server for tests, on a data folder and a port of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymysql
import pytest

from tests.certificates import Pair
from tests.database_server import DatabaseServer

# Where servers are on systems that keep them out of users' way.
SEARCHED = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])

# Small, and never waiting for the disk: what is committed outlives the process, not the machine.
SETTINGS = (
    "--bind-address=127.0.0.1",
    "--innodb-buffer-pool-size=32M",
    "--innodb-doublewrite=0",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-log-file-size=16M",
    "--innodb-use-native-aio=0",
    "--performance-schema=0",
    "--skip-log-bin",
    "--skip-name-resolve",
)


class MariaDB(DatabaseServer):
    """mariadbd with an administrator `root` who needs no password.

    With a `certificate`, others come in by TLS only, and may show certificates of `trusted`.
    """

    def __init__(self, folder: Path, certificate: Pair | None = None, trusted: Path | None = None) -> None:
        super().__init__(folder)
        self.certificate = certificate
        self.trusted = trusted

    def renew(self) -> None:
        """Use what the files of the certificate hold by now."""
        self.execute("FLUSH SSL")

    def install(self) -> None:
        run(
            *("mariadb-install-db", "--no-defaults", *self._owner, f"--datadir={self.data}"),
            *("--auth-root-authentication-method=normal", "--skip-test-db", *SETTINGS),
        )

    def command(self) -> list[str]:
        place = [f"--datadir={self.data}", f"--port={self.port}", f"--socket={self.folder}/mariadbd.sock"]
        return [program("mariadbd"), "--no-defaults", *self._owner, *place, *SETTINGS, *self._tls]

    def answers(self) -> bool:
        try:
            return bool(self.execute("SELECT 1"))
        except pymysql.err.OperationalError:
            return False

    def connect(self, database: str | None = None) -> pymysql.Connection:
        """A connection of its administrator, if possible without TLS: reading all certificates takes 40 ms."""
        tls = {"ssl": {"verify_mode": "none"}} if self.certificate else {"ssl_disabled": True}
        settings = {"autocommit": True, "connect_timeout": 30, **tls}
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=database, **settings)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """The rows that a statement gives its administrator."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    @property
    def _tls(self) -> list[str]:
        if self.certificate is None:
            return []
        files = {"cert": self.certificate.cert, "key": self.certificate.key, "ca": self.trusted}
        return ["--require-secure-transport=ON", *(f"--ssl-{name}={path}" for name, path in files.items() if path)]

    @property
    def _owner(self) -> list[str]:
        return ["--user=root"] if os.geteuid() == 0 else []


class MySQLDatabase:
    """A database of its own, and a user of its own, for one test."""

    kind = "mysql"
    password = "p@ss/w:rd?#%"  # everything that has a meaning in URIs

    def __init__(self, server: MariaDB) -> None:
        self.server = server
        self.name = f"test_{uuid4().hex}"
        self.user = f"u_{uuid4().hex[:16]}"
        server.execute(f"CREATE DATABASE {self.name}")
        server.execute(f"GRANT ALL ON {self.name}.* TO {self.user}@'127.0.0.1' IDENTIFIED BY %s", [self.password])
        self.connection = server.connect(self.name)

    @property
    def uri(self) -> str:
        encoded = "".join(f"%{byte:02X}" for byte in self.password.encode())
        return f"mysql+pymysql://{self.user}:{encoded}@127.0.0.1:{self.server.port}/{self.name}"

    def execute(self, statement: str, *rows: Sequence[Any]) -> list[Any]:
        self.connection.ping()
        with self.connection.cursor() as cursor:
            if rows:
                cursor.executemany(statement.replace("?", "%s"), rows)
            else:
                cursor.execute(statement)
            return list(cursor.fetchall())

    def drop(self) -> None:
        self.connection.close()
        self.server.execute(f"DROP DATABASE {self.name}")
        self.server.execute(f"DROP USER {self.user}@'127.0.0.1'")


def program(name: str) -> str:
    found = shutil.which(name, path=SEARCHED)
    if found is None:
        pytest.fail(f"this test needs {name}: make setup-dev installs it, or says how", pytrace=False)
    return found


def run(name: str, *arguments: str) -> None:
    done = subprocess.run([program(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def running_mariadb(folder: Path, certificate: Pair | None = None, trusted: Path | None = None) -> Iterator[MariaDB]:
    server = MariaDB(folder, certificate, trusted)
    server.install()
    server.start_somewhere()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def mysql_database(server: MariaDB) -> Iterator[MySQLDatabase]:
    database = MySQLDatabase(server)
    try:
        yield database
    finally:
        database.drop()
