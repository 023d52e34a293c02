"""The live flow beside real servers: from a bar's publishing to its last signal, bursts, seeding and restarts."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import nats
import orjson
import psutil
from nats.aio.client import Client
from nats.aio.msg import Msg

from benchmarks.data import bars_of_burst, bars_of_year
from dataflow.local.feeder import event_of
from dataflow.nats.outgoing import Outgoing
from dataflow.nats.streams import KLINES
from operators.analyzer import KeyAnalyzer
from state.bar import Bar
from state.key import split_key
from state.klines import KlineStore
from strategies.configuration import configuration_of
from tests.live_bot import LiveBot, live_bot
from tests.mariadb_server import mysql_database, running_mariadb
from tests.nats_server import NatsServer, running_server, wait_until

YEAR_KEY = "BTCUSDT|15m"
SEED_BARS = 500

# Of the burst's 450 bars: what is left of them are the bursts.
BURST_SEED_BARS = 420

# Between two bars that are timed one by one, so that the one before is long done.
PAUSE_SECS = 0.02

SEEDED_KEYS = 1024


@dataclass(frozen=True)
class LiveExtent:
    """How much is measured."""

    bars: int = 1500
    bursts: int = 20


LIVE_QUICK = LiveExtent(bars=400, bursts=5)


@dataclass
class LiveMeasured:
    """Seconds, one entry per bar with signals or per burst; and the bot's memory after each burst."""

    latency_secs: list[float]
    burst_secs: list[float]
    burst_rss_bytes: list[int]
    burst_signals: int
    seeding_secs: float
    restart_secs: float


def measure_live(extent: LiveExtent) -> LiveMeasured:
    """Measure everything."""
    with TemporaryDirectory(prefix="ta-bot-bench-") as folder:
        latency = measure_latency(Path(folder, "latency"), extent.bars)
        bursts, memory, signals = measure_bursts(Path(folder, "burst"), extent.bursts)
        seeding, restart = measure_seeding(Path(folder, "seeding"))
    return LiveMeasured(latency, bursts, memory, signals, seeding, restart)


@dataclass(frozen=True)
class Round:
    """Bars that are published at once, and the ids of the signals that come of them."""

    bars: Sequence[tuple[str, Bar]]
    signal_ids: frozenset[str]


def measure_latency(folder: Path, bars: int) -> list[float]:
    """From publishing a bar to hearing its last signal, bar by bar, for those bars that have signals."""
    year = bars_of_year()[: SEED_BARS + bars]
    history, rest = {YEAR_KEY: year[:SEED_BARS]}, {YEAR_KEY: year[SEED_BARS:]}
    with bot_with(folder, history) as (server, _):
        return asyncio.run(_timed(server.url, _rounds(history, rest), lambda: None))


def measure_bursts(folder: Path, bursts: int) -> tuple[list[float], list[int], int]:
    """From publishing the first of 512 bars to hearing the last of their signals; resident memory; signals in all."""
    found = bars_of_burst(BURST_SEED_BARS + bursts)
    history = {key: bars[:BURST_SEED_BARS] for key, bars in found.items()}
    rest = {key: bars[BURST_SEED_BARS:] for key, bars in found.items()}
    memory: list[int] = []
    with bot_with(folder, history) as (server, bot):
        rounds = _rounds(history, rest)
        process = psutil.Process(bot.pid)
        secs = asyncio.run(_timed(server.url, rounds, lambda: memory.append(process.memory_info().rss)))
    return secs, memory, sum(len(one.signal_ids) for one in rounds)


