"""Configuration that is changed while the bot runs: what is announced before a bar arrives holds for that bar."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from operators.times import format_time
from tests.api_server import NO_NATS, ApiServer, running_api
from tests.databases import SQLiteFile
from tests.kit import real_klines_file
from tests.live.conftest import MakeBot
from tests.live.market import KeyedBar, Market, as_event, replay_of, signals_of
from tests.live.outputs import Outputs
from tests.live.recovered import keys_kept
from tests.live_bot import LiveBot
from tests.nats_server import NatsServer, Peer, wait_until

MARKET = Market(("ETHUSDT", "SOLUSDT"), ("1h",), days=20)
BARS = MARKET.bars()
FILES = [real_klines_file(*key.split("|")) for key in MARKET.keys]

HISTORY = "history.sqlite3"

QUICK = {"CONFIG_REFRESH_INTERVAL_SECONDS": "0.2"}

StartApi = Callable[..., ApiServer]


@pytest.fixture
def start_api(server: NatsServer, tmp_path: Path) -> Iterator[StartApi]:
    """Starts sidecars that share the bot's stores and its NATS, unless told otherwise."""
    with ExitStack() as running:

        def start(**settings: str) -> ApiServer:
            uri = f"sqlite:///{tmp_path / HISTORY}"
            return running.enter_context(
                running_api(tmp_path / "api", **{"MYSQL_URI": uri, "NATS_URL": server.url, **settings})
            )

        yield start


class Story:
    """Bars that arrive and changes that are made in between, and what a replay makes of both."""

    def __init__(self, peer: Peer, api: ApiServer, bars: Sequence[KeyedBar] = BARS) -> None:
        self.peer = peer
        self.api = api
        self.bars = bars
        self.arrived = 0
        self.lines: list[dict[str, Any]] = []

    def bars_until(self, count: int) -> None:
        """More bars arrive, until there were so many."""
        self.peer.publish(map(as_event, self.bars[self.arrived : count]))
        self.arrived = count

    def change(self, path: str, **values: Any) -> None:
        """A strategy's configuration is changed, or that of a strategy on a symbol."""
        self._note(self.api.change(path, **values)["data"])

    def application(self, **values: Any) -> None:
        body = {"parameters": values, "changed_by": "tester"}
        answer = self.api.post("/config/application", body)["data"]
        self._note({**answer, "strategy_id": None, "symbol": None, "stored_parameters": values})

    def delete(self, path: str) -> None:
        answer = self.api.delete(path)["data"]
        self._note({**answer, "stored_parameters": None})

    def _note(self, data: dict[str, Any]) -> None:
        # After the last bar that has arrived, before the next one of any key closes.
        at_ms = self.bars[self.arrived - 1].close_ms if self.arrived else 0
        line = {"changed_at": format_time(at_ms), "new_parameters": data["stored_parameters"], "source": "sqlite"}
        self.lines.append({**line, **{name: data[name] for name in ("strategy_id", "symbol", "version")}})

    def told(self, folder: Path) -> dict[str, bytes]:
        """The signals of a replay of all this."""
        changes = folder / "changes.jsonl"
        changes.write_bytes(b"\n".join(map(orjson.dumps, self.lines)))
        return replay_of(*FILES, "--to", format_time(MARKET.to_ms), "--changes", changes)


def whole_hours(count: int) -> int:
    """Where all bars of one time have arrived."""
    while count and BARS[count].close_ms == BARS[count - 1].close_ms:
        count -= 1
    return count


def test_what_was_changed_holds_for_the_very_next_bar(
    tmp_path: Path, bot: LiveBot, start_api: StartApi, peer: Peer, outputs: Outputs
) -> None:
    story = Story(peer, start_api())
    bot.start()
    bot.wait_ready()
    story.bars_until(whole_hours(300))
    story.change("momentum_pulse/config", adx_threshold=12.0)
    story.bars_until(whole_hours(400))
    story.change("rsi_extreme_reversal/config", oversold_threshold=35.0, rsi_period=3)
    story.change("rsi_extreme_reversal/config/ETHUSDT", oversold_threshold=12.0)
    story.bars_until(whole_hours(500))
    story.change("doji_reversal/config", trend_period=40, min_trend_atr=0.5)
    story.change("bollinger_breakout_signals/config/SOLUSDT", bb_period=25)
    story.bars_until(whole_hours(560))
    story.application(cooldown_bars=5, min_confidence=0.55)
    story.change("rsi_extreme_reversal/config", oversold_threshold=30.0)
    story.bars_until(whole_hours(700))
    story.delete("rsi_extreme_reversal/config/ETHUSDT")
    story.delete("momentum_pulse/config")
    story.bars_until(len(BARS))
    expected = story.told(tmp_path)
    bot.wait_counted("ta_bars_total", len(BARS))
    outputs.check(expected)
    versions = [orjson.loads(line)["metadata"]["strategy_config"]["version"] for line in expected.values()]
    assert {0, 1, 2} <= set(versions)
    assert bot.end(signal.SIGTERM) == 0


CHANGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("momentum_pulse/config", {"adx_threshold": 10.0}),
    ("doji_reversal/config/SOLUSDT", {"min_trend_atr": 0.3, "trend_period": 12}),
    ("ema_momentum_reversal/config", {"ema_period": 11}),
    ("doji_reversal/config", {"base_confidence": 0.7, "trend_period": 14}),
    ("bear_trap_buy/config/ETHUSDT", {"ema_period": 60}),
    ("momentum_pulse/config", {"adx_threshold": 25.0, "rsi_period": 10}),
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_while_it_is_changed(
    tmp_path: Path, bot: LiveBot, start_api: StartApi, peer: Peer, outputs: Outputs, recovery: Path, seed: int
) -> None:
    """Bars and changes that are read again are taken in the order in which they were stored."""
    random, story = Random(seed), Story(peer, start_api())
    bot.start()
    bot.wait_ready()
    story.bars_until(whole_hours(20))
    wait_until(lambda: keys_kept(recovery) == set(MARKET.keys), "the first snapshot")
    for number, (path, values) in enumerate(CHANGES, 1):
        story.bars_until(whole_hours(120 * number))
        story.change(path, **values)
        if random.random() < 0.5:
            bot.wait_counted("ta_bars_total", 1)
        if random.random() < 0.7:
            bot.end(signal.SIGKILL)
            bot.start()
    story.bars_until(len(BARS))
    expected = story.told(tmp_path)
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_a_change_that_was_not_announced_is_found(
    tmp_path: Path, make_bot: MakeBot, start_api: StartApi, peer: Peer, outputs: Outputs
) -> None:
    story, bot = Story(peer, start_api(NATS_URL=NO_NATS)), make_bot(**QUICK)
    bot.start()
    bot.wait_ready()
    story.bars_until(whole_hours(300))
    bot.wait_counted("ta_bars_total", story.arrived)
    story.change("rsi_extreme_reversal/config", oversold_threshold=35.0)
    bot.wait_counted("ta_config_keys_told_total", len(MARKET.keys))
    story.bars_until(whole_hours(600))
    bot.wait_counted("ta_bars_total", story.arrived)
    story.delete("rsi_extreme_reversal/config")
    bot.wait_counted("ta_config_keys_told_total", 2 * len(MARKET.keys))
    story.bars_until(len(BARS))
    expected = story.told(tmp_path)
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_what_another_program_writes_into_the_store_is_found(
    make_bot: MakeBot, start_api: StartApi, history_file: SQLiteFile
) -> None:
    api, bot = start_api(), make_bot(**QUICK, SUPPORTED_SYMBOLS="ETHUSDT", SUPPORTED_TIMEFRAMES="1h")
    api.change("doji_reversal/config", trend_period=30)
    api.change("doji_reversal/config", trend_period=31)
    bot.start()
    bot.wait_ready()
    for number, statement in enumerate(
        (
            "UPDATE strategy_configs_global SET parameters = '{\"trend_period\": 40}'",  # the version stays
            "UPDATE strategy_configs_global SET version = 1",
            'UPDATE strategy_configs_global SET parameters = \'{"trend_period": -1, "risk_reward": 2}\'',
            "DELETE FROM strategy_configs_global",
        ),
        1,
    ):
        history_file.execute(statement)
        bot.wait_counted("ta_config_changes_total", number)
    wait_until(lambda: "gone (found)" in bot.said(), "the last one")
    assert "doji_reversal, version 1: trend_period: Input should be greater than or equal to 1, got -1" in bot.said()
    assert "configuration of doji_reversal is gone (found)" in bot.said()
    assert bot.end(signal.SIGTERM) == 0


DEAD_STORES = {
    "MONGODB_URI": "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=200",
    "MYSQL_URI": "mysql+pymysql://u:p@127.0.0.1:1/db",
}


def test_with_all_stores_away_it_runs_with_the_defaults(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    bot = make_bot(**DEAD_STORES)
    bot.start()
    bot.wait_ready()
    peer.publish(map(as_event, BARS[:400]))
    expected = signals_of(MARKET.signals(), BARS[:400])
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)
    assert "p@127" not in bot.said()


