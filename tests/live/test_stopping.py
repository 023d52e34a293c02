"""SIGTERM and SIGINT end a bot whatever it is doing; started again it goes on without repeating a bar."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from dataflow.nats.streams import DEFAULT_SUBJECTS, KLINES
from tests.databases import SQLiteFile
from tests.kit import SYMBOLS
from tests.live.conftest import MakeBot
from tests.live.market import DAY_MS, START_MS, History, Market, as_envelope, as_event
from tests.live.outputs import Outputs
from tests.live.recovered import taken
from tests.live_bot import LiveBot
from tests.nats_server import NatsServer, Peer, wait_until

MARKET = Market(SYMBOLS, days=20)

both_signals = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
Record = Callable[[str, object], None]


def stop(bot: LiveBot, number: signal.Signals, record: Record) -> None:
    """Stop it, and say in the report of the tests how long it took."""
    assert bot.end(number) == 0
    record("ended_in_secs", round(bot.ended_in_secs, 2))


def check_went_on(bot: LiveBot, messages: int) -> None:
    """In this life it must have taken so many messages of a bar each, and none that an earlier life had taken."""
    assert bot.counted("ta_messages_read_total") == messages
    assert bot.counted("ta_bars_total") == messages
    assert not bot.counted("ta_bars_dropped_total")
    assert not bot.counted("ta_gaps_total")
    assert not bot.counted("ta_published_again_total")


@both_signals
def test_while_it_reads(
    bot: LiveBot,
    number: signal.Signals,
    peer: Peer,
    outputs: Outputs,
    recovery: Path,
    record_property: Record,
) -> None:
    expected, bars = MARKET.signals(), MARKET.bars()
    peer.add_stream(KLINES, *DEFAULT_SUBJECTS)
    peer.publish(map(as_event, bars))
    bot.start()
    outputs.wait_for(len(expected) // 3)
    stop(bot, number, record_property)
    before = taken(recovery)
    assert 0 < before < len(bars), "it was stopped before or after the proof"
    bot.start()
    outputs.wait_for(len(expected))
    bot.wait_counted("ta_bars_total", len(bars) - before)
    check_went_on(bot, len(bars) - before)
    stop(bot, number, record_property)
    outputs.check(expected)


@both_signals
def test_while_it_waits(
    bot: LiveBot, number: signal.Signals, peer: Peer, outputs: Outputs, record_property: Record
) -> None:
    expected, bars = MARKET.signals(), MARKET.bars()
    lives = [bars[: len(bars) // 2], bars[len(bars) // 2 :]]
    for life in lives:
        bot.start()
        bot.wait_ready()
        peer.publish(map(as_envelope, life))
        bot.wait_counted("ta_bars_total", len(life))
        check_went_on(bot, len(life))
        stop(bot, number, record_property)
    outputs.check(expected)


@both_signals
def test_while_it_is_seeded(
    make_bot: MakeBot,
    history_file: SQLiteFile,
    number: signal.Signals,
    peer: Peer,
    outputs: Outputs,
    record_property: Record,
) -> None:
    market = Market(SYMBOLS[:3], days=62)
    from_ms = START_MS + 60 * DAY_MS
    expected, bars = market.signals(from_ms), market.bars(from_ms)
    History(history_file, market.keys).write(market.bars(to_ms=from_ms))
    peer.add_stream(KLINES, *DEFAULT_SUBJECTS)
    peer.publish(map(as_event, bars))
    bot = make_bot(WARM_UP_BARS="100000")
    bot.start()
    wait_until(lambda: {"starting", "seeded"} <= bot.keys().keys(), "some keys to be seeded, others not")
    stop(bot, number, record_property)
    assert outputs.count() < len(expected)
    bot.start()
    outputs.wait_for(len(expected))
    assert not bot.counted("ta_bars_dropped_total")
    stop(bot, number, record_property)
    outputs.check(expected)


@both_signals
def test_while_nats_is_away(
    bot: LiveBot,
    number: signal.Signals,
    server: NatsServer,
    peer: Peer,
    outputs: Outputs,
    record_property: Record,
) -> None:
    expected = MARKET.signals()
    peer.add_stream(KLINES, *DEFAULT_SUBJECTS)
    peer.publish(map(as_event, MARKET.bars()))
    bot.start()
    outputs.wait_for(len(expected) // 3)
    server.kill()
    wait_until(lambda: not bot.readiness()["ready"], "the bot to notice")
    stop(bot, number, record_property)
    bot.start()
    wait_until(bot.readiness, "the bot to answer")
    stop(bot, number, record_property)
    server.start()
    peer.wait_back()
    bot.start()
    outputs.wait_for(len(expected))
    stop(bot, number, record_property)
    outputs.check(expected, heard=False)
