"""What is published."""

from __future__ import annotations

from typing import NamedTuple


class Outgoing(NamedTuple):
    """A message and the id under which it is stored once; after `late_from_ms` it goes to `late_subject` instead.

    `traceparent` is the trace that it belongs to, if any; published again it may be another one.
    """

    subject: str
    message_id: str
    payload: bytes
    late_subject: str = ""
    late_from_ms: int | None = None
    traceparent: str = ""
