"""Reading streams for as long as it takes, whatever fails in between."""

from __future__ import annotations

import logging
from concurrent.futures import Future

from dataflow.nats.anew import again_and_again, until_one_ends
from dataflow.nats.buffer import Arrived, Buffer, Room
from dataflow.nats.connection import Connection
from dataflow.nats.reader import Positions, StreamReader
from dataflow.nats.streams import CONFIG, Captured, Streams

log = logging.getLogger(__name__)

# When several streams are read, each of them may be one pull ahead of that.
BUFFER = Room(4000, 32 * 2**20)


class Reading:
    """Reads streams into a buffer, which whoever made it takes from: until it is closed, on the connection's thread.

    From `positions` on, anew whenever the connection or anything else fails, so that each message from there on arrives
    once, in the order of its stream. Streams without a position are read from their first message.
    """

    what = "streams"
    """What is read, for the log."""

    def __init__(self, connection: Connection, streams: Streams, positions: Positions) -> None:
        self.connection = connection
        self.streams = streams
        self.buffer = Buffer(BUFFER, self._on_room)
        self._readers: list[StreamReader] | None = None
        self._task: Future[None] = connection.submit(self._read(dict(positions)))

    @property
    def reads(self) -> bool:
        """Whether what arrives is read, as far as is known."""
        readers = self._readers
        return readers is not None and all(reader.has_consumer for reader in readers)

    @property
    def has_caught_up(self) -> bool:
        """Whether all that was there when reading began, or began anew, has arrived."""
        readers = self._readers
        return readers is not None and all(reader.has_caught_up for reader in readers)

    def take(self, most: int) -> list[Arrived]:
        """What has arrived, which may be nothing."""
        if self._task.done():  # it never is, unless it is broken
            self._task.result()
        return self.buffer.take(most)

    def close(self) -> None:
        """Stop reading."""
        self._task.cancel()

    async def readers(self, captured: tuple[Captured, ...], positions: Positions) -> list[StreamReader]:
        """Readers of what is to be read, now that NATS is there."""
        raise NotImplementedError

    def _on_room(self) -> None:
        self.connection.submit(self._tell_readers())

    async def _tell_readers(self) -> None:
        for reader in self._readers or ():
            reader.on_room()

    async def _read(self, positions: Positions) -> None:
        await again_and_again(self.streams, self.what, lambda: self._read_all(positions), lambda: dict(positions))

    async def _read_all(self, positions: Positions) -> None:
        captured = await self.streams.ready()
        generation = self.connection.generation
        self._readers = readers = await self.readers(captured, positions)
        try:
            await until_one_ends(self.connection, generation, *(reader.read() for reader in readers))
        finally:
            self._readers = None


class ConfigReading(Reading):
    """Reads the announcements of configuration."""

    what = "configuration"

    async def readers(self, captured: tuple[Captured, ...], positions: Positions) -> list[StreamReader]:
        """The reader of their stream."""
        return [StreamReader(self.connection, CONFIG, (), self.buffer, positions)]


class KlinesReading(Reading):
    """Reads one of several shards of the kline streams.

    With `from_now`, those that are there at the first connecting are read from their end.
    """

    what = "klines"

    def __init__(
        self,
        connection: Connection,
        streams: Streams,
        positions: Positions,
        *,
        shard: int = 0,
        shards: int = 1,
        from_now: bool = False,
    ) -> None:
        self.shard = shard
        self.shards = shards
        self._from_now = from_now
        super().__init__(connection, streams, positions)

    async def readers(self, captured: tuple[Captured, ...], positions: Positions) -> list[StreamReader]:
        """A reader of this shard of each stream that holds klines."""
        if self._from_now:
            await self._go_to_end(captured, positions)
            self._from_now = False
        return [reader for one in captured if (reader := self._reader(one, positions))]

    async def _go_to_end(self, captured: tuple[Captured, ...], positions: Positions) -> None:
        for one in captured:
            info = await self.connection.ask(f"STREAM.INFO.{one.stream}")
            positions[one.stream] = (info["created"], info["state"]["last_seq"] + 1)
        names = [one.stream for one in captured]
        log.info("reading what arrives from now on in %s", ", ".join(names), extra={"streams": names})

    def _reader(self, captured: Captured, positions: Positions) -> StreamReader | None:
        filters = captured.filters(self.shard, self.shards)
        if filters is None:
            return None
        if self.shards > 1 and not captured.spread and self.shard == 0:
            about = {"stream": captured.stream}
            log.info("stream %s is not spread by symbol: one shard reads all of it", captured.stream, extra=about)
        return StreamReader(self.connection, captured.stream, filters, self.buffer, positions)
