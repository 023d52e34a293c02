"""What the sidecar makes of the bot's server of health, and of servers that are none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import pytest

from dataflow.api.flow_health import FlowHealth
from tests.nats_server import free_port

Pages = dict[str, tuple[int, bytes]]


@contextmanager
def serving(pages: Pages) -> Iterator[str]:
    """The URL of a server of some pages; one that is None never answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = pages.get(self.path, (404, b""))
            if not status:
                ending.wait(10)
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    ending = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://user:secret@127.0.0.1:{server.server_port}"
    finally:
        ending.set()
        server.shutdown()
        thread.join()
        server.server_close()


WELL = {"ok": True, "trouble": None}
HEALTH = {"status": "healthy", "ready": True, "nats": WELL}
BAD_NATS = {"ok": False, "trouble": "connection refused"}


@pytest.mark.parametrize(
    ("pages", "ready", "trouble"),
    [
        ({"/health": (200, HEALTH)}, True, None),
        ({"/ready": (200, {"ready": True, "keys": {"seeded": 2}})}, True, None),
        ({"/ready": (503, {"ready": False, "nats": {"connected": False}})}, False, "The bot is not ready yet."),
        (
            {"/health": (200, HEALTH | {"ready": False, "nats": BAD_NATS})},
            False,
            "The bot is not ready: nats: connection refused.",
        ),
        (
            {"/health": (200, HEALTH | {"rest": BAD_NATS})},
            True,
            "The bot works, but rest: connection refused.",
        ),
        ({"/health": (200, HEALTH | {"bars": {"trouble": "15m: due for 9 s"}})}, True, None),
    ],
)
def test_what_the_bot_says_becomes_a_sentence(
    pages: dict[str, tuple[int, object]], ready: bool, trouble: str | None
) -> None:
    served = {path: (status, orjson.dumps(content)) for path, (status, content) in pages.items()}
    with serving(served) as url, closing(FlowHealth(url)) as flow:
        found = flow.ask()
    assert (found.reachable, found.ready, found.trouble) == (True, ready, trouble)
    assert found.details == next(iter(pages.values()))[1]


@pytest.mark.parametrize(
    ("pages", "how"),
    [
        ({}, "answers, but not as the bot does"),
        ({"/health": (200, b"<html>")}, "answers, but not as the bot does"),
        ({"/health": (200, b"[]")}, "answers, but not as the bot does"),
        ({"/health": (200, b'{"a": "' + b"x" * 300_000 + b'"}')}, "answers, but not as the bot does"),
        ({"/health": (0, b"")}, "does not answer in time"),
    ],
)
def test_what_is_not_the_bot_is_told(pages: Pages, how: str) -> None:
    with serving(pages) as url, closing(FlowHealth(url)) as flow:
        found = flow.ask()
    assert (found.reachable, found.ready, found.details) == (False, None, {})
    assert found.trouble == f"The bot at {url.replace('user:secret@', '')} {how}."


def test_where_nobody_is_that_is_told() -> None:
    port = free_port()
    with closing(FlowHealth(f"http://127.0.0.1:{port}")) as flow:
        assert flow.ask().trouble == f"The bot at http://127.0.0.1:{port} does not answer."
