"""Shows signals as they come out, to somebody who listens as other programs do."""

from __future__ import annotations

import queue
import threading
from types import TracebackType

import orjson
from nats.aio.msg import Msg
from nats.errors import Error
from rich.console import Console
from rich.text import Text

from dataflow.nats.connection import Connection, NatsOptions
from dataflow.recorded.places import printable
from dataflow.signal_text import signal_line

LATE = "signals.late"
SUBJECTS = ("signals.trading", "signals.alerts", LATE)

# Signals that wait for a terminal that is held.
HELD_SIGNALS = 10_000

LOOK_SECS = 0.1

# How long a terminal that is held may hold the end up.
END_SECS = 2.0


class SignalPrinter:
    """Prints a line per signal while entered: time, symbol, timeframe, strategy, action, confidence, and prices.

    A plain subscriber, on a connection of its own: what comes out while it is not connected is not shown. What was
    heard is printed before the context ends. When nobody reads `console` any more it goes quiet.
    """

    def __init__(self, options: NatsOptions, console: Console) -> None:
        self.console = console
        self.printed = 0
        """How many signals have been shown."""
        self.missed = 0
        """How many came while too many waited to be shown."""
        self.quiet = False
        """Whether nobody reads `console` any more."""
        self._connection = Connection(options)
        self._heard: queue.Queue[Msg] = queue.Queue(HELD_SIGNALS)
        self._listening, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._print, name="signals", daemon=True)

    def wait_listening(self, timeout_secs: float) -> bool:
        """Wait until nothing that comes out is missed any more; False when that took too long."""
        return self._listening.wait(timeout_secs)

    def __enter__(self) -> SignalPrinter:
        self._connection.start()
        self._listener = self._connection.submit(self._listen())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._connection.close()
        self._ending.set()
        self._thread.join(END_SECS)

    async def _listen(self) -> None:
        while True:
            client = await self._connection.client()
            generation = self._connection.generation
            try:
                for subject in SUBJECTS:
                    await client.subscribe(subject, cb=self._hear)
                await client.flush()
                self._listening.set()
            except (Error, OSError, TimeoutError):
                pass  # the client is lost, and the next one is awaited
            await self._connection.lost(generation)

    async def _hear(self, message: Msg) -> None:
        if self.quiet:
            return
        try:
            self._heard.put_nowait(message)
        except queue.Full:
            self.missed += 1

    def _print(self) -> None:
        while not (self._ending.is_set() and self._heard.empty()):
            try:
                message = self._heard.get(timeout=LOOK_SECS)
            except queue.Empty:
                continue
            try:
                self.console.print(line_of(message), soft_wrap=True, highlight=False)
            except OSError:
                self.quiet = True
                return
            self.printed += 1


def line_of(message: Msg) -> Text:
    """The line that shows a message, whatever it holds."""
    try:
        line = signal_line(orjson.loads(message.data), late=message.subject == LATE)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        return Text(f"{message.subject}: no signal ({type(error).__name__}): {printable(repr(message.data[:80]))}")
    return line
