"""Reading streams that others made: the last of what they hold, and then what is added."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from dataflow.nats.connection import Connection
from dataflow.nats.errors import AskOperator
from dataflow.nats.reader import Positions, StreamReader
from dataflow.nats.reading import Reading
from dataflow.nats.streams import Captured, Streams, StreamSettings

Filters = Mapping[str, tuple[str, ...]]
"""By stream the subjects to read of it; all where there are none."""


# How often is looked whether streams are there that were not.
_LOOK_SECS = 0.5

# JetStream's error code.
_NO_STREAM = 10059


class TailReading(Reading):
    """Reads, of each stream, the last `most` messages, then those that follow.

    Nothing is created: a stream that is not there is waited for.
    """

    def __init__(self, connection: Connection, what: str, most: int) -> None:
        self.what = what
        self.most = most
        super().__init__(connection, Streams(connection, StreamSettings(), outputs=(), klines=False), {})

    async def filters(self) -> Filters:
        """What to read, now that NATS is there."""
        raise NotImplementedError

    async def readers(self, captured: tuple[Captured, ...], positions: Positions) -> list[StreamReader]:
        """A reader of each stream."""
        wanted = await self.filters()
        for stream in wanted:
            if stream not in positions:
                info = await self._info(stream)
                positions[stream] = (info["created"], max(1, info["state"]["last_seq"] - self.most + 1))
        return [StreamReader(self.connection, stream, of, self.buffer, positions) for stream, of in wanted.items()]

    async def _info(self, stream: str) -> dict[str, Any]:
        """How a stream is, once it is there: a bot that is started after its sidecar makes it."""
        while True:
            try:
                return await self.connection.ask(f"STREAM.INFO.{stream}")
            except AskOperator as error:
                if error.code != _NO_STREAM:
                    raise
            await asyncio.sleep(_LOOK_SECS)


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
        found = [await self._capturing(subject) for subject in self._subjects]
        return dict.fromkeys(sorted({stream for streams in found for stream in streams}), ())

    async def _capturing(self, subject: str) -> list[str]:
        while True:
            answer = await self.connection.ask("STREAM.NAMES", {"subject": subject})
            if streams := answer.get("streams"):
                return list(streams)
            await asyncio.sleep(_LOOK_SECS)
