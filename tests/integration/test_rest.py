"""What a real REST endpoint is sent, and what becomes of what it does not take."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from typing import Any

import orjson
import pytest
from prometheus_client import REGISTRY

from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.publisher import Publisher
from dataflow.nats.signals import NatsSignals
from dataflow.nats.streams import ALERTS, DEAD_LETTERS, LATE, SIGNALS, Streams, StreamSettings
from dataflow.rest.endpoint import Endpoint, Post
from dataflow.rest.forwarder import AT_ONCE, CONSUMER, RestForwarder
from dataflow.stopping import Stop
from state.errors import StopProgram
from state.tls import TlsFiles
from tests.certificates import World
from tests.forwarding import SIGNAL, Forwarding, Publish, dead_letters, ids, signals, wait_arrived, wait_done
from tests.http_server import HttpServer, Posted, Reply, running_http_server
from tests.nats_server import Peer, wait_until

SECRETS = ("hunter2", "t0ken")


@pytest.mark.parametrize("action", ["buy", "sell", "hold", "close"])
def test_the_body_is_the_signal_and_two_fields_for_older_consumers(
    publish: Publish, forwarding: Forwarding, http: HttpServer, action: Any
) -> None:
    signal = replace(SIGNAL, action=action, stop_loss=None if action == "hold" else 99.0)
    with forwarding():
        publish([signal])
        wait_arrived(http)
    (posted,) = http.posted
    assert orjson.loads(posted.body) == {**signal.as_dict(), "period": "15m", "signal": action.upper()}
    assert (posted.path, posted.key) == ("/signals", SIGNAL.signal_id)
    assert posted.headers["content-type"] == "application/json"


def test_each_signal_and_alert_is_sent_once_and_acknowledged(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    alerts = [replace(signal, action="hold") for signal in signals(50, first=200)]
    with forwarding():
        publish(signals(200) + alerts)
        wait_arrived(http, 250)
        wait_done(peer, SIGNALS, ALERTS)
    assert sorted(http.keys()) == sorted(ids(signals(250)))


def test_what_was_stored_before_the_first_start_is_not_sent(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    publish(signals(10))
    stored = peer.run(peer.client.jetstream().get_last_msg(SIGNALS, "ta.signals.BTCUSDT.15m")).time
    assert stored is not None
    wait_until(lambda: time.time() > stored.timestamp() + 0.001, "another millisecond")
    with forwarding():
        publish(signals(5, first=10))
        wait_arrived(http, 5)
        wait_done(peer)
    assert sorted(http.keys()) == sorted(ids(signals(5, first=10)))


def test_what_was_stored_too_long_before_anybody_could_send_it_is_a_dead_letter(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    with forwarding():
        publish([SIGNAL])
        wait_arrived(http)
        wait_done(peer)
    publish(signals(3, first=1))
    stored = peer.run(peer.client.jetstream().get_last_msg(SIGNALS, "ta.signals.BTCUSDT.15m")).time
    assert stored is not None
    wait_until(lambda: time.time() > stored.timestamp() + 0.5, "half a second")
    with forwarding(max_age_secs=0.4):
        wait_until(lambda: len(dead_letters(peer)) == 3, "the dead letters")
    assert http.keys() == [SIGNAL.signal_id]
    assert all(letter["reason"].endswith("at most 0.4 s are allowed") for letter in dead_letters(peer))


def test_late_signals_are_not_sent(
    connection: Connection, streams: Streams, stop: Stop, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    assert streams.check(60)
    sink = NatsSignals(Publisher(connection, streams, stop), max_age_secs=60).build("signals", 0, 1)
    with forwarding():
        sink.write_batch([("BTCUSDT|15m", SIGNAL)])
        assert len(peer.stored(LATE)) == 1
        wait_until(lambda: all(CONSUMER in peer.consumers(name) for name in (SIGNALS, ALERTS)), "the consumers")
        assert CONSUMER not in peer.consumers(LATE)
        wait_done(peer, SIGNALS, ALERTS)
    assert http.posted == []


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429])
def test_what_passes_is_tried_again(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, status: int
) -> None:
    http.reply = lambda _: Reply(status if len(http.posted) <= 3 else 200)
    with forwarding() as forwarder:
        publish([SIGNAL])
        wait_arrived(http, 4)
        wait_done(peer)
        assert not forwarder.away
    assert http.keys() == [SIGNAL.signal_id] * 4
    assert peer.stored(DEAD_LETTERS) == []


@pytest.mark.parametrize(
    "reply", [Reply(200, {"Content-Length": "1000"}), Reply(204, {}, b""), Reply(201, {}, b"x" * 2**20)]
)
def test_the_status_alone_says_that_a_signal_is_taken(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, reply: Reply
) -> None:
    http.reply = lambda _: reply
    with forwarding():
        publish(signals(3))
        wait_arrived(http, 3)
        wait_done(peer)
    assert sorted(http.keys()) == sorted(ids(signals(3)))


def test_the_endpoint_is_given_the_time_that_it_asks_for(
    publish: Publish, forwarding: Forwarding, http: HttpServer
) -> None:
    came_secs: list[float] = []

    def reply(_: Posted) -> Reply:
        came_secs.append(time.monotonic())
        return Reply(429, {"Retry-After": "1"}) if len(came_secs) == 1 else Reply()

    http.reply = reply
    with forwarding():
        publish([SIGNAL])
        wait_until(lambda: len(came_secs) == 2, "the second attempt")
    assert came_secs[1] - came_secs[0] >= 1


def test_refusals_are_told_once_until_they_end(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    http.reply = lambda _: Reply(401)
    with forwarding() as forwarder:
        publish(signals(50))
        wait_until(lambda: len(dead_letters(peer)) == 50, "the dead letters")
        http.reply = lambda _: Reply()
        publish(signals(1, first=50))
        wait_until(lambda: not forwarder.refused, "the endpoint to take signals")
    told = [record.levelname for record in caplog.records if record.name == "dataflow.rest.endpoint"]
    assert told == ["WARNING", "INFO"]


def test_a_longer_time_than_is_left_does_not_keep_a_signal(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    http.reply = lambda _: Reply(429, {"Retry-After": "86400"})
    with forwarding(give_up_secs=0.5):
        publish([SIGNAL])
        wait_until(lambda: dead_letters(peer), "the dead letter")
    assert dead_letters(peer)[0]["reason"] == "REST: 429 after 2 attempts"


@pytest.mark.parametrize("status", [302, 400, 401, 404, 410, 422])
def test_a_signal_that_is_refused_is_a_dead_letter_at_once(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, status: int
) -> None:
    http.reply = lambda _: Reply(status, {"Location": http.url + "/elsewhere"})
    with forwarding() as forwarder:
        publish([SIGNAL])
        wait_until(lambda: dead_letters(peer), "the dead letter")
        wait_done(peer)
        assert forwarder.refused
        assert not forwarder.away
    (letter,), (stored,) = dead_letters(peer), peer.stored(SIGNALS)
    assert http.keys() == [SIGNAL.signal_id]
    assert letter.pop("timestamp").endswith("Z")
    assert letter == {
        "reason": f"REST: {status}",
        "subject": "ta.signals.BTCUSDT.15m",
        "stream": SIGNALS,
        "sequence": stored.seq,
        "payload": SIGNAL.to_json().decode(),
        "payload_bytes": len(SIGNAL.to_json()),
    }
    assert peer.stored(DEAD_LETTERS)[0].headers["Nats-Msg-Id"].startswith("REST.SIGNALS-1-")


def test_a_signal_that_cannot_be_sent_in_time_is_a_dead_letter(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    http.reply = lambda _: Reply(503)
    given_up_before = REGISTRY.get_sample_value("ta_rest_given_up_total") or 0
    with forwarding(give_up_secs=0.5) as forwarder:
        publish(signals(3 * AT_ONCE))
        wait_until(lambda: len(dead_letters(peer)) >= 3 * AT_ONCE, "the dead letters")
        wait_done(peer)
        assert forwarder.away
    letters = dead_letters(peer)
    assert {orjson.loads(letter["payload"])["signal_id"] for letter in letters} == set(ids(signals(3 * AT_ONCE)))
    assert {letter["reason"][:16] for letter in letters} == {"REST: 503 after "}
    given_up = (REGISTRY.get_sample_value("ta_rest_given_up_total") or 0) - given_up_before
    assert given_up == len(letters) == 3 * AT_ONCE


def test_an_unreachable_endpoint_is_named_in_the_dead_letter(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    http.stop()
    with forwarding(give_up_secs=0.2):
        publish([SIGNAL])
        wait_until(lambda: dead_letters(peer), "the dead letter")
    assert dead_letters(peer)[0]["reason"].startswith("REST: ConnectError")


@pytest.mark.parametrize("payload", [b"not JSON", b"[1]", b'{"signal_id":"x"}', b'{"signal_id":1}', b"\xff", b"1"])
def test_what_is_no_signal_is_a_dead_letter_and_holds_nothing_up(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, payload: bytes
) -> None:
    with forwarding():
        publish([])
        peer.publish([("ta.signals.BTCUSDT.15m", payload)])
        publish([SIGNAL])
        wait_until(lambda: dead_letters(peer) and http.posted, "a signal and a dead letter")
        wait_done(peer)
    assert dead_letters(peer)[0]["reason"] == "REST: not a signal"
    assert http.keys() == [SIGNAL.signal_id]


def test_an_id_that_no_header_can_hold_is_a_dead_letter(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer
) -> None:
    with forwarding() as forwarder:
        payload = replace(SIGNAL, signal_id="a\r\nX-Injected: b").to_json()
        peer.publish([("ta.signals.BTCUSDT.15m", payload)])
        wait_until(lambda: dead_letters(peer), "the dead letter")
        assert not forwarder.away
    assert http.posted == []


def test_secrets_of_the_url_reach_the_endpoint_and_nobody_else(
    publish: Publish, forwarding: Forwarding, http: HttpServer, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    http.reply = lambda _: Reply(503 if len(http.posted) == 1 else 404)
    url = f"http://bot:{SECRETS[0]}@127.0.0.1:{http.port}/in?key={SECRETS[1]}"
    with forwarding(url):
        publish([SIGNAL])
        wait_until(lambda: dead_letters(peer), "the dead letter")
        http.stop()
        publish(signals(1))
        wait_until(lambda: len([one for one in caplog.records if one.levelname == "WARNING"]) >= 2, "a second warning")
    assert http.posted[0].path == f"/in?key={SECRETS[1]}"
    assert http.posted[0].headers["authorization"] == "Basic Ym90Omh1bnRlcjI="
    told = caplog.text + str(peer.stored(DEAD_LETTERS))
    assert f"http://127.0.0.1:{http.port} " in told
    assert not [secret for secret in (*SECRETS, "Ym90Omh1bnRlcjI=") if secret in told]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://bot:hunter2@host/t0ken",
        "host/t0ken",
        "bot:hunter2@host:80",
        "http://",
        "http://bot:hunter2@:80/x?t0ken",
        "http://bot:hunter2@ho st/",
        "http://bot:hunter2@host:99999/?t0ken",
        "http://bot:hunter2@host:0/?t0ken",
        "http://bot:hunter2@host:t0ken/",
        "http://hunter2\x00t0ken/",
    ],
)
def test_a_url_that_is_not_possible_stops_the_program_in_one_line(url: str) -> None:
    connection = Connection(NatsOptions())
    with pytest.raises(StopProgram, match=r"^REST endpoint: expected a URL such as [^\n]+$") as stopped:
        RestForwarder(connection, Streams(connection, StreamSettings()), url, 300)
    connection.close()
    assert stopped.value.__cause__ is None
    assert not [secret for secret in SECRETS if secret in str(stopped.value)]


def test_an_endpoint_is_reached_by_tls_when_its_authority_is_trusted(world: World) -> None:
    served = TlsFiles("X", cert=world.server.cert, key=world.server.key).for_server()
    with running_http_server(served) as http:
        for ca, taken in ((world.authority.ca, True), (world.another.ca, False), (None, False)):
            endpoint = Endpoint(http.url, 1, TlsFiles("API_ENDPOINT", ca))
            try:
                answer = asyncio.run(endpoint.post(Post("key", b"{}")))
            finally:
                endpoint.close()
            assert answer.again is not taken
            assert taken or "CERTIFICATE_VERIFY_FAILED" in answer.reason
        assert len(http.posted) == 1
    with pytest.raises(StopProgram, match="API_ENDPOINT_CA_FILE: is of no use"):
        Endpoint("http://host/signals", 1, TlsFiles("API_ENDPOINT", world.authority.ca))