def test_with_all_stores_away_it_goes_on_with_what_it_knew(
    tmp_path: Path, bot: LiveBot, start_api: StartApi, peer: Peer, outputs: Outputs
) -> None:
    """Also for keys that it did not have before."""
    story = Story(peer, start_api())
    story.change("rsi_extreme_reversal/config", oversold_threshold=35.0)
    story.change("momentum_pulse/config/SOLUSDT", rsi_min=45.0)
    bot.start()
    bot.wait_ready()
    others = [one for one in BARS if one.key.startswith("ETH")]
    peer.publish(map(as_event, others[:100]))
    bot.wait_counted("ta_bars_total", 100)
    assert bot.end(signal.SIGTERM) == 0
    bot.environment.update(DEAD_STORES)
    bot.start()
    peer.publish(map(as_event, [*others[100:], *(one for one in BARS if one.key.startswith("SOL"))]))
    expected = story.told(tmp_path)
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_symbols_come_and_go(make_bot: MakeBot, start_api: StartApi, peer: Peer, outputs: Outputs) -> None:
    bot, api = make_bot(SUPPORTED_SYMBOLS="ETHUSDT", SUPPORTED_TIMEFRAMES="1h"), start_api()
    expected = MARKET.signals()
    bot.start()
    bot.wait_ready()
    assert bot.keys() == {"seeded": 1}
    api.post("/config/application", {"parameters": {"symbols": ["ETHUSDT", "SOLUSDT"]}, "changed_by": "tester"})
    wait_until(lambda: bot.keys() == {"seeded": 2}, "the new symbol to be there")
    peer.publish(map(as_event, BARS[:400]))
    both = signals_of(expected, BARS[:400])
    outputs.wait_for(len(both))
    api.post("/config/application", {"parameters": {"symbols": ["SOLUSDT"]}, "changed_by": "tester"})
    wait_until(lambda: bot.keys() == {"seeded": 1}, "the other symbol to leave")
    bot.end(signal.SIGKILL)
    bot.start()
    bot.wait_ready()
    peer.publish(map(as_event, BARS[400:600]))
    rest = signals_of(expected, [one for one in BARS[400:600] if one.key.startswith("SOL")])
    outputs.wait_for(len(both) + len(rest))
    assert bot.keys() == {"seeded": 1}
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(both | rest)


def test_all_members_of_a_cluster_are_told(
    tmp_path: Path, make_bot: MakeBot, start_api: StartApi, peer: Peer, outputs: Outputs
) -> None:
    story, bot = Story(peer, start_api()), make_bot("--processes", "2", KLINES_SHARDS="2")
    bot.start()

    def counted(name: str) -> float:
        return sum(bot.counted(name, member) for member in range(2))

    wait_until(lambda: all(bot.readiness(member).get("ready") for member in range(2)), "members to be ready")
    told = 0
    for count, (path, values) in ((0, CHANGES[0]), (300, CHANGES[1]), (500, CHANGES[3])):
        story.bars_until(whole_hours(count))
        wait_until(lambda: counted("ta_bars_total") >= story.arrived, "all bars to be analyzed")
        story.change(path, **values)
        told += 0 if not count else 1 if "SOL" in path else 2
        wait_until(lambda told=told: counted("ta_config_keys_told_total") >= told, "keys to be told")  # type: ignore[misc]
        wait_until(lambda: counted("ta_config_changes_total") >= len(story.lines), "the change to be read")
    story.bars_until(len(BARS))
    expected = story.told(tmp_path)
    outputs.wait_for(len(expected))
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)


def test_what_is_no_announcement_is_a_dead_letter(
    bot: LiveBot, start_api: StartApi, peer: Peer, outputs: Outputs
) -> None:
    api = start_api()
    bot.start()
    bot.wait_ready()
    garbage = [b"", b"{", b"[]", b"\xff" * 100, b'{"strategy_id":"doji_reversal","symbol":null,"parameters":{"a":{}}}']
    peer.publish([("ta.config.strategies.doji_reversal", payload) for payload in garbage])
    api.change("doji_reversal/config", trend_period=30)
    bot.wait_counted("ta_config_changes_total", 1)
    wait_until(lambda: len(outputs.dead_letters()) == len(garbage), "all of it")
    assert {orjson.loads(one.data)["stream"] for one in outputs.dead_letters()} == {"CONFIG"}
    assert bot.end(signal.SIGTERM) == 0
