"""Keys come and go with the configuration."""

from __future__ import annotations

import signal
from itertools import pairwise
from pathlib import Path

from tests.e2e.command import write_bars
from tests.live.conftest import MakeBot
from tests.live.market import DAY_MS, START_MS, KeyedBar, Market, as_event, replay_of
from tests.live.outputs import Outputs
from tests.live.recovered import keys_kept
from tests.live_bot import LiveBot
from tests.nats_server import Peer, wait_until

MARKET = Market(("BTCUSDT", "ETHUSDT"), ("1h",), days=90)
THIRDS_MS = [0, *(START_MS + day * DAY_MS for day in (30, 60, 90))]
STAYS, LEAVES = MARKET.keys


def live_through(bot: LiveBot, peer: Peer, bars: list[KeyedBar], recovery: Path, keys: set[str]) -> None:
    """Start it, have it analyze bars until it keeps the state of just these keys, and stop it."""
    bot.start()
    wait_until(lambda: sum(bot.keys().values()) == len(keys) and bot.readiness()["ready"], f"{keys} to be ready")
    peer.publish(map(as_event, bars))
    bot.wait_counted("ta_bars_total", len(bars))
    assert bot.counted("ta_bars_total") == len(bars)
    wait_until(lambda: keys_kept(recovery) == keys, f"the states of {keys}")
    assert bot.end(signal.SIGTERM) == 0
    assert keys_kept(recovery) == keys


def test_a_key_that_left_is_forgotten_and_begins_anew(
    make_bot: MakeBot, peer: Peer, outputs: Outputs, recovery: Path, tmp_path: Path
) -> None:
    with_both = make_bot(SUPPORTED_SYMBOLS="BTCUSDT,ETHUSDT", SUPPORTED_TIMEFRAMES="1h")
    with_one = make_bot(SUPPORTED_SYMBOLS="BTCUSDT", SUPPORTED_TIMEFRAMES="1h")
    first, second, third = (MARKET.bars(*span) for span in pairwise(THIRDS_MS))
    of_one = [one for one in second if one.key == STAYS]

    live_through(with_both, peer, first, recovery, {STAYS, LEAVES})
    live_through(with_one, peer, of_one, recovery, {STAYS})
    live_through(with_both, peer, third, recovery, {STAYS, LEAVES})

    stayed = Market(("BTCUSDT",), ("1h",), days=90).signals()
    before = Market(("ETHUSDT",), ("1h",), days=30).signals()
    returned = [one.bar for one in third if one.key == LEAVES]
    anew = replay_of(write_bars(tmp_path / "ETHUSDT-1h.csv", returned))
    outputs.check(stayed | before | anew)
