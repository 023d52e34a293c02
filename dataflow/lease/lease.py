"""A lease in a NATS key-value bucket: at most one process has it, and it ends by itself when it is not renewed."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import socket
from dataclasses import dataclass
from time import monotonic
from typing import Any, NamedTuple

import orjson

from dataflow.lease import counts
from dataflow.lease.last import WRONG_LAST_SEQUENCE, last_on, put_after
from dataflow.nats.connection import Connection
from dataflow.nats.errors import AskOperator, StandBy, TryAgain
from state.errors import StopProgram

log = logging.getLogger(__name__)

BUCKET = "TA_LEASES"
STREAM = f"KV_{BUCKET}"

LEAST_VERSION = (2, 11)
"""Older servers know no fence: see `dataflow.lease.fence`."""

# Of a lease's length: how often it is renewed, and how much earlier than NATS its holder takes it for ended.
_RENEWALS, _MARGIN = 4, 0.1

_LOOK_SECS = 0.5
_RETRY_SECS = 0.2

_NS = 1_000_000_000

_NO_STREAM = 10059  # JetStream's error code

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class LeaseOptions:
    """Which lease, for how long one lasts without being renewed, and who asks for it."""

    name: str
    secs: float
    holder: str
    replicas: int = 1
    """Servers that keep a copy of the bucket, when it is made."""

    def __post_init__(self) -> None:
        check_name(self.name)


def check_name(name: str) -> None:
    """Raise `StopProgram` where a lease cannot have this name."""
    if not _NAME.fullmatch(name):
        raise StopProgram(f"lease: expected 1 to 64 letters, digits, - and _, got {name!r:.80}")


def holder_here() -> str:
    """A name for this process that no other has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Entry(NamedTuple):
    """What the bucket has: the revision of the entry, and who holds the lease, None where nobody does."""

    revision: int
    holder: str | None


