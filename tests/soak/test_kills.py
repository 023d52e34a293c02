"""50,000 bars while the bot, or NATS, or the bot's members are killed: each signal of a quiet run, once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest

from tests.kit import SYMBOLS
from tests.live.conftest import MakeBot
from tests.live.market import KeyedBar, Market, as_batch, as_envelope, as_event, signals_of
from tests.live.outputs import Outputs
from tests.live.producer import publish_until_stored
from tests.live_bot import LiveBot
from tests.nats_server import NatsServer, Peer

BARS = 50_000
MARKET = Market(SYMBOLS, days=84)
PATIENCE_SECS = 240.0


@pytest.fixture(scope="module")
def bars() -> list[KeyedBar]:
    bars = MARKET.bars()
    assert len(bars) >= BARS
    return bars


def moments(bars: list[KeyedBar], count: int, seed: int) -> Iterator[tuple[list[KeyedBar], int]]:
    """The bars in as many parts, and with each a number of signals that is reached somewhere within it."""
    random, expected = Random(seed), MARKET.signals()
    ends = [len(bars) * part // count for part in range(count + 1)]
    before = 0
    for start, end in pairwise(ends):
        part = bars[start:end]
        within = len(signals_of(expected, part))
        yield part, before + random.randint(1, within)
        before += within


def test_the_bot_is_killed_20_times(bot: LiveBot, bars: list[KeyedBar], peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    bot.start()
    bot.wait_ready()
    for part, signals in moments(bars, 20, seed=1):
        peer.publish(map(as_event, part))
        outputs.wait_for(signals)
        assert bot.alive()
        bot.end(signal.SIGKILL)
        bot.start()
    outputs.wait_for(len(expected), PATIENCE_SECS)
    bot.wait_ready()
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_nats_is_killed_10_times(
    bot: LiveBot, bars: list[KeyedBar], server: NatsServer, peer: Peer, outputs: Outputs
) -> None:
    expected = MARKET.signals()
    bot.start()
    bot.wait_ready()
    published = publish_until_stored(peer, bars, as_envelope)
    for share in sorted(Random(2).uniform(0.02, 0.98) for _ in range(10)):
        outputs.wait_for(int(share * len(expected)), PATIENCE_SECS)
        server.restart()
        peer.wait_back()
    published.result(PATIENCE_SECS)
    outputs.wait_for(len(expected), PATIENCE_SECS)
    assert bot.alive()
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected, heard=False)


def test_members_are_killed_10_times(make_bot: MakeBot, bars: list[KeyedBar], peer: Peer, outputs: Outputs) -> None:
    expected, random = MARKET.signals(), Random(3)
    bot = make_bot("--processes", "2", KLINES_SHARDS="2")
    bot.start()
    bot.wait_ready()
    for part, signals in moments(bars, 10, seed=3):
        peer.publish(map(as_batch, part))
        outputs.wait_for(signals, PATIENCE_SECS)
        os.kill(random.choice(bot.members()), signal.SIGKILL)
        assert bot.wait_ended() == 2
        bot.start()
    outputs.wait_for(len(expected), PATIENCE_SECS)
    bot.wait_ready()
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)
