"""A whole market and the bot beside it, in one process that needs nothing installed but itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import REGISTRY
from rich.console import Console

from dataflow.api.serving import serving
from dataflow.api.settings import api_settings_of
from dataflow.live.run import LiveJob, run_live
from dataflow.live.settings import settings_of
from dataflow.local.feeder import Feeder
from dataflow.local.printer import SignalPrinter
from dataflow.local.series import Series, moments, split_history
from dataflow.local.server import LocalServer
from dataflow.nats.connection import Connection
from dataflow.nats.publisher import Publisher
from dataflow.nats.streams import Streams
from dataflow.stopping import Stop
from operators.times import format_time
from state.errors import RetryLater, StopProgram
from state.klines import KlineStore
from strategies.resolution import Pinned

# How long the printer may take to listen, and how long the flow may be silent once all bars are fed.
PATIENCE_SECS = 10.0

_LOOK_SECS = 0.05


@dataclass(frozen=True)
class Market:
    """What is fed, how fast, and where everything is kept."""

    series: Series
    speed: float
    folder: Path
    warm_up_bars: int
    health_port: int
    api_port: int | None = None
    """None for the configured one."""


def run_dev(market: Market, pinned: Pinned, console: Console) -> None:
    """Run until all bars are analyzed, or until SIGTERM or SIGINT.

    Raises:
        StopProgram: something is not usable.
    """
    history_uri = f"sqlite:///{market.folder.resolve() / 'history.sqlite3'}"
    rest = _write_history(market, history_uri, console)
    with LocalServer(market.folder / "nats") as server:
        settings = settings_of(
            nats_url=server.url,
            mysql_uri=history_uri,
            supported_symbols=",".join(sorted({key.partition("|")[0] for key in rest})),
            supported_timeframes=",".join(sorted({key.partition("|")[2] for key in rest})),
            warm_up_bars=market.warm_up_bars,
            recovery_dir=market.folder / "recovery",
            health_port=market.health_port,
        )
        health_url = f"http://127.0.0.1:{market.health_port}" if market.health_port else None
        api = api_settings_of(
            nats_url=server.url, mysql_uri=history_uri, fastapi_port=market.api_port, flow_health_url=health_url
        )
        stop = Stop()
        with serving(api) as served, Connection(settings.nats_options("ta-bot feeder")) as connection:
            console.print(f"See it live, and change its configuration: {served.url}/", highlight=False, soft_wrap=True)
            publisher = Publisher(connection, Streams(connection, settings.stream_settings()), stop)
            feeder = Feeder(publisher, stop, market.speed)
            with SignalPrinter(settings.nats_options("ta-bot printer"), console) as printer:
                if not printer.wait_listening(PATIENCE_SECS):
                    raise StopProgram("the local NATS server does not answer")
                feeding = threading.Thread(target=_feed, args=(feeder, rest, stop), name="feeder", daemon=True)
                feeding.start()
                run_live(LiveJob(settings, pinned), 1, stop)
                feeding.join(PATIENCE_SECS)
            console.print(f"{feeder.bars:,} bars were fed, {printer.printed:,} signals came out.", highlight=False)


def _write_history(market: Market, uri: str, console: Console) -> Series:
    store = KlineStore(uri)
    try:
        split = split_history(market.series, store, market.warm_up_bars)
    except RetryLater as error:
        raise StopProgram(str(error)) from error
    finally:
        store.close()
    console.print(
        f"{split.history_bars:,} bars are history; from {format_time(split.moment_ms)} on, bars of {len(split.rest)}"
        f" keys arrive at {market.speed:g} times real time. Ctrl-C ends it.",
        highlight=False,
        soft_wrap=True,
    )
    return split.rest


def _feed(feeder: Feeder, rest: Series, stop: Stop) -> None:
    """Feed all bars; when the flow has analyzed them, or does nothing more, ask it to stop."""
    before = _analyzed()
    try:
        feeder.run(moments(rest))
        _wait_until(lambda: _analyzed() - before >= feeder.bars or stop.requested)
    except StopProgram as error:
        stop.fail(str(error))
    finally:
        stop.request()


def _wait_until(done: Callable[[], bool]) -> None:
    seen, deadline_secs = _analyzed(), time.monotonic() + PATIENCE_SECS
    while not done() and time.monotonic() < deadline_secs:
        time.sleep(_LOOK_SECS)
        if _analyzed() != seen:
            seen, deadline_secs = _analyzed(), time.monotonic() + PATIENCE_SECS


def _analyzed() -> float:
    """How many bars the flow of this process has dealt with."""
    return REGISTRY.get_sample_value("ta_bars_total") or 0.0
