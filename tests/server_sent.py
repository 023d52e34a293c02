"""A client of server-sent events that knows nothing of the project's own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import httpx
import orjson

from tests.nats_server import wait_until


class Sent(NamedTuple):
    """An event as it came: an id where it has one, its kind, and what its JSON says."""

    id: str
    kind: str
    content: dict[str, object]


class Listener:
    """Everything that a stream sends, gathered on a thread."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.events: list[Sent] = []
        self.ended = threading.Event()
        """Set once the stream has come to a proper end."""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def of(self, kind: str) -> list[Sent]:
        return [event for event in list(self.events) if event.kind == kind]

    def wait_for(self, kind: str, count: int = 1) -> list[Sent]:
        wait_until(lambda: len(self.of(kind)) >= count, f"{count} events {kind}")
        return self.of(kind)

    def join(self) -> None:
        self._thread.join()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.answer.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                elif fields:
                    self.events.append(Sent(fields.get("id", ""), fields["event"], orjson.loads(fields["data"])))
                    fields = {}
        except (httpx.HTTPError, httpx.StreamError):
            return
        self.ended.set()


@contextmanager
def listening(url: str, last_id: str | None = None, token: str = "") -> Iterator[Listener]:
    """A stream that is read while entered."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with httpx.Client(trust_env=False, timeout=60) as client, client.stream("GET", url, headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        yield Listener(answer)
