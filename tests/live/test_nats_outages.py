"""NATS is killed, away, or refuses: everything comes out once when it is back."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

from dataflow.nats.streams import SIGNALS
from tests.e2e.command import one_line
from tests.kit import SYMBOLS
from tests.live.conftest import MakeBot
from tests.live.market import Market, as_envelope, as_event
from tests.live.outputs import Outputs
from tests.live.producer import publish_until_stored
from tests.live_bot import LiveBot
from tests.nats_server import NatsServer, Peer, peer_of, running_server, wait_until

MARKET = Market(SYMBOLS, days=12)


def is_connected(bot: LiveBot) -> bool:
    """Whether it says that it has NATS."""
    found = bot.readiness()["nats"]
    assert isinstance(found, dict)
    return bool(found["connected"])


def test_a_server_that_is_killed_again_and_again(
    bot: LiveBot, server: NatsServer, peer: Peer, outputs: Outputs
) -> None:
    expected = MARKET.signals()
    bot.start()
    bot.wait_ready()
    published = publish_until_stored(peer, MARKET.bars(), as_envelope)
    for share in sorted(Random(5).uniform(0.05, 0.95) for _ in range(4)):
        outputs.wait_for(int(share * len(expected)))
        server.restart()
        peer.wait_back()
    published.result(60)
    outputs.wait_for(len(expected))
    assert bot.alive()
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected, heard=False)


def test_a_stream_that_cannot_be_read(bot: LiveBot, server: NatsServer, peer: Peer) -> None:
    peer.add_stream("QUEUE", "ta.klines.>", retention="workqueue")  # each message is one reader's, and then gone
    server.kill()  # else it would be refused at once
    bot.start()
    wait_until(lambda: "INFO ready" in bot.said(), "the flow to run")
    server.start()
    peer.wait_back()
    wait_until(lambda: "cannot be read" in bot.said(), "the bot to say so")
    found = bot.readiness()
    assert found["nats"] == {"connected": True, "gives_klines": False, "takes_messages": True, "trouble": None}
    assert found["ready"] is False
    peer.run(peer.client.jetstream().delete_stream("QUEUE"))
    bot.wait_ready()
    assert bot.end(signal.SIGTERM) == 0


def test_a_server_that_comes_late(bot: LiveBot, server: NatsServer, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    server.kill()
    bot.start()
    wait_until(bot.readiness, "the bot to answer")
    assert not is_connected(bot)
    server.start()
    peer.wait_back()
    bot.wait_ready()
    peer.publish(map(as_event, MARKET.bars()))
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_wrong_credentials_are_waited_out(make_bot: MakeBot, tmp_path: Path) -> None:
    """Somebody may be about to set them right, on the server's side."""
    expected = MARKET.signals()
    with running_server(tmp_path / "guarded", 'authorization { user: "bot", password: "new" }') as guarded:
        bot = make_bot(NATS_URL=guarded.url.replace("//", "//bot:old@"))
        bot.start()
        wait_until(bot.readiness, "the bot to answer")
        wait_until(lambda: "Authorization Violation" in bot.complaints(), "it to be said")
        assert not is_connected(bot)
        assert bot.alive()
        guarded.settings.write_text('authorization { user: "bot", password: "old" }')
        guarded.restart()
        bot.wait_ready()
        complaints = bot.complaints().splitlines()
        assert len(complaints) == len(set(complaints)), "it is said once"
        guarded.url = guarded.url.replace("//", "//bot:old@")
        with peer_of(guarded) as peer:
            outputs = Outputs(peer)
            peer.publish(map(as_event, MARKET.bars()))
            outputs.wait_for(len(expected))
            assert bot.end(signal.SIGTERM) == 0
            outputs.check(expected)


def test_a_stream_of_others_in_our_place_is_an_error(bot: LiveBot, peer: Peer) -> None:
    peer.add_stream("OTHERS", "ta.signals.>")
    bot.start()
    assert bot.wait_ended() == 2
    assert SIGNALS in one_line(bot.complaints())
