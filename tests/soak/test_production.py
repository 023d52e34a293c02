"""As in production, for long: 512 symbols, two instances, and every half minute something is killed.

Two instances share a lease; history is in MariaDB, the configuration in MongoDB with a copy in MariaDB, and it is
changed every minute. What comes out must be what a replay of the same bars and changes says, each signal once.
"""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from dataflow.recorded import read_bars
from operators.times import format_time
from tests.api_server import ApiServer, running_api
from tests.database_server import DatabaseServer
from tests.databases import insert, make_table
from tests.e2e.command import write_interleaved
from tests.kit import real_klines
from tests.live.market import KeyedBar, as_envelope, replay_of
from tests.live.outputs import Outputs
from tests.live.producer import publish_until_stored
from tests.live_bot import LiveBot, live_bot
from tests.mariadb_server import MySQLDatabase
from tests.mongo_server import MongoDatabase
from tests.nats_server import NatsServer, Peer, wait_until

SECS = float(os.environ.get("SOAK_SECS", "1200"))
KILL_EVERY_SECS, CHANGE_EVERY_SECS = min(30.0, SECS / 6), min(60.0, SECS / 4)

SYMBOLS, HISTORY_BARS = 512, 150
TABLE = "klines_m15"
PATIENCE_SECS = 240.0

# How long an instance runs before its memory counts, and how it may differ between the first and the last third: keys
# keep more bars until they have 300, and a short run ends before that.
WARM_SECS, FLAT = min(20.0, SECS / 10), 1.15 if SECS >= 600 else 1.4

CHANGES: tuple[dict[str, Any], ...] = (
    {"path": "rsi_extreme_reversal/config", "oversold_threshold": 30.0},
    {"path": "momentum_pulse/config/BTCUSDT", "adx_threshold": 12.0},
    {"path": "doji_reversal/config", "base_confidence": 0.7},
    {"path": "rsi_extreme_reversal/config", "oversold_threshold": 20.0},
)


@dataclass
class Memory:
    """The resident memory of one instance over its lives."""

    bot: LiveBot
    started_secs: float = 0.0
    samples: list[tuple[float, float]] = field(default_factory=list)
    """When, and how many MB, while it had been running for long enough."""

    def look(self, now_secs: float) -> None:
        if not self.bot.alive() or now_secs - self.started_secs < WARM_SECS:
            return
        pages = int(Path(f"/proc/{self.bot.pid}/statm").read_text().split()[1])
        self.samples.append((now_secs, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))


class Production:
    """All that runs, and what happens to it."""

    def __init__(self, bots: list[LiveBot], api: ApiServer, servers: dict[str, NatsServer | DatabaseServer]) -> None:
        self.api = api
        self.servers = servers
        self.memory = [Memory(bot) for bot in bots]
        self.random = Random(7)
        self.killed: dict[str, int] = {}
        self.down_until: tuple[str, float] | None = None
        self.lines: list[dict[str, Any]] = []

    def start(self, memory: Memory) -> None:
        memory.bot.start()
        memory.started_secs = time.monotonic()

    def kill_something(self, now_secs: float) -> None:
        """Kill an instance, which is started again at once, or a server, which stays away for a while."""
        target = self.random.choice(["the active instance", "the other instance", *self.servers])
        self.killed[target] = self.killed.get(target, 0) + 1
        if target in self.servers:
            self.servers[target].kill()
            self.down_until = target, now_secs + self.random.uniform(0.0, KILL_EVERY_SECS / 4)
            return
        active = [memory for memory in self.memory if is_active(memory.bot)] or self.memory[:1]
        others = [memory for memory in self.memory if memory is not active[0]]
        struck = active[0] if target.startswith("the active") else others[0]
        struck.bot.end(signal.SIGKILL)
        self.start(struck)

    def mend(self, now_secs: float) -> None:
        """Start what has been away for long enough."""
        if self.down_until is not None and now_secs >= self.down_until[1]:
            self.servers[self.down_until[0]].start()
            self.down_until = None

    def change(self, at_ms: int) -> None:
        """Change the configuration while all servers are there, between two bars."""
        values = dict(CHANGES[len(self.lines) % len(CHANGES)])
        wait_until(self._is_well, "the sidecar to have everything", PATIENCE_SECS)
        data = self.api.change(values.pop("path"), **values)["data"]
        line = {"changed_at": format_time(at_ms), "new_parameters": data["stored_parameters"], "source": "mongodb"}
        self.lines.append({**line, **{name: data[name] for name in ("strategy_id", "symbol", "version")}})

    def _is_well(self) -> bool:
        return bool(self.api.client.get("/health").json()["status"] == "healthy")


def is_active(bot: LiveBot) -> bool:
    lease = bot.readiness().get("lease", {})
    assert isinstance(lease, dict)
    return bool(lease.get("active"))


@pytest.fixture(scope="module")
def closes() -> list[list[KeyedBar]]:
    """One list per time, of a bar of each symbol."""
    by_time: dict[int, list[KeyedBar]] = {}
    for key, bar in read_bars([real_klines() / "burst-15m.csv.gz"]):
        by_time.setdefault(bar.open_time_ms, []).append(KeyedBar(key, bar))
    closes = [by_time[open_ms] for open_ms in sorted(by_time)]
    assert {len(close) for close in closes} == {SYMBOLS}
    bursts = max(20, min(len(closes) - HISTORY_BARS, int(SECS / 2.5)))
    return closes[: HISTORY_BARS + bursts]


