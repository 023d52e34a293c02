"""Server-sent events: one answer that lasts for as long as somebody reads it."""

from __future__ import annotations

import asyncio
from asyncio import Task
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from config_api.live.feed import Event, Feed, Watcher

HEALTH_SECS = 5.0
"""How often a client hears how everything is, which is also the sign that the connection lives."""

# What was sent has to leave within this: else the client does not read.
SEND_SECS = 10.0
END_SECS = 0.5

UNREAD_SECS = 30.0
"""After so long the operating system ends a connection that nobody reads from."""

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """Sends what happens until the client goes away, is too slow, or the program ends.

    A client that comes again with `Last-Event-ID` gets what it has missed, as long as that is kept.
    """

    media_type = "text/event-stream"

    def __init__(self, feed: Feed, last_id: str | None, health: Callable[[], Awaitable[bytes]]) -> None:
        super().__init__(headers=_HEADERS)
        del self.headers["content-length"]
        self.feed = feed
        self.last_id = last_id
        self.health = health

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer.

        Raises:
            ApiError: 503, too many watch.
        """
        watcher = self.feed.watch(self.last_id)
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await _first_of(self._send_all(watcher, send), watcher.ended.wait(), gone)
            self.feed.leave(watcher)
            if not gone.done() and not await _within_time(send, b"", END_SECS, more=False):
                await self._cut_off(gone)
        finally:
            self.feed.leave(watcher)
            gone.cancel()

    async def _cut_off(self, gone: Task[None]) -> None:
        """Wait until the operating system ends a connection that nobody reads from, unless the program ends before."""
        loop = asyncio.get_running_loop()
        deadline_secs = loop.time() + UNREAD_SECS
        while not (gone.done() or self.feed.closed or loop.time() > deadline_secs):
            await asyncio.wait([gone], timeout=END_SECS)

    async def _send_all(self, watcher: Watcher, send: Send) -> None:
        loop = asyncio.get_running_loop()
        health_due_secs = loop.time()
        is_read = True
        while is_read:
            events = await watcher.take(max(0.0, health_due_secs - loop.time()))
            parts = [_written(watcher.run, event) for event in events]
            if loop.time() >= health_due_secs:
                parts.append(b"event: health\ndata: %b\n\n" % await self.health())
                health_due_secs = loop.time() + HEALTH_SECS
            is_read = not parts or await _within_time(send, b"".join(parts), SEND_SECS)


def _written(run: str, event: Event) -> bytes:
    return b"event: %b\nid: %b-%d\ndata: %b\n\n" % (event.kind.encode(), run.encode(), event.number, event.data)


async def _first_of(sending: Coroutine[Any, Any, None], ended: Coroutine[Any, Any, Any], gone: Task[None]) -> None:
    """Wait until the first of them is done; the first two do not go on."""
    tasks: list[Task[Any]] = [asyncio.create_task(sending), asyncio.create_task(ended)]
    try:
        await asyncio.wait([*tasks, gone], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _within_time(send: Send, body: bytes, patience_secs: float, *, more: bool = True) -> bool:
    try:
        async with asyncio.timeout(patience_secs):
            await send({"type": "http.response.body", "body": body, "more_body": more})
    except TimeoutError:
        return False
    return True


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
