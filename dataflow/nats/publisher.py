"""Publishes messages so that each is stored once: the half of every sink that talks to NATS."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from typing import NamedTuple

from dataflow.nats import counts
from dataflow.nats.connection import Connection, answer_of
from dataflow.nats.errors import AskOperator, HeldBack, TryAgain
from dataflow.nats.streams import Streams
from dataflow.stopping import Stop

log = logging.getLogger(__name__)

# How many publishes are under way at once.
UNDER_WAY = 128

# How long, after a request to stop, is waited for NATS to take what there is.
GRACE_SECS = 4.0

# How often a waiting worker looks whether it is to stop.
LOOK_SECS = 0.1

_FIRST_PAUSE_SECS, _LONGEST_PAUSE_SECS = 0.05, 2.0

_ID = "Nats-Msg-Id"

# The server looks for repeats before it looks at this, so a publish with it is stored never, and tells whether the
# id is known.
_NEVER_STORED = {"Nats-Expected-Last-Msg-Id": "never"}
_WRONG_LAST_ID = 10070  # JetStream's error code for that


class Outgoing(NamedTuple):
    """A message and the id under which it is stored once; after `late_from_ms` it goes to `late_subject` instead."""

    subject: str
    message_id: str
    payload: bytes
    late_subject: str = ""
    late_from_ms: int | None = None


def wall_clock_ms() -> int:
    """Milliseconds since the Unix epoch, now."""
    return time.time_ns() // 1_000_000


class Publisher:
    """Publishes for ever: away or not, nothing is dropped, nothing is stored twice within the duplicate window."""

    def __init__(
        self, connection: Connection, streams: Streams, stop: Stop, clock_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        self.connection = connection
        self.streams = streams
        self.stop = stop
        self.clock_ms = clock_ms
        self._reason = ""
        self._holding = 0

    @property
    def holding(self) -> bool:
        """Whether something waits because NATS does not take it."""
        return self._holding > 0

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish all, and return when all are stored; waits for as long as NATS is away.

        Raises:
            HeldBack: the program is to stop, and NATS does not take them.
        """
        if messages:
            self._wait(self.connection.submit(self._publish_all(messages)), len(messages))

    def _wait(self, future: Future[None], count: int) -> None:
        deadline_secs: float | None = None
        while True:
            try:
                return future.result(LOOK_SECS)
            except WaitedTooLong:
                now_secs = time.monotonic()
            if not self.stop.requested:
                continue
            deadline_secs = deadline_secs or now_secs + GRACE_SECS
            if now_secs >= deadline_secs:
                future.cancel()
                raise HeldBack(
                    f"NATS did not take all of {count} messages ({self._reason or 'it is away'});"
                    " they are made again after a restart"
                )

    async def _publish_all(self, messages: Sequence[Outgoing]) -> None:
        if len(messages) == 1:
            await self._publish_until_stored(messages[0])
            return
        waiting = iter(messages)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(UNDER_WAY, len(messages))):
                tasks.create_task(self._publish_one_by_one(waiting))

    async def _publish_one_by_one(self, waiting: Iterator[Outgoing]) -> None:
        for message in waiting:
            await self._publish_until_stored(message)

    async def _publish_until_stored(self, message: Outgoing) -> None:
        pause_secs, held = _FIRST_PAUSE_SECS, False
        try:
            while True:
                try:
                    await self.streams.ready()
                    await self._publish_once(message)
                except TryAgain as error:
                    held = self._hold(error, held)
                else:
                    return
                await asyncio.sleep(pause_secs)
                pause_secs = min(2 * pause_secs, _LONGEST_PAUSE_SECS)
        finally:
            if held:
                self._let_go()

    async def _publish_once(self, message: Outgoing) -> None:
        subject, message_id, payload, late_subject, late_from_ms = message
        if late_from_ms is not None and self.clock_ms() >= late_from_ms:
            if await self._is_stored(subject, message_id):
                return
            subject = late_subject
        answer = answer_of(await self.connection.request(subject, payload, {_ID: message_id}), subject)
        counts.PUBLISHED.labels(answer["stream"]).inc()
        if answer.get("duplicate"):
            counts.REPEATED.labels(answer["stream"]).inc()

    async def _is_stored(self, subject: str, message_id: str) -> bool:
        """Whether a message of this id went out in time, before a restart or without our hearing of it."""
        try:
            answer = await self.connection.request(subject, b"", {_ID: message_id, **_NEVER_STORED})
            return bool(answer_of(answer, subject).get("duplicate"))
        except AskOperator as error:
            if error.code == _WRONG_LAST_ID:
                return False
            raise

    def _hold(self, error: TryAgain, held: bool) -> bool:
        counts.PUBLISH_RETRIES.inc()
        self.streams.forget()
        self._holding += not held
        if not self._reason:
            log.warning("NATS does not take messages, trying again: %s", error)
        self._reason = str(error)
        return True

    def _let_go(self) -> None:
        self._holding -= 1
        if not self._holding:
            self._reason = ""
            log.info("NATS takes messages again")