def measure_seeding(folder: Path) -> tuple[float, float]:
    """From the start of the process until every key is seeded from MariaDB; and, started again, from snapshots."""
    folder.mkdir()
    bars = bars_of_year()[:SEED_BARS]
    symbols = [f"S{number:04}USDT" for number in range(SEEDED_KEYS)]
    with (
        running_mariadb(folder) as mariadb,
        mysql_database(mariadb) as database,
        running_server(folder / "nats") as server,
    ):
        store = KlineStore(database.uri)
        for symbol in symbols:
            store.write(f"{symbol}|15m", bars)
        store.close()
        settings = {"SUPPORTED_SYMBOLS": ",".join(symbols), "SUPPORTED_TIMEFRAMES": "15m", "MYSQL_URI": database.uri}
        with live_bot(server.url, folder, **settings, SNAPSHOT_SECONDS="10") as bot:
            seeding = _secs_until_ready(bot)
            bot.end(signal.SIGTERM)
            return seeding, _secs_until_ready(bot)


def _secs_until_ready(bot: LiveBot) -> float:
    started = time.perf_counter()
    bot.start()
    wait_until(lambda: _has_seeded(bot), "all keys to be seeded", 300)
    return time.perf_counter() - started


def _has_seeded(bot: LiveBot) -> bool:
    found = bot.readiness()
    return bool(found.get("ready")) and found["keys"] == {"starting": 0, "seeded": SEEDED_KEYS, "cold": 0}


@contextmanager
def bot_with(folder: Path, history: dict[str, list[Bar]], *options: str) -> Iterator[tuple[NatsServer, LiveBot]]:
    """A bot that is seeded with `history` and takes snapshots as it does by default."""
    folder.mkdir()
    store = KlineStore(f"sqlite:///{folder / 'history.sqlite3'}")
    for key, bars in history.items():
        store.write(key, bars)
    store.close()
    symbols = ",".join(split_key(key)[0] for key in history)
    with (
        running_server(folder / "nats") as server,
        live_bot(
            server.url, folder, *options, SUPPORTED_SYMBOLS=symbols, SUPPORTED_TIMEFRAMES="15m", SNAPSHOT_SECONDS="10"
        ) as bot,
    ):
        bot.start()
        wait_until(
            lambda: bot.readiness().get("keys") == {"starting": 0, "seeded": len(history), "cold": 0}, "seeds", 120
        )
        yield server, bot


def _rounds(history: dict[str, list[Bar]], rest: dict[str, list[Bar]]) -> list[Round]:
    """The bars of `rest` by their time, each with the signals that an analyzer in this process finds."""
    analyzers = {key: KeyAnalyzer(key, configuration_of()) for key in history}
    for key, analyzer in analyzers.items():
        analyzer.warm_up(history[key])
    rounds = []
    for at_once in zip(*rest.values(), strict=True):
        bars = list(zip(rest, at_once, strict=True))
        ids = [made.signal_id for key, bar in bars for made in analyzers[key].on_bar(bar)]
        rounds.append(Round(bars, frozenset(ids)))
    return rounds


async def _timed(url: str, rounds: Sequence[Round], after_each: Callable[[], object]) -> list[float]:
    """Publish round by round, and wait for the signals of each."""
    client = await nats.connect(url)
    await client.jetstream().stream_info(KLINES)
    waiting: set[str] = set()
    done = asyncio.Event()
    last_secs = 0.0

    async def hear(message: Msg) -> None:
        nonlocal last_secs
        last_secs = time.perf_counter()
        waiting.discard(orjson.loads(message.data)["signal_id"])
        if not waiting:
            done.set()

    for subject in ("signals.trading", "signals.alerts"):
        await client.subscribe(subject, cb=hear)
    await client.flush()
    found = []
    for one in rounds:
        waiting |= one.signal_ids
        done.clear()
        events = [event_of(key, bar) for key, bar in one.bars]
        started = time.perf_counter()
        await _publish(client, events)
        if waiting:
            await asyncio.wait_for(done.wait(), 60)
            found.append(last_secs - started)
        await asyncio.sleep(PAUSE_SECS)
        after_each()
    await client.close()
    return found


async def _publish(client: Client, events: Sequence[Outgoing]) -> None:
    for event in events:
        await client.publish(event.subject, event.payload)
