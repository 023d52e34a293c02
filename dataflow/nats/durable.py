"""Reads one stream for somebody who handles its messages one by one, each until it is done."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from dataflow.nats.anew import again_and_again, until_one_ends
from dataflow.nats.connection import Connection
from dataflow.nats.errors import AskOperator, TryAgain
from dataflow.nats.headers import traceparent_in
from dataflow.nats.pulls import NS, Pulls, place_of
from dataflow.nats.streams import Streams
from operators.live import RawMessage
from operators.times import format_time

log = logging.getLogger(__name__)

# Who does not say so often that a message is still worked on has died: it goes to another, or comes again.
ACK_WAIT_SECS = 10.0

# By all processes that share a consumer.
_UNACKED = 1024

_NO_CONSUMER = 10014  # JetStream's error code

_DONE, _WORKING, _NOT_DONE = b"+ACK", b"+WPI", b"-NAK"

_ACK_ATTEMPTS = 5
_ACK_PAUSE_SECS = 0.5


class Durable(NamedTuple):
    """A consumer that outlives its processes, and where it begins when there is none of this name yet."""

    name: str
    start_ms: int


class _Held:
    """A message that is being handled; the subject that says how it goes is the newest delivery's."""

    def __init__(self, message: RawMessage, reply: str) -> None:
        self.message = message
        self.reply = reply
        self.task: asyncio.Task[None] | None = None


class DurableReader:
    """Hands over each message of a stream to `handle`, at most `at_once` at a time and so many in memory.

    A message is done when `handle` has returned and the server knows. Until then it comes again: after a restart,
    to this or to another process that shares the consumer, in case of doubt twice. Order is not kept. What is
    handled when the connection is lost goes on being handled.
    """

    def __init__(
        self,
        streams: Streams,
        stream: str,
        durable: Durable,
        handle: Callable[[RawMessage], Awaitable[None]],
        at_once: int,
    ) -> None:
        self.connection: Connection = streams.connection
        self.streams = streams
        self.stream = stream
        self.durable = durable
        self.handle = handle
        self.at_once = at_once
        self._held: dict[tuple[int, int], _Held] = {}
        self._freed = asyncio.Event()
        self._came = 0

    async def read(self) -> None:
        """Read for ever; when it is cancelled, what is not done is given back."""
        try:
            await again_and_again(self.streams, f"stream {self.stream}", self._read, lambda: self._came)
        finally:
            await self._let_go()

    async def _read(self) -> None:
        await self.streams.ready()
        client, generation = await self.connection.client(), self.connection.generation
        config = await self._consumer()
        every_secs = config["ack_wait"] / NS / 3
        await until_one_ends(self.connection, generation, self._pull(client), self._keep(client, every_secs))

    async def _consumer(self) -> dict[str, Any]:
        """The consumer's settings. One that is there goes on where it is, with our settings."""
        wanted = {
            "durable_name": self.durable.name,
            "description": "Signals on their way to the REST endpoint",
            "ack_policy": "explicit",
            "ack_wait": int(ACK_WAIT_SECS * NS),
            "max_ack_pending": _UNACKED,
            "max_deliver": -1,
        }
        found = await self._found()
        if found is None:
            start = {"deliver_policy": "by_start_time", "opt_start_time": format_time(self.durable.start_ms)}
            try:
                return await self._keep_consumer({**wanted, **start})
            except AskOperator:
                found = await self._found()  # another process may have been first, and started at another time
                if found is None:
                    raise
        if found.get("deliver_subject") or found["ack_policy"] != "explicit":
            raise AskOperator(
                f"stream {self.stream}: consumer {self.durable.name} is another one's, it must be pulled from and"
                " acknowledge explicitly; remove it"
            )
        changed = {**found, **wanted}
        changed.pop("backoff", None)  # it would count instead of ack_wait
        return found if changed == found else await self._keep_consumer(changed)

    async def _found(self) -> dict[str, Any] | None:
        try:
            found = await self.connection.ask(f"CONSUMER.INFO.{self.stream}.{self.durable.name}")
        except AskOperator as error:
            if error.code == _NO_CONSUMER:
                return None
            raise
        config: dict[str, Any] = found["config"]
        return config

    async def _keep_consumer(self, config: dict[str, Any]) -> dict[str, Any]:
        body = {"stream_name": self.stream, "config": config}
        made = await self.connection.ask(f"CONSUMER.CREATE.{self.stream}.{self.durable.name}", body)
        about = {"stream": self.stream, "consumer": self.durable.name}
        log.info("stream %s: consumer %s has our settings now", *about.values(), extra=about)
        kept: dict[str, Any] = made["config"]
        return kept

    async def _pull(self, client: Client) -> None:
        pulls = Pulls(self.stream, self._take)
        async with pulls.subscribed(client) as inbox:
            while True:
                await pulls.pull(client, self.durable.name, inbox, await self._room())

    async def _room(self) -> int:
        """How many more can be handled at once, when that is any."""
        while len(self._held) >= self.at_once:
            self._freed.clear()
            await self._freed.wait()
        return self.at_once - len(self._held)

    def _take(self, message: Msg) -> None:
        place = place_of(message)
        key = (place.seq, place.time_ns)  # a stream that was made anew counts from 1 again, at another time
        self._came += 1
        held = self._held.get(key)
        if held is not None:
            held.reply = message.reply
            return
        traceparent = traceparent_in(message.headers)
        raw = RawMessage(message.subject, place.seq, message.data, place.time_ns, self.stream, traceparent)
        self._held[key] = held = _Held(raw, message.reply)
        held.task = asyncio.create_task(self._work(key, held))

    async def _work(self, key: tuple[int, int], held: _Held) -> None:
        try:
            await self.handle(held.message)
            await self._acknowledge(held)
        except Exception:
            about = held.message.place()
            log.exception("%s:%d: not handled, it comes again", *about.values(), extra=about)
        finally:
            del self._held[key]
            self._freed.set()

    async def _acknowledge(self, held: _Held) -> None:
        """Say that a message is done until the server has heard it: else it would be handled once more."""
        for _ in range(_ACK_ATTEMPTS):
            try:
                await self.connection.request(held.reply, _DONE)
            except TryAgain as error:
                about = held.message.place()
                log.debug("%s:%d: not acknowledged: %s", *about.values(), error, extra=about)
                await asyncio.sleep(_ACK_PAUSE_SECS)
            else:
                return

    async def _keep(self, client: Client, every_secs: float) -> None:
        """Say of all messages that they are still worked on."""
        while True:
            await self._say(client, _WORKING)
            await asyncio.sleep(every_secs)

    async def _say(self, client: Client, word: bytes) -> None:
        try:
            for reply in [held.reply for held in self._held.values()]:
                await client.publish(reply, word)
        except (Error, OSError) as error:
            raise TryAgain(f"stream {self.stream}: {error}") from error

    async def _let_go(self) -> None:
        """End what is being handled, and let it come again at once, to whoever is there."""
        replies = [held.reply for held in self._held.values()]
        tasks = [held.task for held in self._held.values() if held.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if not self.connection.connected:
            return
        client = await self.connection.client()
        with contextlib.suppress(Error, OSError, TimeoutError):
            for reply in replies:
                await client.publish(reply, _NOT_DONE)
            await client.flush(1)
