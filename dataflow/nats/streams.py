"""The streams: klines in; signals, alerts, late signals, dead letters and changes of the configuration out.

What is missing is created, and what is there is kept: it is changed only where that takes nothing from anybody (a
subject or a republish more, a longer duplicate window). Limits that somebody chose stay as they are.

Outputs are stored once: their duplicate window is as long as klines are kept, so that whatever can be read again, and
computed again, is still known. What makes a signal is never older than that. A republish hands each stored message,
and none of the dropped repeats, to plain subscribers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from dataflow.nats.connection import Connection
from dataflow.nats.errors import AskOperator, TryAgain
from dataflow.nats.subjects import BUCKETS, KLINE_SUBJECTS, SPREAD, covers, distinct, overlap, shard_subjects
from operators.announcements import CONFIG_SUBJECTS
from state.errors import StopProgram

log = logging.getLogger(__name__)

KLINES, SIGNALS, ALERTS, LATE, DEAD_LETTERS = "KLINES", "SIGNALS", "ALERTS", "LATE", "DEADLETTER"
CONFIG = "CONFIG"

DEFAULT_SUBJECTS = ("binance.websocket.data", "binance.extraction.>", "ta.klines.>")

# Subject and, for plain subscribers, the subject that what is stored goes on to.
_OUTPUTS = {
    SIGNALS: ("ta.signals.*.*", "signals.trading"),
    ALERTS: ("ta.alerts.*.*", "signals.alerts"),
    LATE: ("ta.late.*.*", "signals.late"),
    DEAD_LETTERS: ("ta.deadletter", None),
    CONFIG: (CONFIG_SUBJECTS, None),
}

OUTPUTS = tuple(_OUTPUTS)
"""The streams that the bot and its sidecar publish to."""

FENCED = (SIGNALS, ALERTS, LATE)
"""Streams that an instance publishes to only while it is the active one."""

FENCES = "ta.fence."
"""What the subjects begin with on which the active instance shows that it is; nothing republishes them."""

_HOUR_SECS = 3600.0
_NS = 1_000_000_000

# JetStream's error codes.
_NO_STREAM, _OTHER_SETTINGS, _OVERLAP = 10059, 10058, 10065

# Others may start at the same time, and win.
_ATTEMPTS = 5


@dataclass(frozen=True)
class StreamSettings:
    """Subjects and limits. Streams that exist keep their own limits."""

    kline_subjects: tuple[str, ...] = DEFAULT_SUBJECTS
    klines_max_age_secs: float = 72 * _HOUR_SECS
    """How long the bot may be away and lose nothing."""
    klines_max_bytes: int = 2**30
    duplicate_window_secs: float = 72 * _HOUR_SECS
    outputs_max_age_secs: float = 7 * 24 * _HOUR_SECS
    outputs_max_bytes: int = 2**28
    replicas: int = 1

    def __post_init__(self) -> None:
        if not self.kline_subjects:
            raise StopProgram("kline subjects: expected at least one")
        for subject in self.kline_subjects:
            if any(overlap(subject, ours) for output in _OUTPUTS.values() for ours in output if ours):
                # Each would be a dead letter, and so would that one.
                raise StopProgram(f"{subject} also takes in what the bot publishes itself")
        if self.duplicate_window_secs > self.outputs_max_age_secs:
            raise StopProgram(
                f"the duplicate window ({self.duplicate_window_secs:g} s) must not be longer than outputs are kept"
                f" ({self.outputs_max_age_secs:g} s)"
            )


class Captured(NamedTuple):
    """A stream that holds klines: which of our subjects it captures, whether nothing else, whether it is spread."""

    stream: str
    subjects: tuple[str, ...]
    only_ours: bool
    spread: bool

    def filters(self, shard: int, shards: int) -> tuple[str, ...] | None:
        """What one shard reads of it: nothing for None, all when it is empty.

        Messages that do not name their symbol in the subject all go to the first shard, in their order.
        """
        if shards == 1 and self.only_ours:
            return ()
        shared = self.subjects if shard == 0 else ()
        spread = shard_subjects(shard, shards) if self.spread else ()
        return (*shared, *spread) or None


class Streams:
    """Makes sure, after every connecting, that the streams are there: the server may have come back empty.

    Who does not publish to all of `outputs` names those that it does; who reads no klines leaves them alone with
    `klines` false.
    """

    def __init__(
        self,
        connection: Connection,
        settings: StreamSettings,
        *,
        outputs: Collection[str] = OUTPUTS,
        klines: bool = True,
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.outputs = {name: _OUTPUTS[name] for name in outputs}
        self.subjects = distinct(settings.kline_subjects) if klines else ()
        self._ready_for = -1
        self._captured: tuple[Captured, ...] = ()
        self._one = asyncio.Lock()
        self._warned: set[tuple[str, str]] = set()

    def check(self, timeout_secs: float) -> bool:
        """Make sure now, for a program that starts; False when NATS is away.

        Raises:
            StopProgram: NATS is there and refuses.
        """
        if not self.connection.wait_connected(timeout_secs):
            return False
        try:
            self.connection.submit(self.ready()).result()
        except AskOperator as error:
            raise StopProgram(f"NATS: {error}") from error
        except TryAgain:
            return False
        return True

    async def ready(self) -> tuple[Captured, ...]:
        """Make sure, once per connecting; the streams that hold klines.

        Raises:
            TryAgain: it is not possible now.
        """
        async with self._one:
            await self.connection.client()
            generation = self.connection.generation
            if self._ready_for != generation:
                captured = await self._capture()
                for name, (subject, plain_subject) in self.outputs.items():
                    await self._keep_output(name, subject, plain_subject)
                self._captured, self._ready_for = captured, generation
            return self._captured

    def forget(self) -> None:
        """Something was not there: look again."""
        self._ready_for = -1

    async def _capture(self) -> tuple[Captured, ...]:
        """Find who captures our subjects; what nobody captures goes into a stream of ours."""
        for _ in range(_ATTEMPTS):
            holders = {subject: await self._holders(subject) for subject in self.subjects}
            missing = [subject for subject, names in holders.items() if not names]
            try:
                if missing or any(KLINES in names for names in holders.values()):
                    await self._keep_klines(missing)
            except AskOperator as error:
                if error.code not in {_OTHER_SETTINGS, _OVERLAP}:
                    raise
                continue
            if not missing:
                names = sorted({name for found in holders.values() for name in found})
                return tuple([await self._captured_by(name, holders) for name in names])
        raise AskOperator(f"stream {KLINES}: cannot capture {', '.join(self.subjects)}; do other streams overlap?")

    async def _holders(self, subject: str) -> list[str]:
        found = await self.connection.ask("STREAM.NAMES", {"subject": subject})
        return found.get("streams") or []

    async def _captured_by(self, name: str, holders: dict[str, list[str]]) -> Captured:
        config = (await self.connection.ask(f"STREAM.INFO.{name}"))["config"]
        if config["retention"] != "limits":
            raise AskOperator(
                f"stream {name}: its retention is {config['retention']}, with which messages are gone once they are"
                " read, and a restart reads some again; it must be limits"
            )
        ours = tuple(subject for subject, names in holders.items() if name in names)
        held = config.get("subjects") or []
        for subject in ours:
            if len(holders[subject]) == 1 and not any(covers(one, subject) for one in held):
                self._warn(name, f"captures only {', '.join(held)} of {subject}: the rest is in no stream")
        window = int(self.settings.duplicate_window_secs * _NS)
        if self.outputs and not 0 < config["max_age"] <= window:
            self._warn(
                name,
                f"keeps klines for longer than signals are known ({window / _NS:g} s): read anew from its"
                " start, as without a recovery folder, older signals are doubled; give it a shorter max_age",
            )
        only_ours = all(any(covers(subject, one) for subject in ours) for one in held)
        return Captured(name, ours, only_ours, config.get("subject_transform") == SPREAD)

    async def _keep_klines(self, missing: list[str]) -> None:
        settings = self.settings
        wanted = {
            **_limits(KLINES, settings.klines_max_age_secs, settings.klines_max_bytes, settings.replicas),
            "description": f"Klines as they arrived; {KLINE_SUBJECTS} are spread over {BUCKETS} buckets by symbol",
            "subjects": missing,
        }
        if any(covers(subject, KLINE_SUBJECTS) for subject in self.subjects):
            wanted["subject_transform"] = SPREAD
        await self._keep(KLINES, wanted)

    async def _keep_output(self, name: str, subject: str, plain_subject: str | None) -> None:
        settings = self.settings
        wanted = {
            **_limits(name, settings.outputs_max_age_secs, settings.outputs_max_bytes, settings.replicas),
            "subjects": [subject, *([fence_subject(name)] if name in FENCED else [])],
            "duplicate_window": int(settings.duplicate_window_secs * _NS),
        }
        if plain_subject:
            wanted["republish"] = {"src": subject, "dest": plain_subject}
        await self._keep(name, wanted)

    async def _keep(self, name: str, wanted: dict[str, Any]) -> None:
        """Create a stream, or change the one that is there where that takes nothing from anybody."""
        for _ in range(_ATTEMPTS):
            try:
                found = (await self.connection.ask(f"STREAM.INFO.{name}"))["config"]
            except AskOperator as error:
                if error.code != _NO_STREAM:
                    raise
                if await self._created(name, wanted):
                    return
                continue
            changed = self._merged(name, found, wanted)
            if changed != found:
                await self.connection.ask(f"STREAM.UPDATE.{name}", changed)
                log.info("stream %s: changed %s", name, ", ".join(_differing(changed, found)), extra={"stream": name})
            return
        raise TryAgain(f"stream {name}: others keep changing it")

    async def _created(self, name: str, wanted: dict[str, Any]) -> bool:
        """Create a stream; False when somebody else did in the meantime."""
        try:
            await self.connection.ask(f"STREAM.CREATE.{name}", wanted)
        except AskOperator as error:
            if error.code == _OTHER_SETTINGS:
                return False
            raise
        log.info("stream %s: created for %s", name, ", ".join(wanted["subjects"]), extra={"stream": name})
        return True

    def _merged(self, name: str, found: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        """`found` with what it lacks of `wanted`; its limits stay."""
        held = found.get("subjects") or []
        merged = dict(
            found, subjects=held + [one for one in wanted["subjects"] if not any(covers(s, one) for s in held)]
        )
        if "republish" in wanted:
            merged["republish"] = self._republish(name, found.get("republish"), wanted["republish"])
        window = wanted.get("duplicate_window", 0)
        if found["duplicate_window"] < window:
            merged["duplicate_window"] = min(window, found["max_age"] or window)
        if merged["duplicate_window"] < window:
            self._warn(
                name,
                f"keeps messages for {found['max_age'] / _NS:g} s only: after a longer outage signals may be doubled;"
                " give it a longer max_age",
            )
        return merged

    @staticmethod
    def _republish(name: str, found: dict[str, Any] | None, wanted: dict[str, Any]) -> dict[str, Any]:
        if found and any(found.get(key) != value for key, value in wanted.items()):
            # Plain subscribers would hear nothing, and whoever set it up listens elsewhere.
            raise AskOperator(
                f"stream {name}: republishes {found.get('src')} to {found.get('dest')}, and must {wanted['src']} to"
                f" {wanted['dest']}; change it or remove the stream"
            )
        return found or wanted

    def _warn(self, stream: str, message: str) -> None:
        if (stream, message) not in self._warned:
            self._warned.add((stream, message))
            log.warning("stream %s %s", stream, message, extra={"stream": stream})


def fence_subject(stream: str, lease: str = "*") -> str:
    """Where in a stream the active instance of those that share a lease shows that it is."""
    return f"{FENCES}{stream.lower()}.{lease}"


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [key for key, value in one.items() if value != other.get(key)]


def _limits(name: str, max_age_secs: float, max_bytes: int, replicas: int) -> dict[str, Any]:
    return {
        "name": name,
        "retention": "limits",
        "discard": "old",
        "storage": "file",
        "max_age": int(max_age_secs * _NS),
        "max_bytes": max_bytes,
        "num_replicas": replicas,
    }
