"""The lease and the fence where streams are kept by several servers, which check one message after the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dataflow.lease.instance import Instance
from dataflow.lease.lease import STREAM, Lease, LeaseOptions
from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.outgoing import Outgoing
from dataflow.nats.publisher import Publisher
from dataflow.nats.streams import FENCES, SIGNALS, Streams, StreamSettings
from dataflow.stopping import Stop
from tests.nats_server import NatsServer, Peer, free_port, wait_until

SERVERS = 3


@pytest.fixture
def urls(tmp_path: Path) -> Iterator[list[str]]:
    """A NATS cluster."""
    ports = [free_port() for _ in range(SERVERS)]
    routes = ", ".join(f"nats://127.0.0.1:{port}" for port in ports)
    with ExitStack() as running:
        servers: list[NatsServer] = []
        for number, port in enumerate(ports):
            folder = tmp_path / f"server-{number}"
            folder.mkdir()
            cluster = f'cluster {{ name: test, listen: "127.0.0.1:{port}", routes: [{routes}] }}'
            servers.append(NatsServer(folder, f"server_name: server-{number}\n{cluster}\n"))
            running.callback(servers[-1].kill)
            servers[-1].start()
        yield [server.url for server in servers]


@pytest.fixture
def peer(urls: list[str]) -> Iterator[Peer]:
    peer = Peer(urls[0])
    peer.wait_back()
    yield peer
    peer.close()


def instance_on(urls: list[str], replicas: int, resources: ExitStack) -> Instance:
    connection = resources.enter_context(Connection(NatsOptions(",".join(urls))))
    streams = Streams(connection, StreamSettings(replicas=replicas))
    wait_until(lambda: streams.check(5), "the streams")
    publisher = Publisher(connection, streams, Stop())
    instance = Instance(publisher, Lease(connection, LeaseOptions("bots", 10.0, "me", replicas)))
    resources.callback(instance.close)
    instance.start()
    wait_until(lambda: instance.is_active, "the instance to be active")
    return instance


def messages(first: int, count: int) -> list[Outgoing]:
    return [Outgoing("ta.signals.BTCUSDT.15m", f"signal-{number}", b"{}") for number in range(first, first + count)]


def stored_ids(peer: Peer) -> list[str]:
    return [one.headers["Nats-Msg-Id"] for one in peer.stored(SIGNALS) if not one.subject.startswith(FENCES)]


def test_each_signal_is_stored_once_by_all(urls: list[str], peer: Peer) -> None:
    with ExitStack() as resources:
        instance = instance_on(urls, SERVERS, resources)
        assert {peer.stream(name).config.num_replicas for name in (SIGNALS, STREAM)} == {SERVERS}
        instance.publish(messages(0, 300))
        assert instance.is_active
    assert sorted(stored_ids(peer)) == sorted(one.message_id for one in messages(0, 300))


def test_streams_that_get_more_replicas_while_it_publishes(urls: list[str], peer: Peer) -> None:
    with ExitStack() as resources:
        instance = instance_on(urls, 1, resources)
        instance.publish(messages(0, 50))
        config = peer.stream(SIGNALS).config
        config.num_replicas = SERVERS
        peer.run(peer.client.jetstream().update_stream(config))
        instance.publish(messages(50, 300))
        assert instance.is_active
    assert sorted(stored_ids(peer)) == sorted(one.message_id for one in messages(0, 350))
