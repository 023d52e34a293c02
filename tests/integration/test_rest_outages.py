"""A real REST endpoint beside NATS: each signal arrives at least once, whatever dies, and NATS never waits."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

import pytest

from dataflow.nats import durable
from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.streams import DEAD_LETTERS, SIGNALS
from dataflow.rest.forwarder import AT_ONCE, CONSUMER
from tests.forwarding import SIGNAL, Forwarding, Publish, ids, left, signals, wait_arrived, wait_done
from tests.http_server import HttpServer, Posted, Reply
from tests.nats_server import NatsServer, Peer, wait_until


def test_an_endpoint_that_was_down_gets_everything(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    http.stop()
    with forwarding() as forwarder:
        publish(signals(100))
        wait_until(lambda: forwarder.away, "the endpoint to be missed")
        http.start()
        wait_arrived(http, 100)
        wait_done(peer)
        assert not forwarder.away
    assert sorted(http.keys()) == sorted(ids(signals(100)))
    told = [record.levelname for record in caplog.records if record.name == "dataflow.rest.endpoint"]
    assert told == ["WARNING", "INFO"]


def test_an_endpoint_that_never_answers_delays_nothing_on_nats(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    http.reply = http.hang
    heard = peer.listen("signals.trading")
    with forwarding():
        publish(signals(AT_ONCE))
        wait_arrived(http, AT_ONCE)
        publish(signals(3000, first=AT_ONCE))
        wait_until(lambda: len(heard) >= 3000 + AT_ONCE, "everything to be heard")
        assert set(http.keys()) == set(ids(signals(AT_ONCE)))  # not one more is taken into memory
        assert left(peer) == (AT_ONCE, 3000)
    assert len(peer.stored(SIGNALS)) == 3000 + AT_ONCE


def test_alerts_that_hang_do_not_hold_signals_up(publish: Publish, forwarding: Forwarding, http: HttpServer) -> None:
    http.reply = lambda posted: http.hang(posted) if b'"HOLD"' in posted.body else Reply()
    with forwarding():
        publish([replace(signal, action="hold") for signal in signals(2 * AT_ONCE)])
        wait_arrived(http, AT_ONCE)
        publish(signals(50, first=100))
        wait_until(lambda: set(ids(signals(50, first=100))) <= set(http.keys()), "the signals to arrive")


def test_a_killed_server_loses_nothing(
    server: NatsServer,
    publish: Publish,
    forwarding: Forwarding,
    http: HttpServer,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(durable, "ACK_WAIT_SECS", 1.0)
    http.reply = lambda _: Reply(503 if len(http.posted) % 5 == 0 else 200)
    with forwarding():
        for first in range(0, 600, 200):
            publish(signals(200, first))
            wait_arrived(http, len(http.posted) + 1)
            server.restart()
        publish(signals(100, first=600))
        wait_until(lambda: len(set(http.keys())) >= 700, "all to arrive")
        peer.wait_back()
        wait_done(peer)
    assert set(http.keys()) == set(ids(signals(700)))
    assert peer.stored(DEAD_LETTERS) == []


def test_what_is_being_sent_when_nats_dies_is_sent_once(
    server: NatsServer, publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, connection: Connection
) -> None:
    answering = False

    def reply(_: Posted) -> Reply:
        wait_until(lambda: answering, "the answer to be allowed")
        return Reply()

    http.reply = reply
    with forwarding():
        publish([SIGNAL])
        wait_arrived(http)
        server.kill()
        wait_until(lambda: not connection.connected, "the connection to be lost")
        answering = True
        server.start()
        peer.wait_back()
        wait_done(peer)
    assert http.keys() == [SIGNAL.signal_id]


def test_a_server_that_comes_back_empty_is_served_again(
    server: NatsServer, publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    with forwarding():
        publish(signals(5))
        wait_arrived(http, 5)
        server.kill()
        server.wipe()
        server.start()
        publish(signals(5, first=5))
        wait_arrived(http, 10)
        peer.wait_back()
        wait_done(peer)
    assert sorted(http.keys()) == sorted(ids(signals(10)))


def test_a_restart_goes_on_where_the_last_one_ended(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    with forwarding():
        publish(signals(20))
        wait_arrived(http, 20)
        wait_done(peer)
        http.reply = http.hang
        publish(signals(AT_ONCE, first=20))
        wait_arrived(http, 20 + AT_ONCE)
    publish(signals(20, first=100))
    taken_before = len(http.posted)
    http.reply = lambda _: Reply()
    with forwarding():
        wait_arrived(http, taken_before + AT_ONCE + 20)
        wait_done(peer)
    assert sorted(http.keys()[taken_before:]) == sorted(ids(signals(AT_ONCE, first=20) + signals(20, first=100)))


def test_what_is_tried_for_long_stays_with_who_tries(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "ACK_WAIT_SECS", 0.5)
    came_secs: list[float] = []

    def reply(_: Posted) -> Reply:
        came_secs.append(time.monotonic())
        return Reply(503 if came_secs[-1] - came_secs[0] < 2 else 200)

    http.reply = reply
    with forwarding():
        publish([SIGNAL])
        wait_until(lambda: came_secs and came_secs[-1] - came_secs[0] >= 2, "an attempt after several such times")
        wait_done(peer)
        info = peer.run(peer.client.jetstream().consumer_info(SIGNALS, CONSUMER))
    assert info.delivered is not None
    assert info.delivered.consumer_seq == 1


def test_what_a_process_that_died_was_sending_is_sent_by_another(
    server: NatsServer,
    publish: Publish,
    forwarding: Forwarding,
    http: HttpServer,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(durable, "ACK_WAIT_SECS", 1.0)
    http.reply = http.hang
    with Connection(NatsOptions(server.url)) as dying, forwarding(on=dying):
        publish(signals(5))
        wait_arrived(http, 5)
        dying.close()  # says no word about what it held
    http.reply = lambda _: Reply()
    with forwarding():
        wait_arrived(http, 10)
        wait_done(peer)
    assert sorted(http.keys()[5:]) == sorted(ids(signals(5)))


def test_several_share_the_work(
    server: NatsServer, publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    with Connection(NatsOptions(server.url)) as other, forwarding(), forwarding(on=other):
        publish(signals(300))
        wait_arrived(http, 300)
        wait_done(peer)
    assert sorted(http.keys()) == sorted(ids(signals(300)))


def test_a_consumer_with_other_settings_keeps_its_position(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    publish(signals(10))

    async def prepare() -> None:
        puller = await peer.client.jetstream().pull_subscribe("", CONSUMER, stream=SIGNALS)
        for message in await puller.fetch(4, timeout=30):
            await message.ack_sync()
        await puller.unsubscribe()

    peer.run(prepare())
    with forwarding():
        wait_arrived(http, 6)
        wait_done(peer)
    assert sorted(http.keys()) == sorted(ids(signals(6, first=4)))


def test_it_starts_while_nats_is_away(
    server: NatsServer, publish: Publish, forwarding: Forwarding, http: HttpServer
) -> None:
    server.kill()
    with forwarding():
        server.start()
        publish([SIGNAL])
        wait_arrived(http)
