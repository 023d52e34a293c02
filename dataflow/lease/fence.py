"""A fence in the streams: what an instance publishes after another has become active, NATS refuses.

Whoever becomes active writes its token into the streams themselves, on a subject of the lease, and publishes each
message with the sequence of that write as the last one it knows of there. The server compares the two when it stores
the message (https://github.com/nats-io/nats-server/pull/5281), so there is no moment between looking and publishing.
"""

from __future__ import annotations

import orjson

from dataflow.lease import counts
from dataflow.lease.last import WRONG_LAST_SEQUENCE, last_on, put_after
from dataflow.lease.lease import Lease
from dataflow.nats.errors import AskOperator, StandBy, TryAgain
from dataflow.nats.streams import FENCED, fence_subject

_ATTEMPTS = 5


class Fence:
    """Stands in each stream of signals for the term that was written there last."""

    def __init__(self, lease: Lease) -> None:
        self.lease = lease
        self.token = 0
        """Of the term that it stands for."""
        self._places: dict[str, tuple[str, int]] = {}
        self._doubted = False
        self.one_by_one = False
        """Whether messages must be published one after the other: replicated streams check only then."""

    @property
    def stands(self) -> bool:
        """Whether it stands for this process's term, which has not ended."""
        return self.lease.is_held and self.token == self.lease.token

    async def pass_through(self) -> None:
        """Make sure that it stands, before something is published.

        Raises:
            StandBy: the term has ended.
            TryAgain: NATS did not answer.
        """
        if self._doubted and self.stands:
            await self.put_up()
        if not self.stands:
            raise StandBy(f"lease {self.lease.name} is not held")

    def headers(self, subject: str) -> dict[str, str]:
        """What a message on this subject is published with."""
        place = self._places.get(subject.split(".", 2)[1])
        if place is None:
            return {}
        fence, seq = place
        return {"Nats-Expected-Last-Subject-Sequence-Subject": fence, "Nats-Expected-Last-Subject-Sequence": str(seq)}

    def doubt(self) -> None:
        """The server refused a message because of it: another one's stands there, or it was lost with old messages."""
        self._doubted = True
        counts.FENCED.inc()

    async def put_up(self) -> None:
        """Write it into the streams, for the current term.

        Raises:
            StandBy: the term has ended.
            TryAgain: NATS did not answer.
        """
        token = self.lease.token
        for stream in FENCED:
            self._places[stream.lower()] = await self._write(stream)
        infos = [await self.lease.connection.ask(f"STREAM.INFO.{stream}") for stream in FENCED]
        self.one_by_one = any(info["config"]["num_replicas"] > 1 for info in infos)
        self.token, self._doubted = token, False

    async def _write(self, stream: str) -> tuple[str, int]:
        """Write it into one stream; its subject and sequence there.

        The lease is renewed after what is there was read: if another took it before that, the renewal fails; if
        another did after it, and has written already, writing fails.
        """
        subject = fence_subject(stream, self.lease.name)
        content = orjson.dumps({"token": self.lease.token, "holder": self.lease.options.holder})
        for _ in range(_ATTEMPTS):
            last = await last_on(self.lease.connection, stream, subject)
            await self.lease.renew()
            try:
                return subject, await put_after(self.lease.connection, last.seq, subject, content)
            except AskOperator as error:
                if error.code != WRONG_LAST_SEQUENCE:
                    raise
        raise TryAgain(f"stream {stream}: others keep changing the fence")
