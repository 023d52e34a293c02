"""Bars that the stream lacks and history has are analyzed in order; signals of the recent ones go out."""

from __future__ import annotations

import signal

import pytest

from state.key import split_key
from tests.databases import SQLiteFile
from tests.live.conftest import MakeBot
from tests.live.market import DAY_MS, START_MS, History, KeyedBar, Market, as_envelope, signals_of
from tests.live.outputs import Outputs
from tests.nats_server import Peer, wait_until

MARKET = Market(("BTCUSDT", "ETHUSDT"), days=46)
FROM_MS = START_MS + 31 * DAY_MS

# Of so many bars of a key, the first so many do not arrive.
PERIOD, MISSED = 23, 8


def place(one: KeyedBar) -> int:
    """Where a bar is in its period."""
    timeframe = split_key(one.key)[1]
    return (timeframe.ordinal(one.bar.open_time_ms) - timeframe.ordinal(FROM_MS)) % PERIOD


def is_missed(one: KeyedBar) -> bool:
    return PERIOD - MISSED <= place(one)


def bars_back(one: KeyedBar) -> int:
    """How far a missed bar lies before the next one that arrives."""
    return PERIOD - place(one)


@pytest.mark.parametrize("age", [0, 1, 5])
def test_signals_of_missed_bars(
    make_bot: MakeBot, age: int, history_file: SQLiteFile, peer: Peer, outputs: Outputs
) -> None:
    signals, bars = MARKET.signals(FROM_MS), MARKET.bars(FROM_MS)
    last = {one.key: one for one in bars if not is_missed(one)}
    bars = [one for one in bars if one.bar <= last[one.key].bar]
    expected = signals_of(signals, (one for one in bars if not is_missed(one) or bars_back(one) <= age))
    missed = [one for one in bars if is_missed(one)]
    assert bool(signals_of(expected, missed)) is (age > 0)

    history = History(history_file, MARKET.keys)
    history.write(MARKET.bars(to_ms=FROM_MS))
    bot = make_bot(
        MAX_SIGNAL_AGE_BARS=str(age),
        WARM_UP_BARS="100000",
        SUPPORTED_SYMBOLS=",".join(MARKET.symbols),
        SUPPORTED_TIMEFRAMES=",".join(MARKET.timeframes),
    )
    bot.start()
    wait_until(lambda: bot.keys() == {"seeded": len(MARKET.keys)}, "all keys to be seeded")
    history.write(missed)
    peer.publish(as_envelope(one) for one in bars if not is_missed(one))
    bot.wait_counted("ta_bars_total", len(bars))
    assert bot.counted("ta_bars_filled_total") == len(missed)
    assert not bot.counted("ta_gaps_total")
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)
