"""The last message on a subject, and writing the next one only if it still is the last."""

from __future__ import annotations

import base64
from typing import NamedTuple

from dataflow.nats.connection import Connection, answer_of
from dataflow.nats.errors import AskOperator

WRONG_LAST_SEQUENCE = 10071
"""JetStream's error code where another message has become the last one."""

_NO_MESSAGE = 10037  # JetStream's error code


class Last(NamedTuple):
    """The sequence and the content of the last message on a subject; 0 and nothing where there is none."""

    seq: int
    content: bytes


async def last_on(connection: Connection, stream: str, subject: str) -> Last:
    """What a stream has on a subject. Raises `TryAgain` when NATS did not answer."""
    try:
        answer = await connection.ask(f"STREAM.MSG.GET.{stream}", {"last_by_subj": subject})
    except AskOperator as error:
        if error.code == _NO_MESSAGE:
            return Last(0, b"")
        raise
    message = answer["message"]
    return Last(message["seq"], base64.b64decode(message.get("data", "")))


async def put_after(connection: Connection, seq: int, subject: str, content: bytes, **headers: str) -> int:
    """Write the next message on a subject; its sequence.

    Raises:
        AskOperator: with `WRONG_LAST_SEQUENCE`, the last one there is not that with `seq`.
        TryAgain: NATS did not answer, and may or may not have written it.
    """
    expected = {"Nats-Expected-Last-Subject-Sequence": str(seq), **headers}
    written: int = answer_of(await connection.request(subject, content, expected), subject)["seq"]
    return written
