"""MariaDB is away: the flow goes on, says so, and is as if nothing had happened once it is back."""

from __future__ import annotations

import signal

from tests.live.conftest import MakeBot
from tests.live.market import DAY_MS, START_MS, History, KeyedBar, Market, as_envelope, as_event, signals_of
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot
from tests.mariadb_server import MariaDB, MySQLDatabase
from tests.nats_server import Peer, wait_until

MARKET = Market(("BTCUSDT", "ETHUSDT"), days=40)
FROM_MS = START_MS + 25 * DAY_MS
AWAY_MS, GAP_MS, GAP_END_MS, BACK_MS = (FROM_MS + day * DAY_MS for day in (2, 4, 5, 7))
SETTINGS = {
    "WARM_UP_BARS": "100000",
    "SUPPORTED_SYMBOLS": ",".join(MARKET.symbols),
    "SUPPORTED_TIMEFRAMES": ",".join(MARKET.timeframes),
}


def trouble(bot: LiveBot) -> bool:
    """Whether it says that history cannot be reached."""
    found = bot.readiness()["history"]
    assert isinstance(found, dict)
    assert found["reachable"] is (found["trouble"] is None)
    return not found["reachable"]


def wait_for_keys(bot: LiveBot, state: str) -> None:
    wait_until(lambda: bot.keys() == {state: len(MARKET.keys)}, f"all keys to be {state}")


def check_bars(outputs: Outputs, bars: list[KeyedBar]) -> None:
    """The signals of these bars must be those of a run in which nothing was ever away."""
    expected = signals_of(MARKET.signals(FROM_MS), bars)
    assert len(expected) > len(MARKET.keys)
    outputs.check(expected, of=bars)


def test_mariadb_is_away_when_the_bot_starts(
    make_bot: MakeBot, mariadb: MariaDB, mysql: MySQLDatabase, peer: Peer, outputs: Outputs
) -> None:
    history = History(mysql, MARKET.keys)
    history.write(MARKET.bars(to_ms=FROM_MS))
    bot = make_bot(MYSQL_URI=mysql.uri, **SETTINGS)
    meanwhile = MARKET.bars(FROM_MS, BACK_MS)
    with mariadb.down():
        bot.start()
        wait_for_keys(bot, "cold")
        assert trouble(bot)
        bot.wait_ready()  # it does what it can
        peer.publish(map(as_event, meanwhile))
        bot.wait_counted("ta_bars_total", len(meanwhile))
        assert bot.keys() == {"cold": len(MARKET.keys)}
    wait_for_keys(bot, "seeded")
    assert not trouble(bot)
    afterwards = MARKET.bars(BACK_MS)
    peer.publish(map(as_envelope, afterwards))
    bot.wait_counted("ta_bars_total", len(meanwhile) + len(afterwards))
    assert bot.end(signal.SIGTERM) == 0
    check_bars(outputs, afterwards)


def test_mariadb_is_away_while_bars_are_missed(
    make_bot: MakeBot, mariadb: MariaDB, mysql: MySQLDatabase, peer: Peer, outputs: Outputs
) -> None:
    """The gap is mended when history is back."""
    history = History(mysql, MARKET.keys)
    history.write(MARKET.bars(to_ms=FROM_MS))
    bot = make_bot(MYSQL_URI=mysql.uri, **SETTINGS)
    bot.start()
    wait_for_keys(bot, "seeded")
    before, missed = MARKET.bars(FROM_MS, AWAY_MS), MARKET.bars(GAP_MS, GAP_END_MS)
    peer.publish(map(as_event, before))
    bot.wait_counted("ta_bars_total", len(before))
    history.write(missed)
    around = [*MARKET.bars(AWAY_MS, GAP_MS), *MARKET.bars(GAP_END_MS, BACK_MS)]
    with mariadb.down():
        wait_until(lambda: trouble(bot), "the bot to notice")
        peer.publish(map(as_event, around))
        bot.wait_counted("ta_bars_total", len(before) + len(around))
        assert bot.keys() == {"cold": len(MARKET.keys)}
        assert bot.readiness()["ready"]
    wait_for_keys(bot, "seeded")
    assert not trouble(bot)
    assert bot.counted("ta_bars_filled_total") == len(missed)
    afterwards, count = MARKET.bars(BACK_MS), bot.counted("ta_bars_total")
    peer.publish(map(as_envelope, afterwards))
    bot.wait_counted("ta_bars_total", count + len(afterwards))
    assert bot.end(signal.SIGTERM) == 0
    check_bars(outputs, [*before, *MARKET.bars(AWAY_MS, GAP_MS), *afterwards])
