"""The live source against a real server: exactly what the streams hold, once, whatever fails in between."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.klines import PARTITIONS, KlinesPartition, NatsKlines, Position
from dataflow.nats.reading import BUFFER
from dataflow.nats.streams import KLINES, Streams, StreamSettings
from dataflow.stopping import Stop
from operators.live import RawMessage
from tests.nats_server import NatsServer, Peer, free_port, peer_of, running_server, wait_until

SUBJECT = "binance.websocket.data"


@contextmanager
def reading(
    connection: Connection,
    position: Position | None = None,
    *,
    shard: int = 0,
    shards: int = 1,
    streams: Streams | None = None,
) -> Iterator[KlinesPartition]:
    source = NatsKlines(connection, streams or Streams(connection, StreamSettings()), Stop(), shards)
    partition = source.build_part("klines", f"{shard:02}", position)
    try:
        yield partition
    finally:
        partition.close()


def take(partition: KlinesPartition, count: int) -> list[RawMessage]:
    """The next messages, at least so many."""
    taken: list[RawMessage] = []

    def enough() -> bool:
        taken.extend(partition.next_batch())
        return len(taken) >= count

    wait_until(enough, f"{count} messages")
    return taken


def numbers(messages: list[RawMessage]) -> list[int]:
    return [int(message.payload) for message in messages]


def numbered(first: int, end: int) -> list[tuple[str, bytes]]:
    return [(SUBJECT, str(number).encode()) for number in range(first, end)]


def gone() -> float:
    return REGISTRY.get_sample_value("ta_messages_gone_total") or 0.0


@pytest.fixture
def ready(streams: Streams) -> Streams:
    """The streams, there before anybody publishes."""
    assert streams.check(30)
    return streams


def test_messages_tell_where_they_are_from(connection: Connection, ready: Streams, peer: Peer) -> None:
    before_ns = time.time_ns()
    peer.publish([(SUBJECT, b"one"), ("ta.klines.BTCUSDT.15m", b"two")])
    with reading(connection) as partition:
        first, second = take(partition, 2)
    assert first[:3] == (SUBJECT, 1, b"one")
    assert second[:3] == ("ta.klines.BTCUSDT.15m", 2, b"two")
    assert {first.stream, second.stream} == {KLINES}
    assert before_ns < first.time_ns < second.time_ns < time.time_ns()


def test_goes_on_at_the_snapshot(connection: Connection, ready: Streams, peer: Peer) -> None:
    peer.publish(numbered(0, 1500))
    with reading(connection) as partition:
        wait_until(
            lambda: len(partition.buffer.take(0)) or partition.buffer.room(BUFFER).messages < BUFFER.messages, "some"
        )
        taken = numbers(take(partition, 300))
        position = partition.snapshot()
        take(partition, 1)  # after the snapshot: redone
    assert taken == list(range(len(taken)))
    with reading(connection, position) as partition:
        rest = numbers(take(partition, 1500 - len(taken)))
    assert taken + rest == list(range(1500))


def test_an_empty_stream_is_awaited_without_blocking(connection: Connection, ready: Streams, peer: Peer) -> None:
    with reading(connection) as partition:
        assert not list(partition.next_batch())
        assert partition.next_awake() is not None
        peer.publish(numbered(0, 1))
        assert numbers(take(partition, 1)) == [0]
        assert partition.next_awake() is None


def test_a_backlog_is_read_through_a_bounded_buffer(connection: Connection, ready: Streams, peer: Peer) -> None:
    peer.publish(numbered(0, 50_000))
    taken: list[int] = []
    least_room = BUFFER.messages
    with reading(connection) as partition:
        wait_until(lambda: partition.buffer.room(BUFFER).messages < BUFFER.messages / 2, "the buffer to fill")
        while len(taken) < 50_000:
            least_room = min(least_room, partition.buffer.room(BUFFER).messages)
            taken += numbers(take(partition, 1))
    assert taken == list(range(50_000))
    assert least_room >= 0


def test_large_messages_are_bounded_by_their_bytes(connection: Connection, ready: Streams, peer: Peer) -> None:
    payloads = [str(number).encode() + b" " * 900_000 for number in range(60)]
    peer.publish([(SUBJECT, payload) for payload in payloads])
    with reading(connection) as partition:
        wait_until(lambda: partition.buffer.room(BUFFER).size_bytes < 2**22, "the buffer to fill")
        assert partition.buffer.room(BUFFER).size_bytes >= 0
        assert numbers(take(partition, 60)) == list(range(60))


def test_a_message_larger_than_a_pull_arrives(tmp_path: Path) -> None:
    settings = "max_payload: 32MB\nmax_pending: 128MB"
    with (
        running_server(tmp_path / "large", settings) as server,
        peer_of(server) as peer,
        Connection(NatsOptions(server.url)) as connection,
        reading(connection) as partition,
    ):
        wait_until(lambda: KLINES in peer.streams(), "the stream")
        peer.publish([(SUBJECT, b"1"), (SUBJECT, b"2" + b" " * 20_000_000), (SUBJECT, b"3")])
        assert numbers(take(partition, 3)) == [1, 2, 3]


@pytest.mark.parametrize("after", [10, 3000])
def test_a_killed_server_loses_and_repeats_nothing(
    server: NatsServer, connection: Connection, ready: Streams, peer: Peer, after: int
) -> None:
    peer.publish(numbered(0, 6000))
    with reading(connection) as partition:
        taken = take(partition, after)
        server.restart()
        peer.wait_back()
        peer.publish(numbered(6000, 7000))
        taken += take(partition, 7000 - len(taken))
    assert numbers(taken) == list(range(7000))


def test_a_server_that_comes_late(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    with Connection(NatsOptions(server.url, connect_timeout_secs=0.2)) as connection, reading(connection) as partition:
        assert not connection.wait_connected(0.5)
        assert not list(partition.next_batch())
        server.start()
        try:
            with peer_of(server) as peer:
                wait_until(lambda: KLINES in peer.streams(), "the stream")
                peer.publish(numbered(0, 5))
                assert numbers(take(partition, 5)) == list(range(5))
        finally:
            server.kill()


def test_a_silent_server_is_noticed(server: NatsServer, peer: Peer) -> None:
    options = NatsOptions(server.url, connect_timeout_secs=0.5, request_timeout_secs=0.5, ping_interval_secs=1)
    with Connection(options) as connection, reading(connection) as partition:
        wait_until(lambda: KLINES in peer.streams(), "the stream")
        peer.publish(numbered(0, 5))
        taken = take(partition, 5)
        server.freeze()
        wait_until(lambda: not connection.connected, "the silence to be noticed")
        server.thaw()
        peer.wait_back()
        peer.publish(numbered(5, 10))
        taken += take(partition, 5)
    assert numbers(taken) == list(range(10))


def test_a_removed_consumer_is_replaced(connection: Connection, ready: Streams, peer: Peer) -> None:
    with reading(connection) as partition:
        peer.publish(numbered(0, 5))
        taken = take(partition, 5)
        for consumer in peer.consumers(KLINES):
            peer.run(peer.client.jetstream().delete_consumer(KLINES, consumer))
        peer.publish(numbered(5, 10))
        taken += take(partition, 5)
    assert numbers(taken) == list(range(10))


def test_messages_that_are_gone_are_counted_and_passed_by(connection: Connection, ready: Streams, peer: Peer) -> None:
    peer.publish(numbered(0, 20))
    with reading(connection) as partition:
        take(partition, 20)
        position = partition.snapshot()
    peer.publish(numbered(20, 40))
    peer.run(peer.client.jetstream().purge_stream(KLINES, seq=31))
    before = gone()
    with reading(connection, position) as partition:
        assert numbers(take(partition, 10)) == list(range(30, 40))
    assert gone() - before == 10


def test_a_stream_that_was_made_anew_is_read_from_its_start(
    server: NatsServer, connection: Connection, ready: Streams, peer: Peer
) -> None:
    peer.publish(numbered(0, 20))
    with reading(connection) as partition:
        assert numbers(take(partition, 20)) == list(range(20))
        server.kill()
        server.wipe()
        server.start()
        peer.wait_back()
        wait_until(lambda: KLINES in peer.streams(), "the stream to be made again")
        peer.publish(numbered(20, 25))
        assert numbers(take(partition, 5)) == list(range(20, 25))


def test_several_streams_are_read_side_by_side(connection: Connection, peer: Peer) -> None:
    peer.add_stream("SOCKET", "binance.websocket.>")
    streams = Streams(connection, StreamSettings())
    assert streams.check(30)
    others = [("binance.websocket.other", b"-1")] * 3  # which nobody asked for
    peer.publish([*numbered(0, 10), *others, *[("ta.klines.A.1m", b"100")] * 10, *numbered(10, 20)])
    with reading(connection, streams=streams) as partition:
        taken = take(partition, 30)
        position = partition.snapshot()
    by_stream: dict[str, list[int]] = defaultdict(list)
    for message in taken:
        by_stream[message.stream].append(int(message.payload))
    assert by_stream == {"SOCKET": list(range(20)), KLINES: [100] * 10}
    peer.publish([("ta.klines.A.1m", b"101"), (SUBJECT, b"20")])
    with reading(connection, position, streams=streams) as partition:
        assert sorted(numbers(take(partition, 2))) == [20, 101]


def publish_spread(peer: Peer, symbols: int, each: int) -> None:
    peer.publish(
        [(f"ta.klines.S{symbol}.15m", str(number).encode()) for number in range(each) for symbol in range(symbols)]
    )
    peer.publish([*numbered(0, 10), ("binance.extraction.klines.S1.15m", b"10"), ("ta.klines.odd", b"11")])


def test_shards_share_the_symbols(connection: Connection, ready: Streams, peer: Peer) -> None:
    publish_spread(peer, symbols=40, each=20)
    owners: dict[str, list[tuple[int, int]]] = defaultdict(list)
    taken = 0
    parts = [reading(connection, shard=shard, shards=3, streams=ready) for shard in range(3)]
    with parts[0] as first, parts[1] as second, parts[2] as third:

        def all_read() -> bool:
            nonlocal taken
            for shard, partition in enumerate((first, second, third)):
                for message in partition.next_batch():
                    owners[message.subject].append((shard, int(message.payload)))
                    taken += 1
            return taken >= 40 * 20 + 12

        wait_until(all_read, "all messages")
    for symbol in range(40):
        read = owners.pop(f"ta.klines.S{symbol}.15m")
        assert [number for _, number in read] == list(range(20))
        assert len({shard for shard, _ in read}) == 1
    assert {shard for read in owners.values() for shard, _ in read} == {0}
    assert [number for _, number in owners[SUBJECT]] == list(range(10))


def test_another_number_of_shards_reads_all_again(connection: Connection, ready: Streams, peer: Peer) -> None:
    publish_spread(peer, symbols=10, each=5)
    with reading(connection, shards=1) as partition:
        assert len(take(partition, 62)) == 62
        position = partition.snapshot()
    with (
        reading(connection, position, shard=0, shards=2) as one,
        reading(connection, position, shard=1, shards=2) as two,
    ):
        taken: list[RawMessage] = []

        def all_read() -> bool:
            taken.extend([*one.next_batch(), *two.next_batch()])
            return len(taken) >= 62

        wait_until(all_read, "all messages")
    assert len({(message.stream, message.seq) for message in taken}) == len(taken) == 62


def test_partitions_that_are_not_used_end_at_once(connection: Connection) -> None:
    source = NatsKlines(connection, Streams(connection, StreamSettings()), Stop(), 2)
    assert len(source.list_parts()) == PARTITIONS
    with pytest.raises(StopIteration):
        source.build_part("klines", "02", None).next_batch()


def test_stopping_leaves_what_was_not_taken(connection: Connection, ready: Streams, peer: Peer) -> None:
    peer.publish(numbered(0, 1000))
    with reading(connection) as partition:
        taken = take(partition, 1)
        wait_until(lambda: partition.buffer.room(BUFFER).messages < BUFFER.messages, "more to arrive")
        partition.source.stop.request()
        with pytest.raises(StopIteration):
            partition.next_batch()
        position = partition.snapshot()
    with reading(connection, position) as partition:
        assert numbers(take(partition, 1))[0] == len(taken)


def test_an_address_where_nobody_is() -> None:
    with Connection(NatsOptions(f"nats://127.0.0.1:{free_port()}")) as connection:
        assert not connection.wait_connected(0.3)
        assert not Streams(connection, StreamSettings()).check(0.3)
