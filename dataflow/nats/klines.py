"""The live source: kline messages from JetStream."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import TypedDict

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflow.nats.anew import again_and_again, until_one_ends
from dataflow.nats.buffer import Buffer, Room
from dataflow.nats.connection import Connection
from dataflow.nats.reader import Positions, StreamReader
from dataflow.nats.streams import Captured, Streams
from dataflow.stopping import Stop
from operators.live import RawMessage
from state.errors import StopProgram

log = logging.getLogger(__name__)

# Fixed for ever: Bytewax cannot resume when a partition that has a snapshot is not listed any more.
PARTITIONS = 16

BATCH = 500

# Of each partition. When it reads several streams, each of them may be one pull ahead of that.
BUFFER = Room(4000, 32 * 2**20)

IDLE = timedelta(milliseconds=1)


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
    bars that they know. Without a snapshot reading begins at the first message that the streams hold.
    """

    def __init__(self, connection: Connection, streams: Streams, stop: Stop, shards: int = 1) -> None:
        if not 1 <= shards <= PARTITIONS:
            raise StopProgram(f"shards: expected 1 to {PARTITIONS}, got {shards}")
        self.connection = connection
        self.streams = streams
        self.stop = stop
        self.shards = shards

    def list_parts(self) -> list[str]:
        """All there can be; those that are not used end at once."""
        return [f"{part:02}" for part in range(PARTITIONS)]

    def build_part(self, step_id: str, for_part: str, resume_state: Position | None) -> KlinesPartition:
        """A partition that goes on where its snapshot was taken."""
        return KlinesPartition(self, int(for_part), resume_state)


class KlinesPartition(StatefulSourcePartition[RawMessage, Position]):
    """One shard. Reading happens on the connection's thread, into a buffer; this side only takes from it."""

    def __init__(self, source: NatsKlines, shard: int, position: Position | None) -> None:
        self.source = source
        self.shard = shard
        known = position["streams"] if position and position["shards"] == source.shards else {}
        self.taken: Positions = {name: (created, seq) for name, (created, seq) in known.items()}
        self.buffer = Buffer(BUFFER, self._on_room)
        self._idle = False
        self._readers: list[StreamReader] = []
        self._reading: Future[None] | None = None
        if shard < source.shards:
            self._reading = source.connection.submit(self._read(dict(self.taken)))

    def next_batch(self) -> Iterable[RawMessage]:
        """What has arrived, which may be nothing."""
        if self.source.stop.requested or self._reading is None:
            raise StopIteration
        if self._reading.done():  # it never is, unless it is broken
            self._reading.result()
        arrived = self.buffer.take(BATCH)
        self._idle = not arrived
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
            self._reading.cancel()

    def _on_room(self) -> None:
        self.source.connection.submit(self._tell_readers())

    async def _tell_readers(self) -> None:
        for reader in self._readers:
            reader.on_room()

    async def _read(self, positions: Positions) -> None:
        await again_and_again(self.source.streams, "klines", lambda: self._read_all(positions), lambda: dict(positions))

    async def _read_all(self, positions: Positions) -> None:
        captured = await self.source.streams.ready()
        generation = self.source.connection.generation
        self._readers = [reader for one in captured if (reader := self._reader(one, positions))]
        await until_one_ends(self.source.connection, generation, *(reader.read() for reader in self._readers))

    def _reader(self, captured: Captured, positions: Positions) -> StreamReader | None:
        filters = captured.filters(self.shard, self.source.shards)
        if filters is None:
            return None
        if self.source.shards > 1 and not captured.spread and self.shard == 0:
            log.info("stream %s is not spread by symbol: one shard reads all of it", captured.stream)
        return StreamReader(self.source.connection, captured.stream, filters, self.buffer, positions)
