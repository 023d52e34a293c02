"""A real HTTP server for tests, on a port of its own; stopped and started again it has the same port."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import NamedTuple

from tests.nats_server import free_port


class Posted(NamedTuple):
    """A request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        return self.headers["idempotency-key"]


class Reply(NamedTuple):
    """What the server says to one."""

    status: int = 200
    headers: Mapping[str, str] = MappingProxyType({})
    body: bytes = b"{}"


def accept(_: Posted) -> Reply:
    return Reply()


class HttpServer:
    """`reply` says what is answered; it may block, which only holds that one request up."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.port = free_port()
        self.tls = tls
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/signals"
        self.posted: list[Posted] = []
        self.reply: Callable[[Posted], Reply] = accept
        self.let_go = threading.Event()
        self._server: _Server | None = None

    def hang(self, _: Posted) -> Reply:
        """A reply that does not come while the server runs."""
        self.let_go.wait()
        return Reply(503)

    def keys(self) -> list[str]:
        return [posted.key for posted in self.posted]

    def start(self) -> None:
        self.let_go.clear()
        self._server = _Server(("127.0.0.1", self.port), _handler_of(self))
        if self.tls:
            self._server.socket = self.tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.let_go.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.cut()
            self._server = None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(address, handler)

    def cut(self) -> None:
        """End the connections that are kept alive."""
        for one in list(self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _handler_of(server: HttpServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            self.server.open.add(self.connection)  # type: ignore[attr-defined]

        def finish(self) -> None:
            super().finish()
            self.server.open.discard(self.connection)  # type: ignore[attr-defined]

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted = Posted(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            server.posted.append(posted)
            reply = server.reply(posted)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            return None

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                self.close_connection = True  # the client went away, as it may

    return Handler


@contextmanager
def running_http_server(tls: ssl.SSLContext | None = None) -> Iterator[HttpServer]:
    server = HttpServer(tls)
    server.start()
    try:
        yield server
    finally:
        server.stop()
