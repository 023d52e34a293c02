"""Signals that come out too late go where nobody trades on them."""

from __future__ import annotations

import signal
from pathlib import Path
from time import time

from tests.e2e.command import write_bars
from tests.live.conftest import MakeBot
from tests.live.market import KeyedBar, Market, as_batch, as_event, replay_of, signals_of
from tests.live.outputs import Outputs
from tests.nats_server import Peer

QUARTER_MS = 900_000
MARKET = Market(("BTCUSDT",), ("15m",), days=20)


def moved_to_now(bars: list[KeyedBar], now_ms: int) -> list[KeyedBar]:
    """The bars, as if the last one had just closed."""
    by_ms = now_ms // QUARTER_MS * QUARTER_MS - bars[-1].close_ms
    return [KeyedBar(key, bar._replace(open_time_ms=bar.open_time_ms + by_ms)) for key, bar in bars]


def test_old_bars_signal_late(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    expected = MARKET.signals()
    bot = make_bot(MAX_SIGNAL_AGE_SECONDS="3600")
    bot.start()
    bot.wait_ready()
    peer.publish(map(as_event, MARKET.bars()))
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check_late(expected)
    outputs.check({})


def test_recent_bars_signal_in_time(make_bot: MakeBot, peer: Peer, outputs: Outputs, tmp_path: Path) -> None:
    now_ms = int(time() * 1000)
    bars = moved_to_now(MARKET.bars(), now_ms)
    expected = replay_of(write_bars(tmp_path / "BTCUSDT-15m.csv", [one.bar for one in bars]))
    # Half a bar from the nearest one's limit, so that the time that this takes does not matter.
    recent = bars[len(bars) // 2 :]
    max_age_ms = now_ms - recent[0].close_ms + QUARTER_MS // 2
    bot = make_bot(MAX_SIGNAL_AGE_SECONDS=str(max_age_ms / 1000))
    bot.start()
    bot.wait_ready()
    peer.publish([as_batch(*bars)])
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    in_time = signals_of(expected, recent)
    assert 0 < len(in_time) < len(expected)
    outputs.check(in_time)
    outputs.check_late({name: expected[name] for name in expected.keys() - in_time})
