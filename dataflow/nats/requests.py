"""Many requests at once: sent one after the other, answered in any order, on one subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from dataflow.nats.connection import Connection
from dataflow.nats.errors import TryAgain

# How many requests are under way at once.
UNDER_WAY = 256


class Request(NamedTuple):
    """What is asked."""

    subject: str
    payload: bytes
    headers: dict[str, str]


class _Asked:
    """The answers to one call."""

    def __init__(self, size: int) -> None:
        self.answers: list[Msg | None] = [None] * size
        self.under_way = 0
        self.came = asyncio.Event()

    def answer(self, index: int, message: Msg) -> None:
        self.answers[index] = message
        self.under_way -= 1
        self.came.set()


class Requests:
    """Asks many things at a fifth of what asking them one by one would cost."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._client: Client | None = None
        self._inbox = ""
        self._numbers = count()
        self._asked: dict[str, tuple[_Asked, int]] = {}
        self._one = asyncio.Lock()

    async def ask_all(self, requests: Sequence[Request], under_way: int = UNDER_WAY) -> list[Msg | None]:
        """The answers, in the order of `requests`; None where none came while there was hope for one.

        At most `under_way` wait for their answers at once.
        """
        client = await self.connection.client()
        generation = self.connection.generation
        asked = _Asked(len(requests))
        tokens: list[str] = []
        lost = asyncio.create_task(self.connection.lost(generation))
        lost.add_done_callback(lambda _: asked.came.set())
        try:
            inbox = await self._answers_to(client)
            for index, (subject, payload, headers) in enumerate(requests):
                await self._wait(asked, lost, under_way - 1)
                token = f"{inbox}.{next(self._numbers)}"
                tokens.append(token)
                self._asked[token] = (asked, index)
                asked.under_way += 1
                await client.publish(subject, payload, token, headers)
            await self._wait(asked, lost, 0)
        except (TryAgain, Error, OSError):
            pass  # whoever asked sees which answers are missing
        finally:
            lost.cancel()
            for token in tokens:
                self._asked.pop(token, None)
        return asked.answers

    async def _wait(self, asked: _Asked, lost: asyncio.Task[None], most: int) -> None:
        """Wait until at most so many are under way."""
        while asked.under_way > most:
            asked.came.clear()
            try:
                await asyncio.wait_for(asked.came.wait(), self.connection.options.request_timeout_secs)
            except TimeoutError as error:
                raise TryAgain("no answer") from error
            if lost.done():
                raise TryAgain("the connection was lost")

    async def _answers_to(self, client: Client) -> str:
        """Where answers go: a subscription that lives as long as the client."""
        async with self._one:
            if self._client is not client:
                self._inbox = client.new_inbox()
                await client.subscribe(f"{self._inbox}.*", cb=self._on_answer)
                self._client = client
            return self._inbox

    async def _on_answer(self, message: Msg) -> None:
        found = self._asked.pop(message.subject, None)
        if found is not None:
            asked, index = found
            asked.answer(index, message)
