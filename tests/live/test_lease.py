"""Several instances that share a lease: one publishes, whatever happens to it, and each signal comes out once."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.e2e.command import refusal
from tests.http_server import HttpServer, running_http_server
from tests.kit import SYMBOLS
from tests.live.market import Market, as_event
from tests.live.outputs import Outputs
from tests.live.producer import publish_until_stored
from tests.live_bot import LiveBot, live_bot
from tests.nats_server import NatsServer, Peer, wait_until
from tests.tcp_proxy import tcp_proxy

MARKET = Market(SYMBOLS, days=8)

TAKES_OVER_SECS = 15.0
"""What is promised to those who trade: so long after the active instance is gone another publishes."""

SHORT_SECS = "2"

MakeInstance = Callable[..., LiveBot]


@pytest.fixture
def make_instance(server: NatsServer, tmp_path: Path) -> Iterator[MakeInstance]:
    """Makes instances by name, each with a folder of its own."""
    with ExitStack() as running:
        bots: list[LiveBot] = []

        def make(name: str, **settings: str) -> LiveBot:
            url = settings.pop("NATS_URL", server.url)
            settings = {"LEASE_SECONDS": SHORT_SECS, **settings}
            folder = tmp_path / name
            folder.mkdir()
            bots.append(running.enter_context(live_bot(url, folder, "--lease", "bots", **settings)))
            return bots[-1]

        yield make
    for bot in bots:
        bot.check_log()


@pytest.fixture
def http() -> Iterator[HttpServer]:
    with running_http_server() as server:
        yield server


def lease_of(bot: LiveBot) -> dict[str, Any]:
    found = bot.readiness().get("lease", {})
    assert isinstance(found, dict)
    return found


def is_active(bot: LiveBot) -> bool:
    return bool(lease_of(bot).get("active"))


def stands_by(bot: LiveBot) -> bool:
    lease = lease_of(bot)
    return bool(lease.get("holder")) and not lease["active"]


def holds(bot: LiveBot) -> int:
    return int(lease_of(bot).get("signals_held", 0))


def wait_active(bot: LiveBot) -> None:
    wait_until(lambda: is_active(bot), "the instance to be active")


def start_both(make_instance: MakeInstance, **settings: str) -> tuple[LiveBot, LiveBot]:
    """The active instance, and one that stands by."""
    first, second = make_instance("first", **settings), make_instance("second", **settings)
    first.start()
    first.wait_ready()
    wait_active(first)
    second.start()
    second.wait_ready()
    wait_until(lambda: stands_by(second), "the other one to stand by")
    return first, second


def halves() -> tuple[list[Any], list[Any]]:
    bars = MARKET.bars()
    return bars[: len(bars) // 2], bars[len(bars) // 2 :]


def test_the_active_one_is_killed_again_and_again(make_instance: MakeInstance, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    active, other = start_both(make_instance, LEASE_SECONDS="10")
    published = publish_until_stored(peer, MARKET.bars(), as_event)
    took_secs: list[float] = []
    for share in sorted(Random(3).uniform(0.1, 0.6) for _ in range(2)):
        outputs.wait_for(int(share * len(expected)))
        active.end(signal.SIGKILL)
        killed_secs, before = time.monotonic(), outputs.count()
        wait_until(lambda: is_active(other), "the other one to be active")  # noqa: B023
        outputs.wait_for(min(before + 1, len(expected)))
        took_secs.append(time.monotonic() - killed_secs)
        active.start()
        active, other = other, active
    published.result(60)
    outputs.wait_for(len(expected))
    assert max(took_secs) <= TAKES_OVER_SECS
    assert active.end(signal.SIGTERM) == 0
    other.wait_ready()
    assert other.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_the_active_one_is_frozen_and_wakes(make_instance: MakeInstance, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    first, second = start_both(make_instance)
    published = publish_until_stored(peer, MARKET.bars(), as_event)
    outputs.wait_for(len(expected) // 10)
    assert first.process is not None
    first.process.send_signal(signal.SIGSTOP)
    wait_active(second)
    published.result(60)
    outputs.wait_for(len(expected))
    first.process.send_signal(signal.SIGCONT)
    wait_until(lambda: stands_by(first), "the one that woke to stand by")
    wait_until(lambda: holds(first) == 0, "it to know that everything is stored")
    assert second.end(signal.SIGTERM) == 0
    wait_active(first)
    assert first.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_the_active_one_is_cut_off(
    make_instance: MakeInstance, server: NatsServer, peer: Peer, outputs: Outputs
) -> None:
    expected = MARKET.signals()
    before, after = halves()
    with tcp_proxy(server.port) as way:
        first = make_instance("first", NATS_URL=f"nats://127.0.0.1:{way.port}")
        second = make_instance("second")
        first.start()
        first.wait_ready()
        wait_active(first)
        second.start()
        second.wait_ready()
        published = publish_until_stored(peer, before, as_event)
        outputs.wait_for(len(expected) // 10)
        way.cut()
        wait_active(second)
        wait_until(lambda: not is_active(first), "the one that is cut off to know")
        published.result(60)
        way.mend()
        wait_until(lambda: stands_by(first), "the one that was cut off to stand by")
        second.end(signal.SIGKILL)
        peer.publish(map(as_event, after))
        outputs.wait_for(len(expected))
        assert first.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_one_that_is_stopped_hands_over_at_once(make_instance: MakeInstance, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    before, after = halves()
    first, second = start_both(make_instance, LEASE_SECONDS="60")
    peer.publish(map(as_event, before))
    assert first.end(signal.SIGTERM) == 0
    wait_active(second)  # far sooner than its lease would have ended
    peer.publish(map(as_event, after))
    outputs.wait_for(len(expected))
    assert second.end(signal.SIGTERM) == 0
    outputs.check(expected)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_is_held_outlives_a_restart(
    make_instance: MakeInstance, peer: Peer, outputs: Outputs, how: signal.Signals
) -> None:
    expected = MARKET.signals()
    first, second = start_both(make_instance, LEASE_SECONDS="60")
    assert first.process is not None
    first.process.send_signal(signal.SIGSTOP)
    peer.publish(map(as_event, MARKET.bars()))
    wait_until(lambda: holds(second) == len(expected), "all signals to be held")
    bars = second.counted("ta_bars_total")
    assert bars == len(MARKET.bars())
    time_of_snapshot = time.time()
    snapshots = list((second.log.parent / "recovery" / "snapshots").glob("*.sqlite3*"))
    wait_until(
        lambda: max(path.stat().st_mtime for path in snapshots) > time_of_snapshot + 0.5, "a snapshot that has them"
    )
    second.end(how)
    peer.run(peer.client.jetstream().purge_stream("KV_TA_LEASES"))  # rather than wait for the lease to end
    second.start()
    wait_active(second)
    outputs.wait_for(len(expected))
    first.end(signal.SIGKILL)
    assert second.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_the_server_dies_with_the_lease(
    make_instance: MakeInstance, server: NatsServer, peer: Peer, outputs: Outputs
) -> None:
    expected = MARKET.signals()
    first, second = start_both(make_instance)
    published = publish_until_stored(peer, MARKET.bars(), as_event)
    for share in (0.2, 0.5):
        outputs.wait_for(int(share * len(expected)))
        server.kill()
        wait_until(lambda: not (is_active(first) or is_active(second)), "nobody to be active")
        server.start()
        peer.wait_back()
    published.result(60)
    outputs.wait_for(len(expected))
    wait_until(lambda: is_active(first) != is_active(second), "one of them to be active")
    assert [first.end(), second.end()] == [0, 0]
    outputs.check(expected, heard=False)


def test_only_the_active_one_sends_to_rest(
    make_instance: MakeInstance, http: HttpServer, peer: Peer, outputs: Outputs
) -> None:
    expected = MARKET.signals()
    before, after = halves()
    first, second = start_both(make_instance, API_ENDPOINT=http.url)
    peer.publish(map(as_event, before))
    wait_until(http.keys, "the first to arrive")
    assert first.end(signal.SIGTERM) == 0
    wait_active(second)
    peer.publish(map(as_event, after))
    outputs.wait_for(len(expected))
    wait_until(lambda: set(http.keys()) == set(expected), "all to arrive")
    assert second.counted("ta_rest_sent_total") > 0
    assert second.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_an_instance_is_one_process() -> None:
    assert "one process, not 2" in refusal("run", "--lease", "bots", "--processes", "2")
