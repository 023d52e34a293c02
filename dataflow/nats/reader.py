"""Reads one stream, from a sequence on, into a buffer: on the connection's loop."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from nats.aio.msg import Msg

from dataflow.nats import counts
from dataflow.nats.buffer import Buffer, Origin, Room
from dataflow.nats.connection import Connection
from dataflow.nats.errors import TryAgain
from dataflow.nats.headers import traceparent_in
from dataflow.nats.pulls import NS, Pulls, place_of
from dataflow.nats.subjects import published_subject
from operators.live import RawMessage

log = logging.getLogger(__name__)

# A consumer that nobody pulls from is removed by the server.
CONSUMER_SECS = 60.0

# What one pull asks for, and what there must be room for before it is sent. More bytes than the largest message.
FULL_PULL = Room(1000, 8 * 2**20)
LEAST_PULL = Room(200, 2 * 2**20)

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
        self.has_consumer = False
        self._pulls: Pulls | None = None
        self._waiting = 0  # messages that were there when the consumer was made
        self._room = asyncio.Event()
        self._delivered = 0
        self._said_gone = False

    @property
    def has_caught_up(self) -> bool:
        """Whether all that was there when reading began has arrived."""
        is_idle = self._pulls is not None and self._pulls.has_been_idle  # what was there may have been purged
        return self.has_consumer and (self._delivered >= self._waiting or is_idle)

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
        self.has_consumer = True
        self._pulls = pulls = Pulls(self.stream, self._take)
        alone = False
        async with pulls.subscribed(client) as inbox:
            while True:
                room = await self._wait_for_room()
                if alone:  # nothing fitted: the next one is larger than all that a pull may bring
                    alone = await pulls.pull(client, consumer, inbox, 1)
                else:
                    alone = await pulls.pull(client, consumer, inbox, room.messages, room.size_bytes)

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
            "inactive_threshold": int(CONSUMER_SECS * NS),
        }
        if self.filters:
            config["filter_subjects"] = list(self.filters)
        body = {"stream_name": self.stream, "config": config}
        made = await self.connection.ask(f"CONSUMER.CREATE.{self.stream}", body)
        counts.CONSUMERS_MADE.inc()
        self._waiting = made["num_pending"]
        return str(made["name"])

    async def _wait_for_room(self) -> Room:
        while True:
            self._room.clear()
            room = self.buffer.room(LEAST_PULL)
            if room.messages >= LEAST_PULL.messages and room.size_bytes >= LEAST_PULL.size_bytes:
                return Room(min(room.messages, FULL_PULL.messages), min(room.size_bytes, FULL_PULL.size_bytes))
            await self._room.wait()

    def _take(self, message: Msg) -> None:
        seq, delivered, time_ns = place_of(message)
        if delivered != self._delivered + 1:
            raise TryAgain(f"message {self._delivered + 1} of the delivery is missing")
        self._delivered = delivered
        self._notice_gone(seq)
        traceparent = traceparent_in(message.headers)
        raw = RawMessage(published_subject(message.subject), seq, message.data, time_ns, self.stream, traceparent)
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
            _say_gone(self.stream, wanted, seq - 1)


def _start(origin: Origin, position: tuple[str, int] | None, state: dict[str, int]) -> int:
    """Where to begin; says so when messages that were wanted are not there any more."""
    first, last = max(1, state["first_seq"]), state["last_seq"]
    if position is None:
        return first
    created, wanted = position
    about = {"stream": origin.stream}
    if created != origin.created:
        log.warning("stream %s was made anew: reading it from its first message", origin.stream, extra=about)
        return first
    if wanted > last + 1:
        log.warning("stream %s ends at %d, before %d: going on there", origin.stream, last, wanted, extra=about)
        return last + 1
    if wanted < first:
        _say_gone(origin.stream, wanted, first - 1)
        counts.MESSAGES_GONE.inc(first - wanted)
        return first
    return wanted


def _say_gone(stream: str, first: int, last: int) -> None:
    about = {"stream": stream, "first": first, "last": last}
    log.error("stream %s: messages %d to %d were dropped before they were read", *about.values(), extra=about)
