"""Servers and connections, one of each per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.streams import Streams, StreamSettings
from dataflow.stopping import Stop
from tests.nats_server import NatsServer, Peer, peer_of, running_server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with running_server(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def peer(server: NatsServer) -> Iterator[Peer]:
    with peer_of(server) as peer:
        yield peer


@pytest.fixture
def connection(server: NatsServer) -> Iterator[Connection]:
    with Connection(NatsOptions(server.url)) as connection:
        yield connection


@pytest.fixture
def streams(connection: Connection) -> Streams:
    return Streams(connection, StreamSettings())


@pytest.fixture
def stop() -> Stop:
    return Stop()
