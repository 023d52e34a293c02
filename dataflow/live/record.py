"""Records live kline messages in a file that a replay reads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dataflow.live.line_file import LineFile
from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.reading import Reading
from dataflow.nats.streams import Streams, StreamSettings
from dataflow.stopping import Stop
from operators.live import BadMessage, LiveParser, RawMessage, Selection
from operators.messages import Notice
from state.bar import Bar

# What is written in one go, and how often it is looked whether there is something, or the time to stop has come.
BATCH = 500
LOOK_SECS = 0.02


@dataclass
class Recorded:
    """What a recording holds, and how many messages were left out, by why."""

    messages: int = 0
    bars: int = 0
    keys: set[str] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)


class Recorder:
    """Makes lines of the messages that hold wanted closed klines.

    A message is a line as it arrived; line feeds in it, which JSON has between its tokens only, become spaces. The
    others are counted by why they are left out: `kline` (none in it that has closed), `symbol`, `timeframe`, `notice`
    (bars that are in the history, not in the message), `unusable`.
    """

    def __init__(self, selection: Selection, most: int | None = None) -> None:
        self.recorded = Recorded()
        self.most = most
        self._lacks = ""
        self._parser = LiveParser(selection, self._note)

    @property
    def full(self) -> bool:
        """Whether there are as many messages as were wanted."""
        return self.recorded.messages == self.most

    def lines(self, messages: Iterable[RawMessage]) -> bytes:
        """The lines of some messages, until it is full."""
        lines = bytearray()
        for message in messages:
            if self.full:
                break
            if self._take(message):
                lines += message.payload.replace(b"\n", b" ") + b"\n"
        return bytes(lines)

    def _take(self, message: RawMessage) -> bool:
        recorded, self._lacks = self.recorded, "kline"
        bars = 0
        for item in self._parser(message):
            if isinstance(item, BadMessage):
                self._lacks = "unusable"
            elif isinstance(item[1], Bar):
                bars += 1
                recorded.keys.add(item[0])
            elif isinstance(item[1], Notice):
                self._lacks = "notice"
        recorded.bars += bars
        recorded.messages += bool(bars)
        if not bars:
            recorded.skipped[self._lacks] += 1
        return bars > 0

    def _note(self, lacks: str) -> None:
        self._lacks = lacks


def record(
    options: NatsOptions,
    streams: StreamSettings,
    recorder: Recorder,
    out: LineFile,
    stop: Stop,
    *,
    from_start: bool = False,
    seconds: float | None = None,
) -> Recorded:
    """Record until the recorder is full, `seconds` are over, or `stop` is requested; NATS is waited for.

    With `from_start` all that the kline streams still hold, else what arrives after the first connecting. Each message
    is recorded once, whatever happens to the connection or the server meanwhile.

    Raises:
        StopProgram: `out` cannot be written any more.
    """
    deadline_secs = None if seconds is None else time.monotonic() + seconds
    with Connection(options) as connection:
        reading = Reading(connection, Streams(connection, streams, outputs=()), {}, from_now=not from_start)
        while not (stop.requested or recorder.full):
            arrived = reading.take(BATCH)
            out.write(recorder.lines(message for _, message in arrived))
            if deadline_secs is not None and time.monotonic() >= deadline_secs:
                break
            if not arrived:
                time.sleep(LOOK_SECS)
        reading.close()
    return recorder.recorded
