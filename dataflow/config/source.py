"""The configuration as an input of the flow: what is stored, then what is announced, checked against the stores."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from dataflow.config import counts
from dataflow.config.here import ConfigHere, ConfigUpdate
from dataflow.config.looking import Look, StoreLooks
from dataflow.nats.buffer import Arrived
from dataflow.nats.reader import Positions
from dataflow.nats.reading import ConfigReading
from dataflow.stopping import Stop
from operators.announcements import announced
from operators.config_book import ConfigBook, Known, pack_known, unpack_known
from operators.live import BadMessage
from state.configs.records import ConfigRecord, Scope
from state.errors import SkipInput

log = logging.getLogger(__name__)

# Fixed for ever: Bytewax cannot resume when a partition that has a snapshot is not listed any more.
PARTITION = "config"

BATCH = 100

IDLE = timedelta(milliseconds=5)

# So long is waited for NATS before the flow starts without it.
NATS_SECS = 3.0

Snapshot = dict[str, Any]


class ConfigSource(FixedPartitionedSource[ConfigUpdate | BadMessage, Snapshot]):
    """One partition, wherever it is: it reads the stores and follows the announcements, and all processes are told.

    It starts from what the stores have; after a restart from its snapshot, which has all that was known and the
    position in the stream of announcements, so that what was announced since comes once more, in order. Every
    `CONFIG_REFRESH_INTERVAL_SECONDS` the stores are compared with what is known, which makes good for announcements
    that were lost. The first update is made whether or not a store or NATS is there; klines wait for it, and then for
    what has been announced before they were read.
    """

    def __init__(
        self, here: ConfigHere, looks: StoreLooks, read: Callable[[Positions], ConfigReading], stop: Stop
    ) -> None:
        self.here = here
        self.looks = looks
        self.read = read
        self.stop = stop
        self.reading: ConfigReading | None = None
        """That of this process, if it has the partition."""

    @property
    def are_keys_behind(self) -> bool:
        """Whether something of the configuration has not come to the keys of this process."""
        reading = self.reading
        more = reading is not None and not (reading.has_caught_up and reading.buffer.is_empty)
        return more or not self.here.is_current

    def list_parts(self) -> list[str]:
        """One."""
        return [PARTITION]

    def build_part(self, step_id: str, for_part: str, resume_state: Snapshot | None) -> ConfigPartition:
        """The partition, which goes on where its snapshot was taken."""
        return ConfigPartition(self, resume_state)


class ConfigPartition(StatefulSourcePartition[ConfigUpdate | BadMessage, Snapshot]):
    """Knows the newest of everything, and tells what becomes newer."""

    def __init__(self, source: ConfigSource, resumed: Snapshot | None) -> None:
        self.source = source
        self.book = ConfigBook()
        self.taken: Positions = {}
        if resumed is not None:
            self.taken.update({stream: (created, seq) for stream, (created, seq) in resumed["streams"].items()})
            for known in unpack_known(resumed["known"]):
                self.book.put(known)
        self._number = 0
        self._idle = False
        self._begin_secs = monotonic()
        self._is_resumed = resumed is not None
        # What the bot already knew when it was stopped comes first, then what was announced since, in its order.
        source.looks.start(lambda: dict(self.book.known), now=True)
        self._reading = source.reading = source.read(self.taken)

    def next_batch(self) -> list[ConfigUpdate | BadMessage]:
        """What is new; nothing is announced before the first update, which has all that is known."""
        if self.source.stop.requested:
            raise StopIteration
        items: list[ConfigUpdate | BadMessage] = []
        if not self._number:
            items += self._first() if self._may_begin() else []
        if self._number:
            # What was announced goes first, with its time.
            look = self.source.looks.take() if self._reading.buffer.is_empty else None
            if look is not None:
                items += self._compare(look)
            for arrived in self._reading.take(BATCH):
                items += self._on_announcement(arrived)
        self._idle = not items
        return items

    def _may_begin(self) -> bool:
        """What was announced is to follow at once on the first update: so it waits for that, unless NATS is away."""
        return self._reading.has_caught_up or monotonic() > self._begin_secs + NATS_SECS

    def _first(self) -> list[ConfigUpdate]:
        if not self._is_resumed:
            look = self.source.looks.take()
            if look is None:
                return []
            for record in look.records.by_scope.values() if look.records else ():
                self.book.put(Known(record))
        known = [one.record for one in self.book.known.values()]
        log.info("the configuration is known: %d records", len(known))
        return [self._update(list(self.book.known.values()), [])]

    def _on_announcement(self, arrived: Arrived) -> list[ConfigUpdate | BadMessage]:
        origin, message = arrived
        self.taken[origin.stream] = (origin.created, message.seq + 1)
        try:
            record = announced(message.payload)
        except SkipInput as error:
            return [BadMessage(f"{message.stream}:{message.seq}", str(error), message)]
        if not self.book.is_news(record):
            return []
        return [self._take([Known(record, message.time_ns)], [], "announced", message.traceparent)]

    def _compare(self, look: Look) -> list[ConfigUpdate]:
        """What the stores have otherwise than it is known."""
        records = look.records
        if records is None:
            return []
        news = [Known(record) for record in records.by_scope.values() if self._differs(record, look)]
        gone = [
            scope
            for scope, known in self.book.known.items()
            if scope not in records.by_scope and self._is_right(look, known)
        ]
        return [self._take(news, gone, "found")] if news or gone else []

    def _differs(self, record: ConfigRecord, look: Look) -> bool:
        """Whether a record is newer than what is known; the primary store is also right when it is older."""
        known = self.book.known.get(record.scope)
        if known is None or self.book.is_news(record):
            return True
        same = (record.version, record.parameters) == (known.record.version, known.record.parameters)
        return not same and self._is_right(look, known)

    @staticmethod
    def _is_right(look: Look, known: Known) -> bool:
        """Whether a store that has it otherwise is right: the primary one is, but of what came from the fallback.

        What became known while it was read may not have been in it yet.
        """
        records = look.records
        return (
            records is not None
            and records.is_primary
            and known.record.source == records.source
            and look.before.get(known.record.scope) is known
        )

    def _take(self, news: list[Known], gone: list[Scope], how: str, traceparent: str = "") -> ConfigUpdate:
        for known in news:
            self.book.put(known)
            about = {"scope": known.record.scope, "version": known.record.version}
            log.info("configuration of %s is now version %d (%s)", *about.values(), how, extra=about)
        for scope in gone:
            self.book.drop(scope)
            log.info("configuration of %s is gone (%s)", scope, how, extra={"scope": scope})
        counts.CHANGES.labels(how).inc(len(news) + len(gone))
        return self._update(news, gone, traceparent)

    def _update(self, news: list[Known], gone: list[Scope], traceparent: str = "") -> ConfigUpdate:
        self._number += 1
        self.source.here.made = self._number
        scopes = [(scope.strategy_id, scope.symbol) for scope in gone]
        return ConfigUpdate(self._number, pack_known(news), scopes, traceparent)

    def next_awake(self) -> datetime | None:
        """Soon when there was nothing."""
        return datetime.now(UTC) + IDLE if self._idle else None

    def snapshot(self) -> Snapshot:
        """All that is known, and where to go on."""
        return {"streams": dict(self.taken), "known": pack_known(self.book.known.values())}

    def close(self) -> None:
        """Stop reading; what was not taken is read again."""
        self._reading.close()
