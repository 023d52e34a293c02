"""Pulling messages from a consumer: on the connection's loop, until anything about it is in doubt."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import Any, NamedTuple

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from dataflow.nats.connection import API
from dataflow.nats.errors import TryAgain

NS = 1_000_000_000

# A pull ends after this long; while it lasts the server gives a sign of life every so often.
PULL_SECS = 10.0
HEARTBEAT_SECS = 1.0
SILENCE_SECS = 3.0

# Status lines of the server within a pull.
_HEARTBEAT = "100"
_TOO_LARGE = "Message Size Exceeds MaxBytes"


class Place(NamedTuple):
    """Where a delivered message is: in the stream, in the consumer's delivery, and when (ns) it was stored."""

    seq: int
    delivered: int
    time_ns: int


def place_of(message: Msg) -> Place:
    """The place of a message that a consumer delivered."""
    tokens = message.reply.split(".")  # of a server with a domain there are two more before the stream
    return Place(int(tokens[-4]), int(tokens[-3]), int(tokens[-2]))


class Pulls:
    """Pulls from one consumer, one at a time; `take` gets each message, and raises `TryAgain` where it is wrong."""

    def __init__(self, stream: str, take: Callable[[Msg], None]) -> None:
        self.stream = stream
        self._take = take
        self._happened = asyncio.Event()
        self._came = 0
        self._outstanding = 0
        self._heard_secs = 0.0
        self._trouble = ""
        self._too_large = False
        self.has_been_idle = False
        """Whether the server has said that it has nothing more, for now."""

    @contextlib.asynccontextmanager
    async def subscribed(self, client: Client) -> AsyncIterator[str]:
        """While entered, what is pulled into the inbox that this gives arrives.

        Raises:
            TryAgain: begin anew.
        """
        inbox = client.new_inbox()
        try:
            subscription = await client.subscribe(inbox, cb=self._on_message)
            try:
                yield inbox
            finally:
                with contextlib.suppress(Error):
                    await subscription.unsubscribe()
        except (Error, OSError) as error:
            raise TryAgain(f"stream {self.stream}: {error}") from error

    async def pull(
        self, client: Client, consumer: str, inbox: str, messages: int, size_bytes: int | None = None
    ) -> bool:
        """Ask for so much, and wait until it came or the pull has ended; whether the next message is larger than that.

        Raises:
            TryAgain: begin anew.
        """
        request: dict[str, Any] = {
            "batch": messages,
            "expires": int(PULL_SECS * NS),
            "idle_heartbeat": int(HEARTBEAT_SECS * NS),
        }
        if size_bytes is not None:
            request["max_bytes"] = size_bytes
        self._outstanding, self._came, self._too_large = messages, 0, False
        self._heard_secs = monotonic()
        await client.publish(f"{API}.CONSUMER.MSG.NEXT.{self.stream}.{consumer}", orjson.dumps(request), inbox)
        while self._outstanding > 0:
            await self._wait()
        return self._too_large

    async def _wait(self) -> None:
        self._happened.clear()
        try:
            await asyncio.wait_for(self._happened.wait(), SILENCE_SECS)
        except TimeoutError as error:
            if monotonic() - self._heard_secs >= SILENCE_SECS:
                raise TryAgain(f"stream {self.stream}: the server has gone silent") from error
        if self._trouble:
            raise TryAgain(f"stream {self.stream}: {self._trouble}")

    async def _on_message(self, message: Msg) -> None:
        self._heard_secs = monotonic()
        if not self._trouble:
            if message.reply.startswith("$JS.ACK."):
                self._on_delivery(message)
            else:
                self._on_status(message.headers or {})
        if self._trouble or self._outstanding <= 0:
            self._happened.set()

    def _on_delivery(self, message: Msg) -> None:
        try:
            self._take(message)
        except TryAgain as error:
            self._trouble = str(error)
            return
        self._came += 1
        self._outstanding -= 1

    def _on_status(self, headers: dict[str, str]) -> None:
        status, text = headers.get("Status", ""), headers.get("Description", "")
        self.has_been_idle |= status in {_HEARTBEAT, "404", "408"}
        self._happened.set()
        if status == _HEARTBEAT:
            return
        if status in {"404", "408"} or (status == "409" and text == _TOO_LARGE):
            self._too_large = text == _TOO_LARGE and self._came == 0
            self._outstanding = 0
            return
        self._trouble = f"{status} {text}".strip()
