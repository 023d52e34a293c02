"""Signals and dead letters against a real server: each stored once, and heard once by plain subscribers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
import pytest

from dataflow.nats.connection import Connection
from dataflow.nats.dead_letters import EXCERPT_BYTES, DeadLetters
from dataflow.nats.errors import HeldBack
from dataflow.nats.publisher import Publisher
from dataflow.nats.signals import NatsSignals
from dataflow.nats.streams import ALERTS, DEAD_LETTERS, LATE, SIGNALS, Streams, StreamSettings
from dataflow.stopping import Stop
from operators.live import BadMessage, RawMessage
from operators.tally import Tally
from strategies.signal import Signal
from tests.forwarding import SIGNAL, signals
from tests.nats_server import NatsServer, Peer, wait_until

CLOSE_MS = 1_704_068_100_000


def ids(peer: Peer, stream: str = SIGNALS) -> list[str]:
    return [message.headers["Nats-Msg-Id"] for message in peer.stored(stream)]


@pytest.fixture
def publisher(connection: Connection, streams: Streams, stop: Stop) -> Publisher:
    assert streams.check(60)
    return Publisher(connection, streams, stop, clock_ms=lambda: CLOSE_MS)


Write = Callable[[list[Signal]], None]


def writer(publisher: Publisher, max_age_secs: float | None = None) -> Write:
    partition = NatsSignals(publisher, max_age_secs).build("signals", 0, 1)
    return lambda batch: partition.write_batch([("BTCUSDT|15m", signal) for signal in batch])


def test_a_signal_reaches_its_stream_and_plain_subscribers(publisher: Publisher, peer: Peer) -> None:
    heard, alerts = peer.listen("signals.trading"), peer.listen("signals.alerts")
    alert = replace(SIGNAL, action="hold", stop_loss=None, take_profit=None, signal_id="alert")
    writer(publisher)([SIGNAL, alert])
    (stored,), (stored_alert,) = peer.stored(SIGNALS), peer.stored(ALERTS)
    assert stored[:2] == ("ta.signals.BTCUSDT.15m", 1)
    assert (stored.headers["Nats-Msg-Id"], stored.data) == (SIGNAL.signal_id, SIGNAL.to_json())
    assert (stored_alert.subject, stored_alert.data) == ("ta.alerts.BTCUSDT.15m", alert.to_json())
    wait_until(lambda: heard and alerts, "the subscribers to hear")
    assert (heard, alerts) == ([SIGNAL.to_json()], [alert.to_json()])


def test_signals_that_are_made_again_are_stored_and_heard_once(publisher: Publisher, peer: Peer) -> None:
    heard = peer.listen("signals.trading")
    write = writer(publisher)
    write(signals(1000))
    write(signals(1000, first=500))
    assert sorted(ids(peer)) == sorted(signal.signal_id for signal in signals(1500))
    write([replace(SIGNAL, signal_id="last")])
    wait_until(lambda: heard and b'"last"' in heard[-1], "the last one to be heard")
    assert len(heard) == 1501


def test_a_batch_of_one_subject_is_stored_in_order(publisher: Publisher, peer: Peer) -> None:
    writer(publisher)(signals(300))
    assert ids(peer) == [signal.signal_id for signal in signals(300)]


def test_a_killed_server_loses_and_doubles_nothing(server: NatsServer, publisher: Publisher, peer: Peer) -> None:
    heard = peer.listen("signals.trading")
    write, written = writer(publisher), threading.Event()

    def write_all() -> None:
        for first in range(0, 4000, 100):
            write(signals(100, first))
            written.set()

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write_all)
        for _ in range(3):
            written.clear()
            assert written.wait(60)
            server.restart()
        writing.result()
    peer.wait_back()
    assert sorted(ids(peer)) == sorted(signal.signal_id for signal in signals(4000))
    assert len(heard) == len(set(heard))  # what it heard while it was connected


def test_the_flow_is_held_back_while_nats_is_away(server: NatsServer, publisher: Publisher, peer: Peer) -> None:
    server.kill()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(writer(publisher), signals(10))
        wait_until(lambda: not publisher.connection.connected, "the connection to be lost")
        assert not writing.done()
        server.start()
        writing.result(60)
    peer.wait_back()
    assert len(ids(peer)) == 10


def test_stopping_while_nats_is_away_ends_with_an_error(server: NatsServer, publisher: Publisher, peer: Peer) -> None:
    server.kill()
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(writer(publisher), signals(10))
        wait_until(lambda: not publisher.connection.connected, "the connection to be lost")
        publisher.stop.request()
        with pytest.raises(HeldBack):
            writing.result(60)
    server.start()
    peer.wait_back()
    assert ids(peer) == []  # none is left behind that would still go out by itself


def test_a_stream_that_is_removed_is_made_again(publisher: Publisher, peer: Peer) -> None:
    write = writer(publisher)
    write(signals(5))
    peer.run(peer.client.jetstream().delete_stream(SIGNALS))
    write(signals(5, first=5))
    assert len(ids(peer)) == 5


@pytest.mark.parametrize(("age_secs", "stream"), [(60, SIGNALS), (60.001, LATE)])
def test_signals_older_than_the_limit_are_late(
    connection: Connection, streams: Streams, stop: Stop, peer: Peer, age_secs: float, stream: str
) -> None:
    assert streams.check(60)
    late = peer.listen("signals.late")
    publisher = Publisher(connection, streams, stop, clock_ms=lambda: CLOSE_MS + int(age_secs * 1000))
    writer(publisher, max_age_secs=60)([SIGNAL])
    assert {name: len(ids(peer, name)) for name in (SIGNALS, LATE)} == {SIGNALS: 0, LATE: 0} | {stream: 1}
    if stream == LATE:
        wait_until(lambda: late, "the late signal to be heard")
        assert late == [SIGNAL.to_json()]


def test_what_was_in_time_is_not_late_when_it_is_made_again(
    connection: Connection, streams: Streams, stop: Stop, peer: Peer
) -> None:
    now_ms = [CLOSE_MS]
    publisher = Publisher(connection, streams, stop, clock_ms=lambda: now_ms[0])
    write = writer(publisher, max_age_secs=60)
    write(signals(10))
    now_ms[0] += 3_600_000
    write(signals(20))
    write(signals(20))
    assert sorted(ids(peer)) == sorted(signal.signal_id for signal in signals(10))
    assert sorted(ids(peer, LATE)) == sorted(signal.signal_id for signal in signals(10, first=10))


def test_what_gets_late_while_nats_is_away_is_late(
    server: NatsServer, connection: Connection, streams: Streams, stop: Stop, peer: Peer
) -> None:
    assert streams.check(60)
    now_ms = [CLOSE_MS]
    server.kill()
    with ThreadPoolExecutor(1) as pool:
        publisher = Publisher(connection, streams, stop, clock_ms=lambda: now_ms[0])
        writing = pool.submit(writer(publisher, max_age_secs=60), signals(3))
        wait_until(lambda: not connection.connected, "the connection to be lost")
        now_ms[0] += 3_600_000
        server.start()
        writing.result(60)
    peer.wait_back()
    assert len(ids(peer, LATE)) == 3


def bad_message(seq: int, payload: bytes = b"not JSON", reason: str = "not JSON: ...") -> BadMessage:
    return BadMessage(
        f"KLINES:{seq}", reason, RawMessage("binance.websocket.data", seq, payload, CLOSE_MS * 10**6, "KLINES")
    )


def test_dead_letters_are_stored_once_and_tallies_are_told(publisher: Publisher, peer: Peer) -> None:
    tallies: list[Tally] = []
    partition = DeadLetters(publisher, tallies.append).build("report", 0, 1)
    tally = Tally("BTCUSDT|15m", bars=3)
    for _ in range(2):
        partition.write_batch([("KLINES:7", bad_message(7)), ("BTCUSDT|15m", tally), ("KLINES:8", bad_message(8))])
    first, second = (orjson.loads(message.data) for message in peer.stored(DEAD_LETTERS))
    assert first == {
        "reason": "not JSON: ...",
        "subject": "binance.websocket.data",
        "stream": "KLINES",
        "sequence": 7,
        "timestamp": "2024-01-01T00:15:00.000Z",
        "payload": "not JSON",
        "payload_bytes": 8,
    }
    assert second["sequence"] == 8
    assert tallies == [tally, tally]


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"\xff\x00\n", "\\xff\x00\n"),
        (b"x" * 1_000_000, "x" * EXCERPT_BYTES),
        ("ä".encode() * EXCERPT_BYTES, "ä" * (EXCERPT_BYTES // 2)),
    ],
)
def test_dead_letters_show_the_beginning_of_any_bytes(
    publisher: Publisher, peer: Peer, payload: bytes, shown: str
) -> None:
    DeadLetters(publisher).build("report", 0, 1).write_batch([("KLINES:1", bad_message(1, payload))])
    (stored,) = peer.stored(DEAD_LETTERS)
    letter: dict[str, Any] = orjson.loads(stored.data)
    assert (letter["payload"], letter["payload_bytes"]) == (shown, len(payload))


def test_the_settings_reach_the_streams(connection: Connection, peer: Peer) -> None:
    settings = StreamSettings(kline_subjects=("one",), duplicate_window_secs=60, outputs_max_age_secs=120)
    assert Streams(connection, settings).check(60)
    config = peer.stream(SIGNALS).config
    assert (config.duplicate_window, config.max_age) == (60, 120)
