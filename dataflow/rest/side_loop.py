"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SideLoop:
    """What runs here delays nothing elsewhere: neither by its work nor by the threads that look up names for it.

    It starts when it is first used.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = self._closed = False

    async def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await a coroutine that runs here; cancelling the one cancels the other. From one thread only."""
        if not self._started:
            self._started = True
            self._thread.start()
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def close(self, last: Callable[[], Coroutine[Any, Any, None]], timeout_secs: float) -> None:
        """Cancel what runs, run something last, and end; again is once."""
        if self._closed:
            return
        self._closed = True
        if not self._started:
            self._loop.close()
            return
        asyncio.run_coroutine_threadsafe(self._end(last), self._loop)
        self._thread.join(timeout_secs)

    def _run(self) -> None:
        self._loop.run_forever()
        self._loop.close()

    async def _end(self, last: Callable[[], Coroutine[Any, Any, None]]) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
            await last()
        finally:
            self._loop.stop()
