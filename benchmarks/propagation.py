"""From a change of the configuration to the bars that are analyzed with it: one after the other, and 512 at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import nats
import orjson
from nats.aio.msg import Msg

from benchmarks.data import bars_of_burst
from benchmarks.live import BURST_SEED_BARS, bot_with
from dataflow.local.feeder import event_of
from dataflow.nats.streams import KLINES
from state.bar import Bar
from tests.api_server import ApiServer, running_api
from tests.live_bot import LiveBot
from tests.nats_server import NatsServer, wait_until

STRATEGY = "doji_reversal"
KEY = "DOJIUSDT|15m"
SEED_BARS = 100
SPAN_MS = 900_000

# Dojis by turns under and over their mean give a signal each, whatever the confidence is raised by.
ALWAYS: dict[str, Any] = {"min_trend_atr": 0.0, "max_trend_bonus": 0.4}

THRESHOLD: tuple[str, dict[str, Any]] = ("momentum_pulse/config", {"rsi_min": 45.0})
PERIOD: tuple[str, dict[str, Any]] = ("momentum_pulse/config", {"rsi_period": 21, "ema_medium": 60})


@dataclass
class Propagation:
    """Seconds from asking for a change to its answer, and to hearing the signal of the next bar, which is made with it.

    And from publishing 512 bars until all are analyzed: without a change, and right after one was announced.
    """

    answer_secs: list[float]
    effect_secs: list[float]
    burst_secs: float
    burst_after_threshold_secs: float
    burst_after_period_secs: float


def measure_propagation(folder: Path, changes: int) -> Propagation:
    """Measure everything."""
    answers, effects = _one_by_one(folder / "one", changes)
    return Propagation(answers, effects, *_bursts(folder / "many"))


def _one_by_one(folder: Path, changes: int) -> tuple[list[float], list[float]]:
    prices = [90.0 if number % 2 else 110.0 for number in range(SEED_BARS + changes)]
    bars = [Bar(i * SPAN_MS, price, price + 1.0, price - 1.0, price, 1.0) for i, price in enumerate(prices)]
    options = ("--strategies", STRATEGY, "--cooldown-bars", "0")
    with bot_with(folder, {KEY: bars[:SEED_BARS]}, *options) as (server, bot), _api(folder, server) as api:
        api.change(f"{STRATEGY}/config", **ALWAYS)
        bot.wait_counted("ta_config_changes_total", 1)
        return asyncio.run(_changed(server.url, api, bars[SEED_BARS:]))


async def _changed(url: str, api: ApiServer, bars: list[Bar]) -> tuple[list[float], list[float]]:
    """Before each bar another change; the bar is published when that is answered."""
    client = await nats.connect(url)
    await client.jetstream().stream_info(KLINES)
    heard: asyncio.Queue[Msg] = asyncio.Queue()
    await client.subscribe("signals.trading", cb=heard.put)
    await client.flush()
    answers, effects = [], []
    async with httpx.AsyncClient(base_url=api.url, trust_env=False) as http:
        for number, bar in enumerate(bars):
            body = {"parameters": {"trend_factor": 1.0 + number / 10.0}, "changed_by": "benchmark"}
            started = time.perf_counter()
            answer = await http.post(f"/api/v1/strategies/{STRATEGY}/config", json=body)
            answers.append(time.perf_counter() - started)
            event = event_of(KEY, bar)
            await client.publish(event.subject, event.payload)
            message = await asyncio.wait_for(heard.get(), 60)
            effects.append(time.perf_counter() - started)
            _check(answer, message)
    await client.close()
    return answers, effects


def _check(answer: httpx.Response, message: Msg) -> None:
    made_with = orjson.loads(message.data)["metadata"]["strategy_config"]["version"]
    if made_with != answer.json()["data"]["version"]:
        raise RuntimeError(f"the bar after the change was analyzed with version {made_with}: {answer.text}")


def _bursts(folder: Path) -> tuple[float, float, float]:
    found = bars_of_burst(BURST_SEED_BARS + 4)
    history = {key: bars[:BURST_SEED_BARS] for key, bars in found.items()}
    with bot_with(folder, history) as (server, bot), _api(folder, server) as api:
        burst = _Burst(server, bot, {key: bars[BURST_SEED_BARS:] for key, bars in found.items()})
        burst.secs(lambda: None)  # of code that is cold
        return (
            burst.secs(lambda: None),
            burst.secs(lambda: _change(api, *THRESHOLD)),
            burst.secs(lambda: _change(api, *PERIOD)),
        )


def _change(api: ApiServer, path: str, values: dict[str, Any]) -> None:
    api.change(path, **values)


class _Burst:
    """All keys' next bars at once, again and again."""

    def __init__(self, server: NatsServer, bot: LiveBot, bars: dict[str, list[Bar]]) -> None:
        self.server = server
        self.bot = bot
        self.bars = bars
        self.done = 0

    def secs(self, before: Callable[[], object]) -> float:
        """Do something, then publish all; how long until all are analyzed."""
        events = [event_of(key, bars[self.done]) for key, bars in self.bars.items()]
        self.done += 1
        before()
        started = time.perf_counter()
        asyncio.run(_publish(self.server.url, [(event.subject, event.payload) for event in events]))
        wait_until(lambda: self.bot.counted("ta_bars_total") >= self.done * len(events), "all bars to be analyzed")
        return time.perf_counter() - started


async def _publish(url: str, messages: list[tuple[str, bytes]]) -> None:
    client = await nats.connect(url)
    for subject, payload in messages:
        await client.publish(subject, payload)
    await client.flush()
    await client.close()


def _api(folder: Path, server: NatsServer) -> AbstractContextManager[ApiServer]:
    return running_api(folder / "api", MYSQL_URI=f"sqlite:///{folder / 'history.sqlite3'}", NATS_URL=server.url)
