"""Messages that are unusable, kept for whoever wants to know why."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from bytewax.outputs import DynamicSink, StatelessSinkPartition

from dataflow.nats.outgoing import Outgoing
from dataflow.nats.publisher import Publisher
from operators.live import BadMessage
from operators.tally import Tally
from operators.times import format_time

SUBJECT = "ta.deadletter"

# Enough to see what it was.
EXCERPT_BYTES = 2048


Reported = BadMessage | Tally


def _ignore(_: Tally) -> None:
    return None


class DeadLetters(DynamicSink[tuple[str, Reported]]):
    """Unusable messages to `ta.deadletter`, as JSON, one partition per worker; tallies go to `on_tally`.

    One is done when the server has stored it, as with signals; its id is its place in the stream it came from, so
    that it is stored once however often it is read again. A tally of an epoch that is redone is told again.
    """

    def __init__(self, publisher: Publisher, on_tally: Callable[[Tally], None] = _ignore) -> None:
        self.publisher = publisher
        self.on_tally = on_tally

    def build(self, step_id: str, worker_index: int, worker_count: int) -> DeadLetterPublisher:
        """The sink of one worker; they share the connection."""
        return DeadLetterPublisher(self)


class DeadLetterPublisher(StatelessSinkPartition[tuple[str, Reported]]):
    """What one worker could not use."""

    def __init__(self, sink: DeadLetters) -> None:
        self.sink = sink

    def write_batch(self, items: list[tuple[str, Reported]]) -> None:
        """Publish, and wait until all are stored."""
        bad: list[BadMessage] = []
        for _, item in items:
            if isinstance(item, Tally):
                self.sink.on_tally(item)
            else:
                bad.append(item)
        self.sink.publisher.publish([dead_letter(message) for message in bad])


def dead_letter(bad: BadMessage, given_up_by: str = "") -> Outgoing:
    """What is published about an unusable message; of its bytes the first, with those that are not text escaped.

    One that is fine, but was `given_up_by` something that forwards it, is another dead letter than a bad one.
    """
    message = bad.message
    content = {
        "reason": bad.reason,
        "subject": message.subject,
        "stream": message.stream,
        "sequence": message.seq,
        "timestamp": format_time(message.time_ns // 1_000_000),
        "payload": message.payload[:EXCERPT_BYTES].decode("utf-8", "backslashreplace"),
        "payload_bytes": len(message.payload),
    }
    # No stream has a period in its name.
    prefix = f"{given_up_by}." if given_up_by else ""
    # A stream that was made anew counts from 1 again, at another time.
    message_id = f"{prefix}{message.stream}-{message.seq}-{message.time_ns}"
    return Outgoing(SUBJECT, message_id, orjson.dumps(content))
