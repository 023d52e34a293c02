"""One trace from the producer's kline to the signal's consumers, one from a request to the configuration applied."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from dataflow.nats.streams import SIGNALS
from tests.api_server import running_api
from tests.collector import Span, running_collector
from tests.http_server import Posted, running_http_server
from tests.live.conftest import MakeBot
from tests.live.market import KeyedBar, Market, as_event, place_of
from tests.live.outputs import ID, Outputs
from tests.live_bot import live_bot
from tests.nats_server import Peer, Stored, free_port, peer_of, running_server, wait_until

MARKET = Market(("BTCUSDT", "ETHUSDT"), ("1h",), days=15)
TRACED_KEY = "BTCUSDT|1h"
"""The key whose producer traces what it publishes."""

PROCESSES = 2

CALLER = "00-000000000000000000000000000ca11e-00000000000ca11e-01"

ROOT = Path(__file__).resolve().parents[2]


def bars() -> list[KeyedBar]:
    return MARKET.bars()


def producers_trace(number: int) -> str:
    return f"{0xABCDEF0000000000 + number:032x}"


class Story(NamedTuple):
    """What came of some bars, whose producer's traces are by their places, and of one change of the configuration."""

    traces: dict[str, str]
    signals: list[Stored]
    posted: list[Posted]
    announced: Stored
    spans: list[Span]

    def named(self, name: str) -> list[Span]:
        return named(name, self.spans)


def named(name: str, spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.name == name]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("traces")
    with (
        running_server(folder / "nats") as server,
        peer_of(server) as peer,
        running_collector() as collector,
        running_http_server() as engine,
    ):
        settings = {**collector.settings(), "OTEL_BSP_MAX_QUEUE_SIZE": "16384"}
        shared = {"MYSQL_URI": f"sqlite:///{folder / 'history.sqlite3'}"}
        cluster = ("--processes", str(PROCESSES))  # bars are read in one process, and analyzed in both
        with live_bot(server.url, folder, *cluster, API_ENDPOINT=engine.url, **settings, **shared) as bot:
            bot.start()
            bot.wait_ready()
            outputs = Outputs(peer)
            traces = publish(peer, bars())
            outputs.wait_for(len(MARKET.signals()))
            outputs.check(MARKET.signals())
            with running_api(folder / "api", NATS_URL=server.url, **settings, **shared) as api:
                api.client.headers["traceparent"] = CALLER
                wait_until(lambda: "NATS is connected" in api.said(), "the sidecar to have NATS")
                api.change("momentum_pulse/config/BTCUSDT", rsi_period=10)
            wait_until(lambda: len(named("config applied", collector.spans())) == PROCESSES, "it to be applied")
            wait_until(lambda: len(engine.posted) >= len(MARKET.signals()), "the engine to have all")
            assert bot.end() == 0
        bot.check_log()
        yield Story(traces, peer.stored(SIGNALS), engine.posted, peer.stored("CONFIG")[-1], collector.spans())


def publish(peer: Peer, some: list[KeyedBar]) -> dict[str, str]:
    """Publish bars, those of one key with the producer's trace; these traces, by the bars' places."""
    traces: dict[str, str] = {}

    async def send() -> None:
        for number, one in enumerate(some):
            headers = None
            if one.key == TRACED_KEY:
                traces[one.place] = producers_trace(number)
                # As clients write it that make header names uniform.
                headers = {"Traceparent": f"00-{traces[one.place]}-00000000000000aa-01"}
            await peer.client.publish(*as_event(one), headers=headers)
        await peer.client.flush(60)

    peer.run(send())
    return traces


def test_a_signal_continues_the_trace_of_its_bars_producer(story: Story) -> None:
    of_traced = [one for one in story.signals if place_of(one.headers[ID]) in story.traces]
    assert len(of_traced) > 10
    spans = {span.id: span for span in story.spans}
    for one in of_traced:
        trace, span_id = one.headers["traceparent"].split("-")[1:3]
        assert trace == story.traces[place_of(one.headers[ID])]
        signal = spans[span_id]
        analyze = spans[signal.parent]
        bar = spans[analyze.parent]
        assert [span.name for span in (bar, analyze, signal)] == ["bar", "analyze", "signal"]
        assert {span.trace for span in (bar, analyze, signal)} == {trace}
        assert bar.parent == "00000000000000aa"
        assert (signal.service, signal.attributes["signal.id"]) == ("ta-bot", one.headers[ID])
        assert (bar.attributes["symbol"], bar.attributes["timeframe"]) == ("BTCUSDT", "1h")
        assert bar.attributes["messaging.nats.stream"] == "KLINES"
        assert bar.attributes["bar.open_time"] == orjson.loads(one.data)["metadata"]["bar_open_time"]


