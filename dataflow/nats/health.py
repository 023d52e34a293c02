"""How NATS is for the flow: whether it gives klines and takes signals."""

from __future__ import annotations

from collections.abc import Callable

from dataflow.finding import Finding, Part
from dataflow.nats.connection import Connection
from dataflow.nats.klines import NatsKlines
from dataflow.nats.publisher import Publisher
from dataflow.nats.streams import SIGNALS
from dataflow.watching import watch_nats


def nats_part(connection: Connection, klines: NatsKlines, publisher: Publisher, on_look: Callable[[], object]) -> Part:
    """NATS, without which the flow does nothing; `on_look` is called whenever it is looked at."""
    watch = watch_nats(connection, SIGNALS, on_look)

    def probe() -> Finding:
        trouble = connection.trouble or watch.trouble or publisher.trouble
        if trouble is None and not klines.reads:
            trouble = "the kline streams cannot be read"
        details = {
            "connected": connection.connected,
            "gives_klines": klines.reads,
            "takes_messages": not publisher.holding,
        }
        return Finding(trouble, vital=True, details=details)

    return Part(probe, watch)
