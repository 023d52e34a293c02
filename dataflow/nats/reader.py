"""Reads one stream, from a sequence on, into a buffer: on the connection's loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from time import monotonic
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from dataflow.nats import counts
from dataflow.nats.buffer import Buffer, Origin, Room
from dataflow.nats.connection import API, Connection
from dataflow.nats.errors import TryAgain
from dataflow.nats.subjects import published_subject
from operators.live import RawMessage

log = logging.getLogger(__name__)

_NS = 1_000_000_000

# A pull ends after this long; while it lasts the server gives a sign of life every so often.
PULL_SECS = 10.0
HEARTBEAT_SECS = 1.0
SILENCE_SECS = 3.0

# A consumer that nobody pulls from is removed by the server.
CONSUMER_SECS = 60.0

# What one pull asks for, and what there must be room for before it is sent. More bytes than the largest message.
FULL_PULL = Room(1000, 8 * 2**20)
LEAST_PULL = Room(200, 2 * 2**20)

# Status lines of the server within a pull.
_HEARTBEAT = "100"
_TOO_LARGE = "Message Size Exceeds MaxBytes"

Positions = dict[str, tuple[str, int]]
"""By stream: when it was created, and the sequence to go on from."""


class StreamReader:
    """One ephemeral consumer's life: made at the wanted sequence, used until anything about it is in doubt.

    Acknowledgements are not needed, the position is the flow's own. The order of delivery is checked, so that a
    message that was lost on its way is noticed and read again.
    """

    def __init__(
        self,
        connection: Connection,
        stream: str,
        filters: tuple[str, ...],
        buffer: Buffer,
        positions: Positions,
    ) -> None:
        self.connection = connection
        self.stream = stream
        self.filters = filters
        self.buffer = buffer
        self.positions = positions
        self.origin = Origin(stream, "")
        self._room = asyncio.Event()
        self._happened = asyncio.Event()
        self._delivered = 0
        self._delivered_before = 0
        self._outstanding = 0
        self._heard_secs = 0.0
        self._said_gone = False
        self._trouble = ""
        self._too_large = False

    def on_room(self) -> None:
        """There is room in the buffer again."""
        self._room.set()

    async def read(self) -> None:
        """Read until it fails.

        Raises:
            TryAgain: begin anew.
        """
        client = await self.connection.client()
        consumer = await self._consumer()
        inbox = client.new_inbox()
        try:
            subscription = await client.subscribe(inbox, cb=self._on_message)
            try:
                while True:
                    await self._pull(client, consumer, inbox)
            finally:
                with contextlib.suppress(Error):
                    await subscription.unsubscribe()
        except (Error, OSError) as error:
            raise TryAgain(f"stream {self.stream}: {error}") from error

    async def _consumer(self) -> str:
        info = await self.connection.ask(f"STREAM.INFO.{self.stream}")
        self.origin = Origin(self.stream, info["created"])
        start = _start(self.origin, self.positions.get(self.stream), info["state"])
        self.positions[self.stream] = (self.origin.created, start)
        config: dict[str, Any] = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": start,
            "ack_policy": "none",
            "mem_storage": True,
            "num_replicas": 1,
            "inactive_threshold": int(CONSUMER_SECS * _NS),
        }
        if self.filters:
            config["filter_subjects"] = list(self.filters)
        body = {"stream_name": self.stream, "config": config}
        made = await self.connection.ask(f"CONSUMER.CREATE.{self.stream}", body)
        counts.CONSUMERS_MADE.inc()
        return str(made["name"])

    async def _pull(self, client: Client, consumer: str, inbox: str) -> None:
        room = await self._wait_for_room()
        self._outstanding = 1 if self._too_large else room.messages
        request = {
            "batch": self._outstanding,
            "expires": int(PULL_SECS * _NS),
            "idle_heartbeat": int(HEARTBEAT_SECS * _NS),
        }
        if not self._too_large:
            request["max_bytes"] = room.size_bytes
        self._too_large, self._delivered_before = False, self._delivered
        self._heard_secs = monotonic()
        await client.publish(f"{API}.CONSUMER.MSG.NEXT.{self.stream}.{consumer}", orjson.dumps(request), inbox)
        while self._outstanding > 0:
            self._happened.clear()
            try:
                await asyncio.wait_for(self._happened.wait(), SILENCE_SECS)
            except TimeoutError as error:
                if monotonic() - self._heard_secs >= SILENCE_SECS:
                    raise TryAgain(f"stream {self.stream}: the server has gone silent") from error
            if self._trouble:
                raise TryAgain(f"stream {self.stream}: {self._trouble}")

    async def _wait_for_room(self) -> Room:
        while True:
            self._room.clear()
            room = self.buffer.room(LEAST_PULL)
            if room.messages >= LEAST_PULL.messages and room.size_bytes >= LEAST_PULL.size_bytes:
                return Room(min(room.messages, FULL_PULL.messages), min(room.size_bytes, FULL_PULL.size_bytes))
            await self._room.wait()

    async def _on_message(self, message: Msg) -> None:
        self._heard_secs = monotonic()
        if not self._trouble:
            self._take(message)
        if self._trouble or self._outstanding <= 0:
            self._happened.set()

    def _take(self, message: Msg) -> None:
        if not message.reply.startswith("$JS.ACK."):
            self._on_status(message.headers or {})
            return
        tokens = message.reply.split(".")  # of a server with a domain there are two more before the stream
        seq, delivered, time_ns = int(tokens[-4]), int(tokens[-3]), int(tokens[-2])
        if delivered != self._delivered + 1:
            self._trouble = f"message {self._delivered + 1} of the delivery is missing"
            return
        self._delivered = delivered
        self._outstanding -= 1
        self._notice_gone(seq)
        raw = RawMessage(published_subject(message.subject), seq, message.data, time_ns, self.stream)
        self.buffer.put((self.origin, raw))
        self.positions[self.stream] = (self.origin.created, seq + 1)
        counts.MESSAGES_READ.inc()

    def _notice_gone(self, seq: int) -> None:
        """Count what the stream dropped while it was read, where nothing is filtered out."""
        wanted = self.positions[self.stream][1]
        if self.filters or seq == wanted:
            return
        counts.MESSAGES_GONE.inc(seq - wanted)
        if not self._said_gone:
            self._said_gone = True
            log.error("stream %s: messages %d to %d were dropped before they were read", self.stream, wanted, seq - 1)

    def _on_status(self, headers: dict[str, str]) -> None:
        status, text = headers.get("Status", ""), headers.get("Description", "")
        self._happened.set()
        if status == _HEARTBEAT:
            return
        if status in {"404", "408"} or (status == "409" and text == _TOO_LARGE):
            # Nothing fits: the next one is larger than all that a pull may bring, and is asked for alone.
            self._too_large = text == _TOO_LARGE and self._delivered == self._delivered_before
            self._outstanding = 0
            return
        self._trouble = f"{status} {text}".strip()


def _start(origin: Origin, position: tuple[str, int] | None, state: dict[str, int]) -> int:
    """Where to begin; says so when messages that were wanted are not there any more."""
    first, last = max(1, state["first_seq"]), state["last_seq"]
    if position is None:
        return first
    created, wanted = position
    if created != origin.created:
        log.warning("stream %s was made anew: reading it from its first message", origin.stream)
        return first
    if wanted > last + 1:
        log.warning("stream %s ends at %d, before %d: going on there", origin.stream, last, wanted)
        return last + 1
    if wanted < first:
        log.error("stream %s: messages %d to %d were dropped before they were read", origin.stream, wanted, first - 1)
        counts.MESSAGES_GONE.inc(first - wanted)
        return first
    return wanted
