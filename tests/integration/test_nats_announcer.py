"""Announcing changes on a real NATS server."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from dataflow.nats.announcer import Announcer
from dataflow.nats.connection import Connection
from dataflow.nats.streams import CONFIG, Streams, StreamSettings
from operators.announcements import announced
from state.configs.records import AuditEntry, ConfigRecord, Scope
from tests.nats_server import NatsServer, Peer, wait_until

SCOPE = Scope("doji_reversal", "BTCUSDT")
RECORD = ConfigRecord(SCOPE, {"trend_period": 21}, 3, 1_700_000_000_000, 1_700_000_001_000, "alice", "mongodb")
ENTRY = AuditEntry("an id", SCOPE, "UPDATE", 3, {}, {"trend_period": 21}, "bob", 1_700_000_001_000, "why")


@pytest.fixture
def announcer(connection: Connection) -> Announcer:
    assert connection.wait_connected(60)
    return Announcer(connection, Streams(connection, StreamSettings(), outputs=[CONFIG], klines=False))


def test_a_change_is_stored_once(announcer: Announcer, peer: Peer) -> None:
    """Announced again after an answer was lost, it is not stored again; the next change is."""
    for _ in range(3):
        assert announcer.announce(RECORD, ENTRY)
    assert announcer.announce(replace(RECORD, version=4, parameters=None), ENTRY)
    stored = peer.stored(CONFIG)
    assert [message.subject for message in stored] == ["ta.config.strategies.doji_reversal.BTCUSDT"] * 2
    assert announced(stored[0].data) == RECORD
    assert announced(stored[1].data).parameters is None


def test_a_server_that_says_nothing_holds_nobody_up(announcer: Announcer, server: NatsServer) -> None:
    """Relative to what was allowed; whoever waits behind the server would wait for ever."""
    assert announcer.announce(RECORD, ENTRY)
    server.freeze()
    began_secs = time.monotonic()
    assert not announcer.announce(replace(RECORD, version=4), ENTRY)
    assert time.monotonic() - began_secs >= announcer.timeout_secs
    server.thaw()


def test_while_nats_is_away_nothing_is_announced(announcer: Announcer, server: NatsServer) -> None:
    server.kill()
    wait_until(lambda: not announcer.connected, "the connection to be lost")
    assert not announcer.announce(RECORD, ENTRY)


def test_a_stream_that_was_removed_is_made_again(announcer: Announcer, peer: Peer) -> None:
    assert announcer.announce(RECORD, ENTRY)
    peer.run(peer.client.jetstream().delete_stream(CONFIG))
    assert announcer.announce(replace(RECORD, version=4), ENTRY)
    assert announced(peer.stored(CONFIG)[0].data).version == 4


def test_what_nats_refuses_is_not_announced(announcer: Announcer, peer: Peer) -> None:
    peer.add_stream("THEIRS", "ta.config.application.>", "ta.config.strategies.*.BTCUSDT")
    assert not announcer.announce(replace(RECORD, scope=Scope("doji_reversal")), ENTRY)
