"""The lease and the fence, on a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from dataflow.lease.hold import HOLD_MS, KNOWN_MS, MOST, Hold
from dataflow.lease.instance import Instance
from dataflow.lease.lease import STREAM, Lease, LeaseOptions
from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.outgoing import Outgoing
from dataflow.nats.publisher import Publisher, wall_clock_ms
from dataflow.nats.streams import FENCES, SIGNALS, Streams, StreamSettings
from dataflow.stopping import Stop
from state.errors import StopProgram
from tests.nats_server import NatsServer, Peer, wait_until

MakeInstance = Callable[..., Instance]


@pytest.fixture
def make_instance(server: NatsServer) -> Iterator[MakeInstance]:
    with ExitStack() as resources:

        def make(holder: str, secs: float = 60.0) -> Instance:
            connection = resources.enter_context(Connection(NatsOptions(server.url)))
            streams = Streams(connection, StreamSettings())
            assert streams.check(60)
            publisher = Publisher(connection, streams, Stop())
            instance = Instance(publisher, Lease(connection, LeaseOptions("bots", secs, holder)))
            resources.callback(instance.close)
            instance.start()
            return instance

        yield make


def message(number: int) -> Outgoing:
    return Outgoing("ta.signals.BTCUSDT.15m", f"signal-{number}", b"{}")


def stored_ids(peer: Peer) -> list[str]:
    return [one.headers["Nats-Msg-Id"] for one in peer.stored(SIGNALS) if not one.subject.startswith(FENCES)]


def take_away(peer: Peer) -> None:
    """End every lease, as if none had been renewed for long; nobody is told."""
    peer.run(peer.client.jetstream().purge_stream(STREAM))


def wait_active(instance: Instance) -> None:
    wait_until(lambda: instance.is_active, "the instance to be active")


def test_who_has_lost_the_lease_without_knowing_stores_nothing(make_instance: MakeInstance, peer: Peer) -> None:
    old = make_instance("old")
    wait_active(old)
    old.publish([message(1)])
    take_away(peer)
    new = make_instance("new")
    wait_active(new)
    assert old.lease.is_held, "it is to find out from the server"
    old.publish([message(2)])
    assert stored_ids(peer) == ["signal-1"]
    assert len(old.hold) == 1
    assert not old.is_active
    new.publish([message(3)])
    assert stored_ids(peer) == ["signal-1", "signal-3"]
    assert new.lease.token > old.lease.token
    assert old.health() == {"name": "bots", "active": False, "holder": "new", "token": 1, "signals_held": 1}


def test_what_others_have_stored_is_not_held(make_instance: MakeInstance, peer: Peer) -> None:
    active = make_instance("active")
    wait_active(active)
    other = make_instance("other")
    other.publish([message(1), message(2)])
    assert len(other.hold) == 2
    active.publish([message(1)])
    wait_until(lambda: len(other.hold) == 1, "one not to be held any more")
    take_away(peer)
    active.close()
    wait_active(other)
    assert len(other.hold) == 0
    assert stored_ids(peer) == ["signal-1", "signal-2"]


def test_a_fence_that_went_with_old_messages_is_put_up_again(make_instance: MakeInstance, peer: Peer) -> None:
    instance = make_instance("only")
    wait_active(instance)
    peer.run(peer.client.jetstream().purge_stream(SIGNALS))
    instance.publish([message(1)])
    assert instance.is_active
    assert stored_ids(peer) == ["signal-1"]


def test_a_bucket_that_is_gone_is_made_again(make_instance: MakeInstance, peer: Peer) -> None:
    instance = make_instance("only", 1.0)
    wait_active(instance)
    peer.run(peer.client.jetstream().delete_stream(STREAM))
    wait_until(lambda: STREAM in peer.streams(), "the bucket to be made again")
    wait_active(instance)
    instance.publish([message(1)])
    assert stored_ids(peer) == ["signal-1"]


def test_a_client_of_key_value_buckets_sees_who_is_active(make_instance: MakeInstance, peer: Peer) -> None:
    wait_active(make_instance("me"))
    bucket = peer.run(peer.client.jetstream().key_value("TA_LEASES"))
    assert peer.run(bucket.keys()) == ["bots"]
    assert b'"holder":"me"' in (peer.run(bucket.get("bots")).value or b"")


@pytest.mark.parametrize("name", ["", "two words", "a.b", "*", "x" * 65])
def test_a_name_that_cannot_be(name: str) -> None:
    with pytest.raises(StopProgram, match="1 to 64 letters"):
        LeaseOptions(name, 10.0, "me")


def test_what_is_held_has_an_end() -> None:
    hold = Hold()
    hold.put([message(1)], now_ms=0)
    hold.put([message(2)], now_ms=HOLD_MS)
    assert hold.oldest(9, HOLD_MS) == [message(1), message(2)]
    hold.give_up(HOLD_MS + 1)
    assert hold.oldest(9, HOLD_MS) == [message(2)]
    hold.put((message(number) for number in range(3, MOST + 3)), now_ms=HOLD_MS + 2)
    assert len(hold) == MOST
    assert hold.oldest(1, 2 * HOLD_MS) == [message(3)]


def test_what_is_held_is_packed_as_plain_data() -> None:
    hold, again = Hold(), Hold()
    late = Outgoing("ta.alerts.BTCUSDT.1h", "alert", b"\x00{}", "ta.late.BTCUSDT.1h", 7)
    hold.put([message(1), late], now_ms=5)
    assert {type(part) for _, fields in hold.pack() for part in fields} <= {str, bytes, int, type(None)}
    again.unpack(hold.pack(), now_ms=5 + KNOWN_MS)
    assert again.oldest(9) == [message(1), late]
    assert again.oldest(9, 4 + KNOWN_MS) == []


def test_what_was_held_before_nats_forgets_is_not_held_again() -> None:
    hold, again = Hold(), Hold()
    hold.put([message(1)], now_ms=5)
    again.unpack(hold.pack(), now_ms=6 + KNOWN_MS)
    assert len(again) == 0


def test_what_is_held_comes_out_whatever_the_clock_says(
    make_instance: MakeInstance, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataflow.lease.instance.wall_clock_ms", lambda: wall_clock_ms() + 60_000)
    take_away_from = make_instance("first")
    wait_active(take_away_from)
    other = make_instance("other")
    other.publish([message(1)])
    monkeypatch.undo()
    take_away_from.close()
    wait_active(other)
    assert len(other.hold) == 0
    assert stored_ids(peer) == ["signal-1"]


def test_what_is_held_while_active_comes_out_too(make_instance: MakeInstance, peer: Peer) -> None:
    instance = make_instance("only")
    wait_active(instance)
    instance.hold.put([message(1)], wall_clock_ms())
    wait_until(lambda: stored_ids(peer) == ["signal-1"], "it to be published")
    wait_active(instance)
