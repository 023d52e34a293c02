"""The whole flow over a real server: the signals of an uninterrupted run, each once, whatever is killed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path
from random import Random

import orjson
import pytest

from dataflow.market import SYNTHETIC_SYMBOLS, synthetic_bars
from dataflow.nats.connection import Connection
from dataflow.nats.streams import ALERTS, DEAD_LETTERS, SIGNALS, Streams
from operators.analyzer import KeyAnalyzer
from state.bar import Bar
from strategies.configuration import configuration_of
from tests.live_bot import LiveBot, live_bot
from tests.nats_server import NatsServer, Peer, wait_until

DAYS = 30
BAD_EVERY = 500


@lru_cache
def expected() -> dict[str, bytes]:
    """The signals, alerts included, of an uninterrupted run, by id."""
    signals = {}
    for symbol in SYNTHETIC_SYMBOLS:
        analyzer = KeyAnalyzer(f"{symbol}|15m", configuration_of())
        for bar in synthetic_bars(symbol, days=DAYS):
            signals.update({made.signal_id: made.to_json() for made in analyzer.on_bar(bar)})
    return signals


def message_of(symbol: str, bar: Bar) -> tuple[str, bytes]:
    """A bar as it arrives: each symbol in another shape."""
    open_time_ms, open_, high, low, close, volume = bar
    if symbol == "SYNTHAUSDT":
        candle = {"timestamp": open_time_ms, "open": open_, "high": high, "low": low, "close": close, "volume": volume}
        batch = {"symbol": symbol, "period": "15m", "candles": [candle]}
        return f"ta.klines.{symbol}.15m", orjson.dumps(batch)
    fields = {name: str(value) for name, value in zip("ohlcv", bar[1:], strict=True)}
    event = {"e": "kline", "s": symbol, "k": {"t": open_time_ms, "s": symbol, "i": "15m", "x": True, **fields}}
    if symbol == "SYNTHBUSDT":
        return "binance.websocket.data", orjson.dumps({"stream": f"{symbol.lower()}@kline_15m", "data": event})
    return "binance.websocket.data", orjson.dumps(event)


def messages() -> list[tuple[str, bytes]]:
    """All bars in the order of time, with something unusable now and then."""
    bars = [[message_of(symbol, bar) for bar in synthetic_bars(symbol, days=DAYS)] for symbol in SYNTHETIC_SYMBOLS]
    mixed = [message for at_once in zip_longest(*bars) for message in at_once]
    for place in range(0, len(mixed), BAD_EVERY):
        mixed.insert(place, ("binance.websocket.data", b"bad %d" % place))
    return mixed


@pytest.fixture
def flow(server: NatsServer, connection: Connection, streams: Streams, tmp_path: Path) -> Iterator[LiveBot]:
    assert streams.check(60)
    connection.close()
    with live_bot(server.url, tmp_path) as bot:
        yield bot


def wait_for_signals(peer: Peer, share: float) -> None:
    """Wait until so many of all signals are stored."""
    wanted = share * len(expected())

    def are_stored() -> bool:
        return peer.stream(SIGNALS).state.messages + peer.stream(ALERTS).state.messages >= wanted

    wait_until(are_stored, f"{share:.0%} of the signals")


def check_all(peer: Peer) -> None:
    found = [*peer.stored(SIGNALS), *peer.stored(ALERTS)]
    assert {one.headers["Nats-Msg-Id"]: one.data for one in found} == expected()
    assert len(found) == len(expected())
    letters = [orjson.loads(one.data) for one in peer.stored(DEAD_LETTERS)]
    assert [letter["payload"] for letter in letters] == [
        payload.decode() for _, payload in messages() if payload[:3] == b"bad"
    ]


def test_live_signals_are_those_of_the_analyzer(flow: LiveBot, peer: Peer) -> None:
    heard = [peer.listen("signals.trading"), peer.listen("signals.alerts")]
    flow.start()
    peer.publish(messages())
    wait_for_signals(peer, 1.0)
    assert flow.end(signal.SIGTERM) == 0
    check_all(peer)
    wait_until(lambda: len(heard[0]) + len(heard[1]) >= len(expected()), "the last one to be heard")
    assert sorted([*heard[0], *heard[1]]) == sorted(expected().values())


def test_a_flow_that_is_killed_goes_on_without_loss_or_repeat(flow: LiveBot, peer: Peer) -> None:
    heard = [peer.listen("signals.trading"), peer.listen("signals.alerts")]
    peer.publish(messages())
    flow.start()
    for share in sorted(Random(11).random() for _ in range(4)):
        wait_for_signals(peer, share)
        flow.end(signal.SIGKILL)
        flow.start()
    wait_for_signals(peer, 1.0)
    assert flow.end(signal.SIGTERM) == 0
    check_all(peer)
    wait_until(lambda: len(heard[0]) + len(heard[1]) >= len(expected()), "the last one to be heard")
    assert sorted([*heard[0], *heard[1]]) == sorted(expected().values())


def test_a_server_that_is_killed_holds_the_flow_back(flow: LiveBot, server: NatsServer, peer: Peer) -> None:
    peer.publish(messages())
    flow.start()
    for share in (0.2, 0.5, 0.8):
        wait_for_signals(peer, share)
        server.restart()
        peer.wait_back()
    wait_for_signals(peer, 1.0)
    assert flow.end(signal.SIGTERM) == 0
    check_all(peer)


def test_stopping_while_the_server_is_away(flow: LiveBot, server: NatsServer, peer: Peer) -> None:
    peer.publish(messages())
    flow.start()
    wait_for_signals(peer, 0.3)
    server.kill()
    assert flow.end(signal.SIGTERM) == 0
    server.start()
    peer.wait_back()
    flow.start()
    wait_for_signals(peer, 1.0)
    assert flow.end(signal.SIGTERM) == 0
    check_all(peer)
