"""Reading streams that others made: the last of what they hold, and then what is added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dataflow.nats.connection import Connection
from dataflow.nats.errors import TryAgain
from dataflow.nats.reader import Positions, StreamReader
from dataflow.nats.reading import Reading
from dataflow.nats.streams import Captured, Streams, StreamSettings

Filters = Mapping[str, tuple[str, ...]]
"""By stream the subjects to read of it; all where there are none."""


class TailReading(Reading):
    """Reads, of each stream, the last `most` messages, then those that follow.

    Nothing is created: a stream that is not there is waited for.
    """

    def __init__(self, connection: Connection, what: str, most: int) -> None:
        self.what = what
        self.most = most
        super().__init__(connection, Streams(connection, StreamSettings(), outputs=(), klines=False), {})

    async def filters(self) -> Filters:
        """What to read, now that NATS is there.

        Raises:
            TryAgain: it is not there yet.
        """
        raise NotImplementedError

    async def readers(self, captured: tuple[Captured, ...], positions: Positions) -> list[StreamReader]:
        """A reader of each stream."""
        wanted = await self.filters()
        for stream in wanted:
            if stream not in positions:
                info = await self.connection.ask(f"STREAM.INFO.{stream}")
                positions[stream] = (info["created"], max(1, info["state"]["last_seq"] - self.most + 1))
        return [StreamReader(self.connection, stream, of, self.buffer, positions) for stream, of in wanted.items()]


class OutputTail(TailReading):
    """Reads streams by name."""

    def __init__(self, connection: Connection, what: str, most: int, filters: Filters) -> None:
        self._filters = filters
        super().__init__(connection, what, most)

    async def filters(self) -> Filters:
        """Those that were named."""
        return self._filters


class KlinesTail(TailReading):
    """Reads whichever streams capture the subjects that klines arrive on."""

    def __init__(self, connection: Connection, most: int, subjects: Sequence[str]) -> None:
        self._subjects = subjects
        super().__init__(connection, "klines", most)

    async def filters(self) -> Filters:
        """The streams that capture them; what else these hold is read, too, and is told apart by its content."""
        streams: set[str] = set()
        for subject in self._subjects:
            found = (await self.connection.ask("STREAM.NAMES", {"subject": subject})).get("streams") or []
            if not found:
                raise TryAgain(f"no stream captures {subject}: has the bot run?")
            streams.update(found)
        return dict.fromkeys(sorted(streams), ())
