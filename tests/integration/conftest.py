"""Servers and connections, one of each per test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.publisher import Publisher
from dataflow.nats.signals import NatsSignals
from dataflow.nats.streams import Streams, StreamSettings
from dataflow.rest.forwarder import RestForwarder
from dataflow.stopping import Stop
from tests.forwarding import Forwarding, Publish
from tests.http_server import HttpServer, running_http_server
from tests.nats_server import NatsServer


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


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with running_http_server() as server:
        yield server


@pytest.fixture
def publish(connection: Connection, streams: Streams, stop: Stop) -> Publish:
    assert streams.check(60)
    partition = NatsSignals(Publisher(connection, streams, stop)).build("signals", 0, 1)
    return lambda batch: partition.write_batch([("BTCUSDT|15m", signal) for signal in batch])


@pytest.fixture
def forwarding(connection: Connection, streams: Streams, http: HttpServer) -> Forwarding:
    @contextmanager
    def forwarding(
        url: str = http.url,
        give_up_secs: float = 300.0,
        max_age_secs: float | None = None,
        on: Connection = connection,
    ) -> Iterator[RestForwarder]:
        own = streams if on is connection else Streams(on, StreamSettings())
        forwarder = RestForwarder(on, own, url, give_up_secs, max_age_secs)
        forwarder.start()
        try:
            yield forwarder
        finally:
            forwarder.close()

    return forwarding
