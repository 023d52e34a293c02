"""Signals on their way to a REST endpoint: for the tests of both sides."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import orjson

from dataflow.nats.streams import DEAD_LETTERS, SIGNALS
from dataflow.rest.forwarder import CONSUMER, RestForwarder
from strategies.signal import AppliedConfig, Signal, SignalMetadata
from tests.http_server import HttpServer
from tests.nats_server import Peer, wait_until

Publish = Callable[[list[Signal]], None]
Forwarding = Callable[..., AbstractContextManager[RestForwarder]]

SIGNAL = Signal(
    signal_id="BTCUSDT-15m-1704067200000-doji_reversal-buy",
    strategy_id="doji_reversal",
    strategy="doji_reversal",
    source="ta_bot",
    symbol="BTCUSDT",
    action="buy",
    confidence=0.7,
    strength="strong",
    price=40122.123456789,
    current_price=1e-8,
    quantity=0.001,
    stop_loss=99.0,
    take_profit=102.0,
    timeframe="15m",
    timestamp="2024-01-01T00:15:00.000Z",
    indicators={"rsi": 30.1},
    metadata=SignalMetadata("2024-01-01T00:00:00.000Z", 2.0, AppliedConfig()),
)


def signals(count: int, first: int = 0) -> list[Signal]:
    """Signals that differ in their ids."""
    return [replace(SIGNAL, signal_id=f"signal-{number}") for number in range(first, first + count)]


def ids(of: list[Signal]) -> list[str]:
    return [signal.signal_id for signal in of]


def left(peer: Peer, stream: str = SIGNALS) -> tuple[int, int]:
    """How many messages are not acknowledged, and not yet delivered."""
    info = peer.run(peer.client.jetstream().consumer_info(stream, CONSUMER))
    return info.num_ack_pending or 0, info.num_pending or 0


def wait_done(peer: Peer, *streams: str) -> None:
    """Wait until everything is acknowledged."""
    wait_until(lambda: all(left(peer, name) == (0, 0) for name in streams or (SIGNALS,)), "all to be acknowledged")


def wait_arrived(http: HttpServer, count: int = 1) -> None:
    wait_until(lambda: len(http.posted) >= count, f"{count} to arrive")


def dead_letters(peer: Peer) -> list[dict[str, Any]]:
    return [orjson.loads(message.data) for message in peer.stored(DEAD_LETTERS)]
