"""This process as one of several instances: the active one publishes, the others stand by."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as WaitedTooLong
from contextlib import suppress
from threading import Lock
from typing import Any

from dataflow.lease import counts
from dataflow.lease.fence import Fence
from dataflow.lease.hold import MOST, Hold, Packed
from dataflow.lease.lease import Lease
from dataflow.nats.errors import StandBy, TryAgain
from dataflow.nats.outgoing import Outgoing
from dataflow.nats.publisher import Publisher, wall_clock_ms

log = logging.getLogger(__name__)

LOOK_SECS = 0.25

# How long what was made is held before NATS is asked whether the active instance has stored it, and how often.
_ASK_AFTER_MS = 2_000
_ASK_EVERY = 4

# Messages that are asked for, or published, in one go.
_BATCH = 500

_CLOSE_SECS = 3.0


async def _nothing() -> None:
    return None


class Instance:
    """Publishes what it is given while it is active, and otherwise holds it.

    All instances read the same klines and make the same signals. What one that stands by has made is held until NATS
    says that it is stored; when it becomes active, it first publishes what it holds, and NATS drops what is stored.
    So nothing that the active one had not stored when it died is lost, and nothing is stored twice.
    """

    def __init__(
        self,
        publisher: Publisher,
        lease: Lease,
    ) -> None:
        self.publisher = publisher
        self.lease = lease
        self.fence = Fence(lease)
        self.hold = Hold()
        self.on_active: Callable[[], object] = lambda: None
        """Called on the connection's loop when it has become active, and `on_standby` when it is no more."""
        self.on_standby: Callable[[], Awaitable[None]] = _nothing
        self._active_token = 0
        self._lock = Lock()
        self._turns = 0
        self._tasks: list[Future[Any]] = []
        counts.HELD.labels(lease.name).set_function(lambda: float(self.is_active))

    @property
    def is_active(self) -> bool:
        """Whether it publishes: all that it held before it became active is stored."""
        return self.fence.stands and self._active_token == self.lease.token

    def health(self) -> dict[str, Any]:
        """What is to be known about it from outside."""
        return {
            "name": self.lease.name,
            "active": self.is_active,
            "holder": self.lease.holder,
            "token": self.lease.token,
            "signals_held": len(self.hold),
        }

    def start(self) -> None:
        """Begin to ask for the lease."""
        connection = self.lease.connection
        self._tasks = [connection.submit(self.lease.keep()), connection.submit(self._follow())]

    def close(self) -> None:
        """Leave the lease to others."""
        tasks, self._tasks = self._tasks, []
        for task in reversed(tasks):
            task.cancel()
        if tasks:
            with suppress(WaitedTooLong, CancelledError, StandBy, TryAgain):
                self.lease.connection.submit(self.lease.give_back()).result(_CLOSE_SECS)

    def resume(self, held: Packed) -> None:
        """Hold again what was held before a restart; it is published before anything else is."""
        with self._lock:
            self.hold.unpack(held, wall_clock_ms())
            self._active_token = 0

    def publish(self, messages: Sequence[Outgoing]) -> None:
        """Publish, and return when all are stored; or hold them.

        Raises:
            HeldBack: the program is to stop, and NATS does not take them.
        """
        with self._lock:
            if not self.is_active:
                self.hold.put(messages, wall_clock_ms())
                return
        try:
            self.publisher.publish(messages, self.fence)
        except StandBy:
            self.hold.put(messages, wall_clock_ms())

    async def _follow(self) -> None:
        """Become active when the lease is taken, and stand by when it is lost: for ever."""
        was_active = False
        while True:
            try:
                was_active = await self._turn(was_active=was_active)
            except (StandBy, TryAgain) as error:
                log.debug("lease %s: %s", self.lease.name, error)
            except Exception:  # nobody waits for this task: it would end in silence
                log.exception("lease %s: something failed that was not to", self.lease.name)
            await asyncio.sleep(LOOK_SECS)

    async def _turn(self, *, was_active: bool) -> bool:
        """Do what is due; whether this instance is active then."""
        if was_active and not self.is_active:
            log.warning("lease %s: this instance stands by", self.lease.name)
            await self.on_standby()
            return False
        if self.lease.is_held:
            if not self.is_active:
                await self._become_active()
                self.on_active()
            elif len(self.hold):  # given back by a publish that had lost the lease in between
                with self._lock:
                    self._active_token = 0
                await self._become_active()
            return True
        self._turns += 1
        if self._turns % _ASK_EVERY == 0:
            await self._forget_stored()
        return False

    async def _become_active(self) -> None:
        await self.fence.put_up()
        published = 0
        while True:
            with self._lock:
                messages = self.hold.oldest(_BATCH)
                if not messages:
                    self._active_token = self.fence.token
                    break
            await self.publisher.publish_all(messages, self.fence)
            self.hold.forget(messages)
            published += len(messages)
        log.info("lease %s: this instance publishes now; it held %d signals", self.lease.name, published)

    async def _forget_stored(self) -> None:
        now_ms = wall_clock_ms()
        self.hold.give_up(now_ms)
        held = self.hold.oldest(MOST, now_ms - _ASK_AFTER_MS)
        for first in range(0, len(held), _BATCH):
            asked = held[first : first + _BATCH]
            open_ids = {message.message_id for message in await self.publisher.not_stored(asked)}
            self.hold.forget(message for message in asked if message.message_id not in open_ids)