class Lease:
    """Asks for a lease, and renews it while it has it, for as long as it is kept.

    A term begins when the lease is taken, and its token, the revision at which it was, is higher than that of every
    term before, while the bucket lasts. It ends when the server has heard of no renewal for `secs`, as its clock says;
    the holder takes it for ended a tenth earlier by its own, counted from before the renewal was sent. A process that
    was stopped, or cut off from NATS, thus knows that it has lost the lease before anybody else can have it; for the
    moment between looking and publishing, and for clocks that run unequally, there is the fence.
    """

    def __init__(self, connection: Connection, options: LeaseOptions) -> None:
        self.connection = connection
        self.options = options
        self.holder: str | None = None
        """Who has the lease, as far as is known."""
        self.token = 0
        """Of our last term."""
        self._revision = 0
        self._until_secs = -1.0
        self._ready_for = -1
        self._secs = options.secs
        self._said = ""
        self._one = asyncio.Lock()

    @property
    def name(self) -> str:
        """The lease's name."""
        return self.options.name

    @property
    def is_held(self) -> bool:
        """Whether this process has it."""
        return monotonic() < self._until_secs

    async def keep(self) -> None:
        """Take it when it is free, and renew it: for ever."""
        while True:
            pause_secs = await self._turn()
            await asyncio.sleep(pause_secs)

    async def renew(self) -> None:
        """Renew it now.

        Raises:
            StandBy: it is lost.
            TryAgain: NATS did not answer.
        """
        async with self._one:
            if not self.is_held:
                raise StandBy(f"lease {self.name} has ended")
            await self._write(self._revision)

    async def _turn(self) -> float:
        """Do what is due; how long to wait for the next turn."""
        try:
            await self._open_bucket()
            if self.is_held:
                await self.renew()
                return self._secs / _RENEWALS
            async with self._one:
                taken = await self._take()
            return self._secs / _RENEWALS if taken else _LOOK_SECS
        except StandBy as error:
            log.warning("%s", error)
            return 0.0
        except TryAgain as error:
            if isinstance(error, AskOperator):
                self._say(str(error))
            self._ready_for = -1
            return _RETRY_SECS

    async def _open_bucket(self) -> None:
        """Make sure, once per connecting, that the bucket is there."""
        client = await self.connection.client()
        generation = self.connection.generation
        if self._ready_for == generation:
            return
        version = client.connected_server_version
        if (version.major, version.minor) < LEAST_VERSION:
            raise AskOperator(f"a lease needs NATS 2.11, the server is {version.major}.{version.minor}")
        try:
            found = (await self.connection.ask(f"STREAM.INFO.{STREAM}"))["config"]
        except AskOperator as error:
            if error.code != _NO_STREAM:
                raise
            found = (await self.connection.ask(f"STREAM.CREATE.{STREAM}", self._bucket()))["config"]
            log.info("bucket %s: created", BUCKET)
        self._secs = found["max_age"] / _NS
        if not 0 < self._secs <= 600:
            raise AskOperator(f"bucket {BUCKET}: its entries must expire after 600 s at most, not {self._secs:g} s")
        if self._secs != self.options.secs:
            self._say(f"bucket {BUCKET}: leases last {self._secs:g} s there, not {self.options.secs:g} s")
        self._ready_for = generation

    def _bucket(self) -> dict[str, Any]:
        """A bucket as clients of key-value buckets make one; entries expire."""
        return {
            "name": STREAM,
            "description": "Which instance of the bot is active; entries expire when they are not renewed",
            "subjects": [f"$KV.{BUCKET}.>"],
            "max_msgs_per_subject": 1,
            "max_age": int(self.options.secs * _NS),
            "duplicate_window": min(int(self.options.secs * _NS), 120 * _NS),
            "storage": "file",
            "discard": "new",
            "allow_rollup_hdrs": True,
            "deny_delete": True,
            "allow_direct": True,
            "num_replicas": self.options.replicas,
        }

    async def _take(self) -> bool:
        """Take it if it is free."""
        entry = await self._entry()
        self.holder = entry.holder
        if entry.holder is not None and entry.holder != self.options.holder:
            self._say_standby(entry.holder)
            return False
        try:
            await self._write(entry.revision, begins=True)
        except StandBy:
            return False
        log.info("lease %s: taken, token %d: this instance is the active one", self.name, self.token)
        return True

    async def _entry(self) -> Entry:
        last = await last_on(self.connection, STREAM, self._subject)
        try:
            return Entry(last.seq, str(orjson.loads(last.content)["holder"]))
        except (KeyError, TypeError, ValueError):  # none, or given back, which leaves a marker without content
            return Entry(last.seq, None)

    async def _write(self, revision: int, *, begins: bool = False) -> None:
        """Write the entry if it still has `revision`; the term lasts longer then, or begins.

        Raises:
            StandBy: it does not.
            TryAgain: NATS did not answer, and may or may not have written it.
        """
        sent_secs = monotonic()
        content = {"holder": self.options.holder, "token": 0 if begins else self.token}
        try:
            stored = await put_after(self.connection, revision, self._subject, orjson.dumps(content))
        except AskOperator as error:
            if error.code != WRONG_LAST_SEQUENCE:
                raise
            stored = await self._own_revision()
        self._revision = stored
        if begins:
            self.token = stored
        self._until_secs = sent_secs + self._secs * (1 - _MARGIN)
        self.holder = self.options.holder
        counts.TOKEN.labels(self.name).set(self.token)

    async def _own_revision(self) -> int:
        """The revision of an entry of ours whose storing was not confirmed.

        Raises:
            StandBy: the entry is another's.
        """
        entry = await self._entry()
        if entry.holder == self.options.holder:
            return entry.revision
        self._until_secs = -1.0
        self.holder = entry.holder
        raise StandBy(f"lease {self.name}: lost{f' to {entry.holder}' if entry.holder else ', nobody has it'}")

    async def give_back(self) -> None:
        """Leave it to others at once; it must not be kept any more."""
        if not (self.is_held and self.connection.connected):
            return
        self._until_secs = -1.0
        try:
            entry = await self._entry()  # what keeping it was broken off in may have been written
            if entry.holder == self.options.holder:
                deleted = {"KV-Operation": "DEL"}  # as clients of key-value buckets mark it
                await put_after(self.connection, entry.revision, self._subject, b"", **deleted)
            log.info("lease %s: given back", self.name)
        except TryAgain as error:
            log.warning("lease %s: not given back, it ends by itself: %s", self.name, error)

    @property
    def _subject(self) -> str:
        return f"$KV.{BUCKET}.{self.name}"

    def _say_standby(self, holder: str) -> None:
        line = f"lease {self.name}: {holder} is active, this instance stands by"
        if line != self._said:
            self._said = line
            log.info("%s", line)

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._said:
            self._said = trouble
            log.warning("lease %s: %s", self.name, trouble)
