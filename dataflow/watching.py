"""What every program of ours watches: the stores that it uses, and NATS."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import TimeoutError as WaitedTooLong

from prometheus_client import Gauge

from dataflow.nats import counts
from dataflow.nats.connection import Connection
from dataflow.nats.errors import AskOperator, TryAgain
from state.configs.stores import ConfigStores
from state.errors import RetryLater
from state.watch import PATIENCE_SECS, Watch

STORE_UP = Gauge("ta_store_up", "1 while a store answers, which is asked every 2 seconds", ["store"])


def watch_store(name: str, check: Callable[[], None]) -> Watch:
    """Watches a store of any kind."""
    watch = Watch(name, check)
    STORE_UP.labels(name).set_function(lambda: float(watch.trouble is None))
    return watch


def watch_stores(stores: ConfigStores) -> dict[str, Watch]:
    """Watches the stores of the configuration, by their kind."""
    return {kind: watch_store(kind, check) for kind, check in stores.checks().items()}


def watch_nats(connection: Connection, stream: str, on_look: Callable[[], object] = lambda: None) -> Watch:
    """Watches whether JetStream answers when it is asked of a stream, whether or not there is one yet.

    A server that hangs keeps its connections open: that they are says little.
    """

    def check() -> None:
        on_look()
        _ask(connection, stream)

    watch = Watch("nats", check)
    counts.UP.set_function(lambda: float(watch.trouble is None))
    return watch


def _ask(connection: Connection, stream: str) -> None:
    if not connection.connected:
        raise RetryLater(connection.trouble or "not connected")
    asked = connection.submit(connection.ask(f"STREAM.INFO.{stream}"))
    try:
        asked.result(PATIENCE_SECS)
    except WaitedTooLong as error:
        asked.cancel()
        raise RetryLater("no answer") from error
    except AskOperator:
        return  # an answer all the same; what it means is told by who uses the stream
    except TryAgain as error:
        raise RetryLater(str(error)) from error
