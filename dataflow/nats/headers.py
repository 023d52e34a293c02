"""Headers of messages."""

from __future__ import annotations

from collections.abc import Mapping

MESSAGE_ID = "Nats-Msg-Id"
TRACEPARENT = "traceparent"

_TRACEPARENT_CHARACTERS = 55


def traceparent_in(headers: Mapping[str, str] | None) -> str:
    """The trace that a message says it belongs to; empty where it says none that is possible.

    >>> traceparent_in({"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    """
    for name, value in headers.items() if headers else ():
        if name.lower() == TRACEPARENT and len(value) == _TRACEPARENT_CHARACTERS:  # some clients capitalize names
            return value
    return ""


def headers_of(message_id: str, traceparent: str) -> dict[str, str]:
    """The headers of a message that is stored once, and belongs to a trace if there is one."""
    headers = {MESSAGE_ID: message_id}
    if traceparent:
        headers[TRACEPARENT] = traceparent
    return headers