@pytest.fixture
def production(server: NatsServer, mysql: MySQLDatabase, mongo: MongoDatabase, tmp_path: Path) -> Iterator[Production]:
    settings = {"MYSQL_URI": mysql.uri, "MONGODB_URI": mongo.uri, "MONGODB_DATABASE": mongo.name}
    with ExitStack() as running:
        api = running.enter_context(running_api(tmp_path / "api", NATS_URL=server.url, **settings))
        bots: list[LiveBot] = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            options = ("--lease", "soak", "--snapshot-secs", "10")
            bots.append(running.enter_context(live_bot(server.url, tmp_path / name, *options, **settings)))
        yield Production(bots, api, {"NATS": server, "MariaDB": mysql.server, "mongod": mongo.server})
    for bot in bots:
        bot.check_log()


def test_something_is_killed_every_half_minute(
    production: Production,
    closes: list[list[KeyedBar]],
    mysql: MySQLDatabase,
    peer: Peer,
    outputs: Outputs,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    history, bursts = closes[:HISTORY_BARS], closes[HISTORY_BARS:]
    store_history(mysql, history)
    for memory in production.memory:
        production.start(memory)
    wait_until(lambda: production.memory[0].bot.keys() == {"seeded": SYMBOLS}, "all keys to be seeded", PATIENCE_SECS)
    began_secs = time.monotonic()
    live(production, bursts, peer)
    expected = replayed(production, closes, bursts, tmp_path)
    outputs.wait_for(len(expected), PATIENCE_SECS)
    took_secs = time.monotonic() - began_secs
    for memory in production.memory:
        memory.bot.wait_ready()
        assert memory.bot.end(signal.SIGTERM) == 0
    outputs.check(expected, heard=False)
    growth = [growth_of(memory.samples) for memory in production.memory]
    with capsys.disabled():
        print(report(production, took_secs, len(bursts), len(expected), growth))
    assert max(last / first for first, last in growth) <= FLAT


def store_history(mysql: MySQLDatabase, history: list[list[KeyedBar]]) -> None:
    make_table(mysql, TABLE)
    for place, one in enumerate(history[0]):
        bars = [close[place].bar for close in history]
        insert(mysql, TABLE, bars, symbol=one.key.partition("|")[0])


def live(production: Production, bursts: list[list[KeyedBar]], peer: Peer) -> None:
    """Let the bars arrive over so many seconds, while things are killed and changed."""
    began_secs = time.monotonic()
    kill_secs, change_secs = began_secs + KILL_EVERY_SECS / 2, began_secs + CHANGE_EVERY_SECS / 3
    before: Future[None] | None = None
    for number, burst in enumerate(bursts):
        due_secs = began_secs + SECS * number / len(bursts)
        while (now_secs := time.monotonic()) < due_secs or (before is not None and not before.done()):
            production.mend(now_secs)
            if now_secs >= kill_secs and production.down_until is None:
                production.kill_something(now_secs)
                kill_secs += KILL_EVERY_SECS
            threading.Event().wait(0.05)
        for memory in production.memory:
            memory.look(now_secs)
        if before is not None:
            before.result()
        if now_secs >= change_secs and production.down_until is None:
            production.change(bursts[number - 1][0].close_ms if number else 0)
            change_secs += CHANGE_EVERY_SECS
        before = publish_until_stored(peer, burst, as_envelope)
    while production.down_until is not None:
        production.mend(time.monotonic())
        threading.Event().wait(0.05)
    if before is not None:
        before.result(PATIENCE_SECS)


def replayed(
    production: Production, closes: list[list[KeyedBar]], bursts: list[list[KeyedBar]], folder: Path
) -> dict[str, bytes]:
    """What a replay says of the same bars and changes."""
    by_key = {one.key: [close[place].bar for close in closes] for place, one in enumerate(closes[0])}
    klines, changes = write_interleaved(folder / "klines.csv", by_key), folder / "changes.jsonl"
    changes.write_bytes(b"\n".join(map(orjson.dumps, production.lines)))
    return replay_of(klines, "--from", format_time(bursts[0][0].bar.open_time_ms), "--changes", changes)


def growth_of(samples: list[tuple[float, float]]) -> tuple[float, float]:
    """The median memory in the first and in the last third of the time, in MB."""
    third = (samples[-1][0] - samples[0][0]) / 3
    first = [size for at, size in samples if at <= samples[0][0] + third]
    last = [size for at, size in samples if at >= samples[-1][0] - third]
    return statistics.median(first), statistics.median(last)


def report(
    production: Production, took_secs: float, bursts: int, signals: int, growth: list[tuple[float, float]]
) -> str:
    killed = ", ".join(f"{target} {count} times" for target, count in sorted(production.killed.items()))
    memory = ", ".join(f"{first:.0f} MB -> {last:.0f} MB" for first, last in growth)
    return (
        f"\n{took_secs / 60:.1f} minutes, {bursts * SYMBOLS:,} bars of {SYMBOLS} symbols, {len(production.lines)}"
        f" changes of the configuration\nkilled: {killed}\n{signals:,} signals and alerts, each stored once;"
        f" those of a replay, byte for byte\nmemory of the two instances, first and last third: {memory}"
    )
