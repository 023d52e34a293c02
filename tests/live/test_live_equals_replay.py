"""Klines that arrive in any of their shapes give exactly the signals that a replay of the recorded ones gives."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.databases import Columns, SQLiteFile
from tests.live.conftest import MakeBot
from tests.live.market import (
    DAY_MS,
    HOUR_MS,
    START_MS,
    History,
    KeyedBar,
    Market,
    Message,
    as_batch,
    as_envelope,
    as_event,
    as_notice,
)
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot
from tests.mariadb_server import MySQLDatabase
from tests.nats_server import Peer, wait_until

SHAPES: dict[str, Callable[[KeyedBar], Message]] = {
    "BTCUSDT": as_event,
    "ETHUSDT": as_envelope,
    "1000SHIBUSDT": as_batch,
}

# As other programs write them.
EXTRACTED = Columns("open_time", "DATETIME", "_price", "DECIMAL(20,8)")


def batches(bars: list[KeyedBar], size: int) -> list[Message]:
    """The bars of one key, so many at once."""
    return [as_batch(*bars[start : start + size]) for start in range(0, len(bars), size)]


def test_events_envelopes_and_batches(bot: LiveBot, peer: Peer, outputs: Outputs) -> None:
    market = Market(tuple(SHAPES))
    expected = market.signals()
    bot.start()
    bot.wait_ready()
    peer.publish(SHAPES[one.key.split("|")[0]](one) for one in market.bars())
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_batches_of_many_candles(bot: LiveBot, peer: Peer, outputs: Outputs) -> None:
    market = Market(("ADAUSDT",))
    expected = market.signals()
    by_key = {key: [one for one in market.bars() if one.key == key] for key in market.keys}
    peer.add_stream("KLINES", "ta.klines.>")
    peer.publish(message for of_key in by_key.values() for message in batches(of_key, 96))
    bot.start()
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def announced(bars: list[KeyedBar]) -> list[Message]:
    """What says that these bars, one or more of a few keys, were written."""
    keys = sorted({one.key for one in bars})
    by_timeframe = {timeframe: [key for key in keys if key.endswith(f"|{timeframe}")] for timeframe in ("15m", "1h")}
    return [
        as_notice(*(key.split("|")[0] for key in of_timeframe), timeframe=timeframe)
        for timeframe, of_timeframe in by_timeframe.items()
        if of_timeframe
    ]


@pytest.mark.parametrize("symbols", [("SOLUSDT",), ("SOLUSDT", "ADAUSDT")], ids=["one", "batch"])
def test_notices(
    make_bot: MakeBot, symbols: tuple[str, ...], mysql: MySQLDatabase, peer: Peer, outputs: Outputs
) -> None:
    market = Market(symbols, days=9)
    from_ms = START_MS + 5 * DAY_MS
    history = History(mysql, market.keys, EXTRACTED)
    history.write(market.bars(to_ms=from_ms))
    bot = make_bot(MYSQL_URI=mysql.uri, SUPPORTED_SYMBOLS=",".join(symbols), SUPPORTED_TIMEFRAMES="15m,1h")
    bot.start()
    wait_until(lambda: bot.keys() == {"seeded": len(market.keys)}, "all keys to be seeded")
    expected = market.signals(from_ms)
    count = 0
    for close_ms in sorted({one.close_ms for one in market.bars(from_ms)}):
        closed = [one for one in market.bars(from_ms) if one.close_ms == close_ms]
        history.write(closed)
        peer.publish(announced(closed))
        count += len(closed)
        bot.wait_counted("ta_bars_total", count)
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_notices_of_many_bars(make_bot: MakeBot, history_file: SQLiteFile, peer: Peer, outputs: Outputs) -> None:
    """All that was written while nobody listened is read at once."""
    market = Market(("SOLUSDT",))
    from_ms = START_MS + 5 * DAY_MS
    expected = market.signals(from_ms)
    history = History(history_file, market.keys)
    history.write(market.bars(to_ms=from_ms))
    written: set[str] = set()
    bot = make_bot(MAX_SIGNAL_AGE_BARS="100000")
    bot.start()
    wait_until(lambda: bot.keys() == {"seeded": 2}, "both keys to be seeded")
    # What a start finds is history; what is noticed from then on is new.
    for bars in (market.bars(from_ms, from_ms + HOUR_MS // 4), market.bars(from_ms)):
        history.write(one for one in bars if one.place not in written)
        written |= {one.place for one in bars}
        peer.publish(announced(bars))
        bot.wait_counted("ta_bars_total", len(bars))
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)
