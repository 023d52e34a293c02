"""`--processes 2`: the same signals, each once, whatever happens to a member."""

from __future__ import annotations

import os
import signal
import socket

from tests.e2e.command import one_line
from tests.kit import SYMBOLS
from tests.live.conftest import MakeBot
from tests.live.market import KeyedBar, Market, Message, as_batch, as_event
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot
from tests.nats_server import NatsServer, Peer, wait_until

PROCESSES = 2
MARKET = Market(SYMBOLS, days=20)


def cluster(make_bot: MakeBot) -> LiveBot:
    return make_bot("--processes", str(PROCESSES), KLINES_SHARDS=str(PROCESSES), SUPPORTED_SYMBOLS=",".join(SYMBOLS))


def wait_all_ready(bot: LiveBot) -> None:
    wait_until(lambda: all(bot.readiness(member).get("ready") for member in range(PROCESSES)), "members to be ready")


def on_own_subject(one: KeyedBar) -> Message:
    """On the subject that shards are told apart by, whatever the shape."""
    subject, batch = as_batch(one)
    return subject, batch if one.key.startswith("BTC") else as_event(one)[1]


def reading_all(make_bot: MakeBot, peer: Peer) -> LiveBot:
    """A cluster that has started, with the whole market on its way to it."""
    bot = cluster(make_bot)
    bot.start()
    wait_all_ready(bot)
    peer.publish(map(on_own_subject, MARKET.bars()))
    return bot


def test_a_member_that_cannot_start(make_bot: MakeBot) -> None:
    """It is said which one, and why."""
    bot = cluster(make_bot)
    with socket.create_server(("127.0.0.1", bot.health_port + 1)):
        bot.start()
        assert bot.wait_ended() == 2
    line = one_line(bot.complaints())
    assert "process 1" in line
    assert "HEALTH_PORT" in line


def test_the_signals_of_one_process(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    bot = reading_all(make_bot, peer)
    outputs.wait_for(len(expected))

    def shares() -> list[float]:
        return [bot.counted("ta_bars_total", member) for member in range(PROCESSES)]

    wait_until(lambda: sum(shares()) >= len(MARKET.bars()), "all bars to be counted")
    assert all(shares()), "a member had nothing to do"
    assert sum(shares()) == len(MARKET.bars())
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)
    assert bot.said().count("INFO ready: ") == PROCESSES, "members tell what one process tells"


def test_stopped_and_started_again(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    bot = reading_all(make_bot, peer)
    for share in (0.3, 0.6):
        outputs.wait_for(int(share * len(expected)))
        assert bot.end(signal.SIGTERM) == 0
        bot.start()
    outputs.wait_for(len(expected))
    wait_all_ready(bot)
    assert not bot.counted("ta_published_again_total")
    assert bot.end(signal.SIGINT) == 0
    outputs.check(expected)


def test_a_member_is_killed(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    """The command says so in a line, and ends: whoever runs it starts it again."""
    expected = MARKET.signals()
    bot = reading_all(make_bot, peer)
    for share, member in ((0.3, 0), (0.6, 1)):
        outputs.wait_for(int(share * len(expected)))
        said = len(bot.said())
        os.kill(bot.members()[member], signal.SIGKILL)
        assert bot.wait_ended() == 2
        assert f"process {member} ended" in one_line(bot.complaints(said))
        bot.start()
    outputs.wait_for(len(expected))
    wait_all_ready(bot)
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_the_command_is_killed(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    bot = reading_all(make_bot, peer)
    for share in (0.3, 0.6):
        outputs.wait_for(int(share * len(expected)))
        bot.end(signal.SIGKILL)
        bot.start()
    outputs.wait_for(len(expected))
    wait_all_ready(bot)
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_stopped_while_nats_is_away(make_bot: MakeBot, server: NatsServer, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    bot = reading_all(make_bot, peer)
    outputs.wait_for(len(expected) // 3)
    server.kill()
    wait_until(lambda: not bot.readiness()["ready"], "the bot to notice")
    assert bot.end(signal.SIGTERM) == 0
    server.start()
    peer.wait_back()
    bot.start()
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected, heard=False)
