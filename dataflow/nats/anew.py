"""How reading survives everything: whatever fails, it begins anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any

from dataflow.nats.connection import Connection
from dataflow.nats.errors import AskOperator, TryAgain
from dataflow.nats.streams import Streams

log = logging.getLogger(__name__)

_FIRST_PAUSE_SECS, _LONGEST_PAUSE_SECS = 0.05, 2.0


async def again_and_again(
    streams: Streams, what: str, read: Callable[[], Awaitable[None]], progress: Callable[[], object]
) -> None:
    """Read for ever, anew whenever the connection or anything else fails.

    The pauses in between grow until `progress` gives something else than before. `what` is read says the log.
    """
    pause_secs, said = _FIRST_PAUSE_SECS, ""
    while True:
        await streams.connection.client()
        before, began_secs = progress(), monotonic()
        try:
            await read()
        except TryAgain as error:
            # What passes by itself is not worth a line, unless it does not pass.
            lasts = isinstance(error, AskOperator) or pause_secs == _LONGEST_PAUSE_SECS
            if lasts and str(error) != said:
                said = str(error)
                log.warning("%s cannot be read, trying again: %s", what, error)
            else:
                log.debug("reading %s anew: %s", what, error)
            streams.forget()
        if progress() != before or monotonic() - began_secs > _LONGEST_PAUSE_SECS:
            pause_secs, said = _FIRST_PAUSE_SECS, ""
        await asyncio.sleep(pause_secs)
        pause_secs = min(2 * pause_secs, _LONGEST_PAUSE_SECS)


async def until_one_ends(connection: Connection, generation: int, *work: Coroutine[Any, Any, None]) -> None:
    """Run until one of them ends, or the client of a generation is gone; none is left running."""
    tasks = [asyncio.create_task(one) for one in work]
    tasks.append(asyncio.create_task(connection.lost(generation)))
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
