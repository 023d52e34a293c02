"""The live source: kline messages from JetStream."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TypedDict

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflow.nats.buffer import Buffer
from dataflow.nats.connection import Connection
from dataflow.nats.reader import Positions
from dataflow.nats.reading import KlinesReading
from dataflow.nats.streams import Streams
from dataflow.stopping import Stop
from operators.live import RawMessage
from state.errors import StopProgram

# Fixed for ever: Bytewax cannot resume when a partition that has a snapshot is not listed any more.
PARTITIONS = 16

BATCH = 500

IDLE = timedelta(milliseconds=1)

# What was stored long ago comes in one go: a pause like this, while a consumer is there, means that there is no more.
QUIET_SECS = 0.5

# By how much the streams that are read together may lag behind each other.
PAST_NS = 1_000_000_000


class Position(TypedDict):
    """Of how many shards this was one, and by stream when it was created and the sequence to go on from."""

    shards: int
    streams: dict[str, tuple[str, int]]


class NatsKlines(FixedPartitionedSource[RawMessage, Position]):
    """Messages from the streams that hold klines, in `shards` partitions.

    With one shard a single partition reads everything. With several, each reads the symbols of its own of what is
    published on `ta.klines.SYMBOL.TIMEFRAME`; the first also reads everything whose subject does not name the symbol
    (`binance.websocket.data`, notices, streams of others), since splitting that would mean reading it in every
    shard. Order holds within a subject: a key should arrive on one subject.

    A message is done when the epoch it was read in has closed. After a restart, messages after the last snapshot are
    read again; when the number of shards has changed, everything that the streams still hold is, and keys drop the
    bars that they know. Without a snapshot reading begins at the first message that the streams hold. What has arrived
    waits while `are_held` says so.
    """

    def __init__(
        self,
        connection: Connection,
        streams: Streams,
        stop: Stop,
        shards: int = 1,
        are_held: Callable[[], bool] = lambda: False,
    ) -> None:
        if not 1 <= shards <= PARTITIONS:
            raise StopProgram(f"shards: expected 1 to {PARTITIONS}, got {shards}")
        self.connection = connection
        self.streams = streams
        self.stop = stop
        self.shards = shards
        self.are_held = are_held
        self.readings: list[KlinesReading] = []
        """Those of this process."""
        self.last_taken_secs = monotonic()
        self.last_taken_ns = 0

    @property
    def reads(self) -> bool:
        """Whether what arrives for this process is read, as far as is known."""
        return all(reading.reads for reading in self.readings)

    def is_past(self, stored_ns: int) -> bool:
        """Whether all that was stored before a time has been taken, as far as this process reads it."""
        if not self.readings or self.are_held() or not all(reading.has_caught_up for reading in self.readings):
            return False
        if self.last_taken_ns > stored_ns + PAST_NS:
            return True
        are_empty = all(reading.buffer.is_empty for reading in self.readings)
        return are_empty and monotonic() - self.last_taken_secs > QUIET_SECS

    def list_parts(self) -> list[str]:
        """All there can be; those that are not used end at once."""
        return [f"{part:02}" for part in range(PARTITIONS)]

    def build_part(self, step_id: str, for_part: str, resume_state: Position | None) -> KlinesPartition:
        """A partition that goes on where its snapshot was taken."""
        return KlinesPartition(self, int(for_part), resume_state)


class KlinesPartition(StatefulSourcePartition[RawMessage, Position]):
    """One shard: this side only takes from what is read on the connection's thread."""

    def __init__(self, source: NatsKlines, shard: int, position: Position | None) -> None:
        self.source = source
        known = position["streams"] if position and position["shards"] == source.shards else {}
        self.taken: Positions = {name: (created, seq) for name, (created, seq) in known.items()}
        self._idle = False
        self._reading: KlinesReading | None = None
        if shard < source.shards:
            reads = KlinesReading(source.connection, source.streams, self.taken, shard=shard, shards=source.shards)
            self._reading = reads
            source.readings.append(self._reading)

    @property
    def buffer(self) -> Buffer:
        """What has arrived and is not yet taken."""
        if self._reading is None:
            raise RuntimeError("this partition is not used")
        return self._reading.buffer

    def next_batch(self) -> Iterable[RawMessage]:
        """What has arrived, which may be nothing."""
        if self.source.stop.requested or self._reading is None:
            raise StopIteration
        arrived = [] if self.source.are_held() else self._reading.take(BATCH)
        self._idle = not arrived
        if arrived:
            self.source.last_taken_secs = monotonic()
            self.source.last_taken_ns = arrived[-1][1].time_ns
        for origin, message in arrived:
            self.taken[origin.stream] = (origin.created, message.seq + 1)
        return [message for _, message in arrived]

    def next_awake(self) -> datetime | None:
        """Soon when there was nothing: half of this is added to the delay of a message, on average."""
        return datetime.now(UTC) + IDLE if self._idle else None

    def snapshot(self) -> Position:
        """Where to go on."""
        return {"shards": self.source.shards, "streams": dict(self.taken)}

    def close(self) -> None:
        """Stop reading; what was not taken is read again."""
        if self._reading is not None:
            self._reading.close()