def test_every_bar_has_a_span_and_begins_a_trace_where_its_producer_does_not(story: Story) -> None:
    of_bars = story.named("bar")
    assert len(of_bars) == len(bars())
    own = [span for span in of_bars if span.attributes["symbol"] == "ETHUSDT"]
    assert not any(span.parent for span in own)
    assert len({span.trace for span in own}) == len(own) > 0
    analyzed = {span.trace for span in story.named("analyze")}
    assert {span.trace for span in of_bars} <= analyzed
    of_own = [one for one in story.signals if place_of(one.headers[ID]) not in story.traces]
    assert of_own
    assert {one.headers["traceparent"].split("-")[1] for one in of_own} <= {span.trace for span in own}


def test_a_posted_signal_continues_its_trace(story: Story) -> None:
    of_signals = {span.attributes["signal.id"]: span for span in story.named("signal")}
    posts = {span.id: span for span in story.named("post")}
    assert {posted.key for posted in story.posted} == of_signals.keys()
    for posted in story.posted:
        trace, span_id = posted.headers["traceparent"].split("-")[1:3]
        assert trace == of_signals[posted.key].trace
        assert posts[span_id].parent == of_signals[posted.key].id


def test_a_change_is_one_trace_from_the_caller_to_where_it_is_applied(story: Story) -> None:
    applied, other = story.named("config applied")
    assert (other.trace, other.parent) == (applied.trace, applied.parent)
    spans = {span.id: span for span in story.spans}
    announce = spans[applied.parent]
    write = spans[announce.parent]
    request = spans[write.parent]
    assert [span.name for span in (announce, write)] == ["announce", "store write"]
    assert request.name == "POST /api/v1/strategies/{strategy_id}/config/{symbol}"
    assert request.parent == CALLER.split("-")[2]
    assert {span.trace for span in (applied, announce, write, request)} == {CALLER.split("-")[1]}
    assert [span.service for span in (applied, announce, request)] == ["ta-bot", "ta-bot-api", "ta-bot-api"]
    assert story.announced.headers["traceparent"].split("-")[1:3] == [applied.trace, announce.id]


def test_a_collector_that_is_away_costs_no_signal_and_one_line(make_bot: MakeBot, peer: Peer, outputs: Outputs) -> None:
    bot = make_bot(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://eve:marker-pass@127.0.0.1:1",
        OTEL_BSP_SCHEDULE_DELAY="10",
        OTEL_BSP_MAX_QUEUE_SIZE="64",
        OTEL_BSP_MAX_EXPORT_BATCH_SIZE="8",
        LOG_FORMAT="json",
    )
    bot.start()
    bot.wait_ready()
    publish(peer, bars())
    outputs.wait_for(len(MARKET.signals()))
    outputs.check(MARKET.signals())
    assert bot.end() == 0
    events = [orjson.loads(line) for line in bot.said().splitlines()]
    stored = {event["signal_id"] for event in events if "signal_id" in event}
    assert stored == MARKET.signals().keys()
    complaints = [event["event"] for event in events if event["event"].startswith("traces: ")]
    assert len(complaints) == len({text.split("127.0.0.1")[0] for text in complaints}) > 0
    assert "marker-pass" not in bot.said()


OFF = """
import sys, threading, time
from prometheus_client import REGISTRY
from dataflow.live.run import LiveJob, run_live
from dataflow.live.settings import settings_of
from dataflow.logs import log_to_stderr
from dataflow.stopping import Stop
from strategies.resolution import NOTHING_PINNED

def watch():
    while not (REGISTRY.get_sample_value("ta_bars_total") or 0.0):
        time.sleep(0.01)
    stop.request()

log_to_stderr()
stop = Stop()
threading.Thread(target=watch, daemon=True).start()
run_live(LiveJob(settings_of(), NOTHING_PINNED), 1, stop)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"opentelemetry", "structlog", "bytewax"}))
"""


def test_a_flow_that_is_not_traced_imports_nothing_for_it(peer: Peer, tmp_path: Path) -> None:
    peer.add_stream("KLINES", "binance.websocket.data", "binance.extraction.>", "ta.klines.>", max_age=3600)
    publish(peer, bars()[:3])
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "PYTHONPATH": str(ROOT),
        "NATS_URL": peer.url,
        "HEALTH_PORT": str(free_port()),
        "SUPPORTED_SYMBOLS": "*",
        "SUPPORTED_TIMEFRAMES": "*",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
        "OTEL_SDK_DISABLED": "true",
    }
    ended = subprocess.run(
        [sys.executable, "-c", OFF],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=60,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "['bytewax']", ended.stderr
