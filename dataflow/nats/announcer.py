"""Announces changes of the configuration, so that bots need not look for them."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import TimeoutError as WaitedTooLong

from dataflow.nats.connection import Connection, answer_of
from dataflow.nats.errors import TryAgain
from dataflow.nats.headers import headers_of
from dataflow.nats.streams import Streams
from operators.announcements import announcement, announcement_id, subject_of
from state.configs.records import AuditEntry, ConfigRecord

log = logging.getLogger(__name__)

_PAUSE_SECS = 0.05

# What a loop that is busy may take longer than it was told to.
_GRACE_SECS = 0.25


class Announcer:
    """Publishes changes to `CONFIG`, each stored once however often it is announced.

    It does not hold up who made the change: what NATS does not store within `timeout_secs` is not announced, and bots
    find it when they next look at the stores.
    """

    def __init__(self, connection: Connection, streams: Streams, timeout_secs: float = 1.0) -> None:
        self.connection = connection
        self.streams = streams
        self.timeout_secs = timeout_secs

    @property
    def connected(self) -> bool:
        """Whether NATS is there, as far as is known."""
        return self.connection.connected

    def announce(self, record: ConfigRecord, entry: AuditEntry, traceparent: str = "") -> bool:
        """Announce what holds for a scope now, within a trace if there is one; whether NATS has stored it.

        May be called from any thread.
        """
        about = {"scope": record.scope, "version": record.version}
        if not self.connected:
            log.warning("%s, version %d: not announced, NATS is away", *about.values(), extra=about)
            return False
        future = self.connection.submit(self._within_time(record, entry, traceparent))
        try:
            reason = future.result(self.timeout_secs + _GRACE_SECS)
        except WaitedTooLong:
            future.cancel()
            reason = "no answer"
        if reason:
            log.warning("%s, version %d: not announced: %s", *about.values(), reason, extra=about)
        return not reason

    async def _within_time(self, record: ConfigRecord, entry: AuditEntry, traceparent: str) -> str:
        """Publish, again and again while there is time; why it was not stored, if so."""
        reason = "no answer"
        try:
            async with asyncio.timeout(self.timeout_secs):
                while reason:
                    reason = await self._publish(record, entry, traceparent)
                    if reason:
                        await asyncio.sleep(_PAUSE_SECS)
        except TimeoutError:
            pass
        return reason

    async def _publish(self, record: ConfigRecord, entry: AuditEntry, traceparent: str) -> str:
        """Publish once; why it was not stored, if so."""
        subject, headers = subject_of(record.scope), headers_of(announcement_id(record), traceparent)
        try:
            await self.streams.ready()
            answer_of(await self.connection.request(subject, announcement(record, entry), headers), subject)
        except TryAgain as error:
            self.streams.forget()
            return str(error)
        return ""
