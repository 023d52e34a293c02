"""Publishes messages so that each is stored once: the half of every sink that talks to NATS."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from typing import NoReturn, Protocol

from dataflow.nats import counts
from dataflow.nats.connection import Connection, answer_of
from dataflow.nats.errors import AskOperator, HeldBack, StandBy, TryAgain
from dataflow.nats.headers import MESSAGE_ID, headers_of
from dataflow.nats.outgoing import Outgoing
from dataflow.nats.requests import UNDER_WAY, Request, Requests
from dataflow.nats.stored import count_stored
from dataflow.nats.stored_log import log_stored
from dataflow.nats.streams import Streams
from dataflow.stopping import Stop

log = logging.getLogger(__name__)

# How long, after a request to stop, is waited for NATS to take what there is.
GRACE_SECS = 4.0

# How often a waiting worker looks whether it is to stop.
LOOK_SECS = 0.1

_FIRST_PAUSE_SECS, _LONGEST_PAUSE_SECS = 0.05, 2.0

# The server looks for repeats before it looks at this, so a publish with it is stored never, and tells whether the
# id is known.
_NEVER_STORED = {"Nats-Expected-Last-Msg-Id": "never"}
_WRONG_LAST_ID = 10070  # JetStream's error code for that

# JetStream's error codes for what a fence keeps out: another's stands there, or that cannot be told before what is
# under way is stored, as in replicated streams.
_KEPT_OUT = {10071, 10164}


class Fence(Protocol):
    """Lets only the active one of several instances publish."""

    one_by_one: bool
    """Whether messages must be published one after the other."""

    @property
    def stands(self) -> bool:
        """Whether this instance is the active one, as far as it knows without asking."""
        ...

    async def pass_through(self) -> None:
        """Make sure that it is. Raises `StandBy` or `TryAgain`."""
        ...

    def headers(self, subject: str) -> dict[str, str]:
        """What has the server check it again when it stores a message."""
        ...

    def doubt(self) -> None:
        """The server refused a message because of it."""
        ...


def wall_clock_ms() -> int:
    """Milliseconds since the Unix epoch, now."""
    return time.time_ns() // 1_000_000


class Publisher:
    """Publishes for ever: away or not, nothing is dropped, nothing is stored twice within the duplicate window."""

    def __init__(
        self,
        connection: Connection,
        streams: Streams,
        stop: Stop,
        clock_ms: Callable[[], int] = wall_clock_ms,
        on_held_back: Callable[[HeldBack], None] | None = None,
    ) -> None:
        self.connection = connection
        self.streams = streams
        self.stop = stop
        self.clock_ms = clock_ms
        self.on_held_back = on_held_back
        """Told before `HeldBack` is raised."""
        self._requests = Requests(connection)
        self._reason = self._refused = ""
        self._holding = 0

    @property
    def holding(self) -> bool:
        """Whether something waits because NATS does not take it."""
        return self._holding > 0

    @property
    def trouble(self) -> str | None:
        """Why NATS does not take what there is; None while it does, as far as is known."""
        return (self._reason or "it is away") if self.holding else None

    def publish(self, messages: Sequence[Outgoing], fence: Fence | None = None) -> None:
        """Publish all, and return when all are stored; waits for as long as NATS is away.

        Raises:
            HeldBack: the program is to stop, and NATS does not take them.
            StandBy: the fence does not stand; some may be stored.
        """
        if messages:
            self._wait(self.connection.submit(self.publish_all(messages, fence)), len(messages), fence)

    def _wait(self, future: Future[None], count: int, fence: Fence | None) -> None:
        deadline_secs: float | None = None
        while True:
            try:
                return future.result(LOOK_SECS)
            except WaitedTooLong:
                now_secs = time.monotonic()
            if fence is not None and not fence.stands:  # it may be waiting for NATS, which may be long
                future.cancel()
                raise StandBy("the lease has ended")
            if not self.stop.requested:
                continue
            deadline_secs = deadline_secs or now_secs + GRACE_SECS
            if now_secs >= deadline_secs:
                future.cancel()
                self._give_up(count)

    def _give_up(self, count: int) -> NoReturn:
        error = HeldBack(
            f"NATS did not take all of {count} messages ({self._reason or 'it is away'});"
            " they are made again after a restart"
        )
        if self.on_held_back:
            self.on_held_back(error)
        raise error

    async def publish_all(self, messages: Sequence[Outgoing], fence: Fence | None = None) -> None:
        """Publish, and publish again what was not stored, until nothing is left: on the connection's loop.

        Raises:
            StandBy: the fence does not stand; some may be stored.
        """
        left, pause_secs, held = messages, _FIRST_PAUSE_SECS, False
        try:
            while left:
                try:
                    await self.streams.ready()
                    if fence is not None:
                        await fence.pass_through()
                    left = await self._publish_once(left, fence)
                except TryAgain as error:
                    held = self._hold(str(error), held)
                else:
                    if not left:
                        return
                    held = self._hold(self._refused, held)
                await asyncio.sleep(pause_secs)
                pause_secs = min(2 * pause_secs, _LONGEST_PAUSE_SECS)
        finally:
            if held:
                self._let_go()

    async def not_stored(self, messages: Sequence[Outgoing]) -> list[Outgoing]:
        """Those of which no server has said that they are stored, in time or late: on the connection's loop.

        Raises:
            TryAgain: NATS is away.
        """
        await self.streams.ready()
        unknown, unclear = await self._without_stored(messages)
        late = [one._replace(subject=one.late_subject) for one in unknown if one.late_subject]
        never_late, unclear_late = await self._without_stored(late)
        open_ids = {one.message_id for one in (*never_late, *unclear_late, *unclear)}
        open_ids.update(one.message_id for one in unknown if not one.late_subject)
        return [one for one in messages if one.message_id in open_ids]

    async def _publish_once(self, messages: Sequence[Outgoing], fence: Fence | None) -> list[Outgoing]:
        """Publish all at once; those that were not stored."""
        now_ms = self.clock_ms()
        late = [one for one in messages if one.late_from_ms is not None and now_ms >= one.late_from_ms]
        if not late:
            return await self._publish_to([(one, one.subject) for one in messages], fence)
        in_time = [(one, one.subject) for one in messages if one.late_from_ms is None or now_ms < one.late_from_ms]
        never_stored, left = await self._without_stored(late)
        return left + await self._publish_to([*in_time, *((one, one.late_subject) for one in never_stored)], fence)

    async def _publish_to(self, messages: list[tuple[Outgoing, str]], fence: Fence | None) -> list[Outgoing]:
        requests = [
            Request(subject, one.payload, headers_of(one.message_id, one.traceparent) | _fenced(fence, subject))
            for one, subject in messages
        ]
        under_way = 1 if fence and fence.one_by_one else UNDER_WAY
        left: list[Outgoing] = []
        for (one, subject), answer in zip(messages, await self._requests.ask_all(requests, under_way), strict=True):
            try:
                stored = answer_of(answer, subject)
            except TryAgain as error:
                if fence and isinstance(error, AskOperator) and error.code in _KEPT_OUT:
                    fence.doubt()
                self._refused = str(error)
                left.append(one)
                continue
            counts.PUBLISHED.labels(stored["stream"]).inc()
            log_stored(one, stored)
            if stored.get("duplicate"):
                counts.REPEATED.labels(stored["stream"]).inc()
            else:
                count_stored(subject, one.message_id, self.clock_ms())
        return left

    async def _without_stored(self, messages: Sequence[Outgoing]) -> tuple[list[Outgoing], list[Outgoing]]:
        """Those that did not go out in time, before a restart or unknown to us; and those of which that is unclear."""
        requests = [Request(one.subject, b"", {MESSAGE_ID: one.message_id, **_NEVER_STORED}) for one in messages]
        never_stored: list[Outgoing] = []
        unclear: list[Outgoing] = []
        for one, answer in zip(messages, await self._requests.ask_all(requests), strict=True):
            try:
                if not answer_of(answer, one.subject).get("duplicate"):
                    unclear.append(one)
            except TryAgain as error:
                if isinstance(error, AskOperator) and error.code == _WRONG_LAST_ID:
                    never_stored.append(one)
                else:
                    self._refused = str(error)
                    unclear.append(one)
        return never_stored, unclear

    def _hold(self, reason: str, held: bool) -> bool:
        counts.PUBLISH_RETRIES.inc()
        self.streams.forget()
        self._holding += not held
        if not self._reason:
            log.warning("NATS does not take messages, trying again: %s", reason)
        self._reason = reason
        return True

    def _let_go(self) -> None:
        self._holding -= 1
        if not self._holding:
            self._reason = ""
            log.info("NATS takes messages again")


def _fenced(fence: Fence | None, subject: str) -> dict[str, str]:
    return {} if fence is None else fence.headers(subject)
