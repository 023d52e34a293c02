"""The connection to NATS: one client on one event loop in a thread of its own, for the whole process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error, NoRespondersError

from dataflow.nats import counts
from dataflow.nats.client import UrlClient
from dataflow.nats.credentials import read_credentials
from dataflow.nats.errors import AskOperator, TryAgain
from dataflow.nats.servers import servers_of
from state.tls import TlsFiles

log = logging.getLogger(__name__)

T = TypeVar("T")

API = "$JS.API"

# JetStream's answers that pass by themselves: a cluster electing its leader, storage catching up.
_PASSING_STATUS = 503

# Of one absence: an attempt may fail for another reason each time.
_REASONS_SAID = 8


NO_FILES = TlsFiles("NATS")


@dataclass(frozen=True)
class NatsOptions:
    """Where NATS is, what opens it, and how patient to be; `url` may be several with commas between them.

    The files are read at every attempt to connect, so that others may be put in their places at any time.

    Raises:
        StopProgram: the URL is not possible, or a file is not usable.
    """

    url: str = field(default="nats://localhost:4222", repr=False)
    name: str = "ta-bot"
    connect_timeout_secs: float = 3.0
    reconnect_wait_secs: float = 0.25
    request_timeout_secs: float = 3.0
    ping_interval_secs: int = 10
    """How long a silent peer stays unnoticed, times three."""
    tls: TlsFiles = NO_FILES
    creds_file: Path | None = None

    def __post_init__(self) -> None:
        servers_of(self.url)  # what is not possible is refused here
        if self.tls:
            self.tls.for_client()
        self._for_user()

    def for_client(self) -> dict[str, Any]:
        """What the client is told, besides where the servers are."""
        return {
            "name": self.name,
            "connect_timeout": self.connect_timeout_secs,
            "ping_interval": self.ping_interval_secs,
            **self._for_user(),
        }

    def _for_user(self) -> dict[str, Any]:
        if self.creds_file is None:
            return {}
        credentials = read_credentials(self.creds_file)
        return {"user_jwt_cb": credentials.token, "signature_cb": credentials.sign}


class Connection:
    """Stays connected for as long as it is open, with a new client whenever one is lost.

    Clients do not reconnect by themselves: a lost one is thrown away with everything that waited in it, and whoever
    used it begins anew. So there is one way to recover, from whatever happened. Threads use `submit`; everything
    `async` runs on the connection's own loop. It starts when it is first used.
    """

    def __init__(self, options: NatsOptions) -> None:
        self.options = options
        self.generation = 0
        """How often it has connected."""
        self._loop = asyncio.new_event_loop()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self._client: Client | None = None
        self._up, self._down, self._closing = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._deadlines: set[asyncio.Timeout] = set()
        self._last_error = self._reason = ""
        self._said: set[str] = set()

    @property
    def connected(self) -> bool:
        """Whether NATS is there, as far as is known."""
        return self._up.is_set()

    @property
    def trouble(self) -> str | None:
        """Why NATS is away, None while it is not."""
        return None if self.connected else self._reason or "not connected yet"

    def start(self) -> None:
        """Begin to connect, in the background; again is once."""
        with self._starting:
            if self._closed:
                raise RuntimeError("the connection to NATS is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="nats", daemon=True)
                self._thread.start()

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the connection's loop."""
        self.start()
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def wait_connected(self, timeout_secs: float) -> bool:
        """Wait until NATS is there, at most so long."""
        future = self.submit(self.client())
        try:
            future.result(timeout_secs)
        except WaitedTooLong:
            future.cancel()
        return self.connected

    def close(self, timeout_secs: float = 5.0) -> None:
        """Disconnect and end the thread."""
        with self._starting:
            self._closed, thread = True, self._thread
        if thread is None:
            self._loop.close()
        elif thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(timeout_secs)

    def __enter__(self) -> Connection:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def client(self) -> Client:
        """The client, once there is one that is connected."""
        while self._client is None:
            await self._up.wait()
        return self._client

    async def lost(self, generation: int) -> None:
        """Wait until the client of a generation is gone."""
        if self.generation == generation and self.connected:
            await self._down.wait()

    async def request(self, subject: str, payload: bytes = b"", headers: dict[str, str] | None = None) -> Msg:
        """Ask and wait for the answer.

        Raises:
            TryAgain: there was none.
        """
        client = await self.client()
        timeout_secs = self.options.request_timeout_secs
        try:
            async with asyncio.timeout(timeout_secs) as deadline:
                self._deadlines.add(deadline)
                try:
                    return await client.request(subject, payload, 2 * timeout_secs, headers=headers)
                finally:
                    self._deadlines.discard(deadline)
        except NoRespondersError as error:
            raise TryAgain(f"nobody answers on {subject}: does JetStream run, and does the stream exist?") from error
        except (TimeoutError, Error, OSError) as error:
            raise TryAgain(f"{subject}: {_words(error)}") from error

    async def ask(self, name: str, body: object = None) -> dict[str, Any]:
        """Ask JetStream's API, such as `STREAM.INFO.KLINES`.

        Raises:
            TryAgain: there was no answer.
            AskOperator: the answer was an error.
        """
        message = await self.request(f"{API}.{name}", b"" if body is None else orjson.dumps(body))
        return answer_of(message, name)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        keeper = self._loop.create_task(self._keep_connected())
        try:
            self._loop.run_forever()
            keeper.cancel()
            self._loop.run_until_complete(self._disconnect())
        finally:
            self._loop.close()

    async def _keep_connected(self) -> None:
        while True:
            client = await self._connected_client()
            if client is None:
                self._say_away()
                await asyncio.sleep(self.options.reconnect_wait_secs)
                continue
            self._come_up(client)
            while not client.is_closed:  # it does not always say so
                try:
                    await asyncio.wait_for(self._closing.wait(), 0.5)
                except TimeoutError:
                    continue
            self._go_down()
            await _throw_away(client)

    async def _connected_client(self) -> Client | None:
        client, options = UrlClient(self.options.tls), self.options
        self._closing.clear()
        self._last_error = ""
        try:
            await self._connect(client, options)
        except Exception as error:  # noqa: BLE001  # whatever it was, the next attempt may do better
            self._last_error = self._last_error or _words(error)
            await _throw_away(client)
            return None
        except asyncio.CancelledError:
            await _throw_away(client)
            raise
        return client

    async def _connect(self, client: Client, options: NatsOptions) -> None:
        servers = servers_of(options.url)
        attempt = client.connect(
            servers,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            error_cb=self._on_error,
            closed_cb=self._on_closed,
            **options.for_client(),
        )
        await asyncio.wait_for(attempt, options.connect_timeout_secs * len(servers))

    def _come_up(self, client: Client) -> None:
        self._client = client
        self.generation += 1
        self._down.clear()
        self._up.set()
        counts.CONNECTED.set(1)
        self._said.clear()
        self._last_error = ""
        log.info("NATS is connected: %s", self.options.url.rpartition("@")[2])

    def _go_down(self) -> None:
        self._client = None
        self._up.clear()
        self._down.set()
        counts.CONNECTED.set(0)
        for deadline in self._deadlines:  # no answer will come on a connection that is gone
            if not deadline.expired():
                deadline.reschedule(self._loop.time())
        self._say_away()

    def _say_away(self) -> None:
        self._reason = self._last_error or "the connection was closed"
        if self._reason not in self._said and len(self._said) < _REASONS_SAID:
            self._said.add(self._reason)
            log.warning("NATS is away, trying again: %s", self._reason)

    async def _on_error(self, error: Exception) -> None:
        self._last_error = _words(error)

    async def _on_closed(self) -> None:
        self._closing.set()

    async def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._up.clear()
        self._down.set()
        counts.CONNECTED.set(0)
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if client is not None:
            await _throw_away(client)
        if tasks:
            ended, _ = await asyncio.wait(tasks, timeout=2.0)
            for task in ended:  # a client that is given up while it connects has something to say, too late
                _ = task.cancelled() or task.exception()
        await asyncio.sleep(0)  # what was closed is let go of in the next round of the loop


def answer_of(message: Msg | None, asked: str) -> dict[str, Any]:
    """JetStream's answer to what was asked; None is none.

    Raises:
        TryAgain: it is not one, or an error that passes.
        AskOperator: it is an error.
    """
    if message is None:
        raise TryAgain(f"{asked}: no answer")
    if message.headers and message.headers.get("Status") == str(_PASSING_STATUS):
        raise TryAgain(f"nobody answers on {asked}: does JetStream run, and does the stream exist?")
    try:
        answer: dict[str, Any] = orjson.loads(message.data)
        error = answer.get("error")
    except (orjson.JSONDecodeError, AttributeError) as failure:
        raise TryAgain(f"{asked}: answered {message.data[:60]!r}") from failure
    if error is None:
        return answer
    reason = f"{asked}: {error.get('description', 'refused')}"
    if error.get("code") == _PASSING_STATUS:
        raise TryAgain(reason)
    raise AskOperator(reason, error.get("err_code", 0))


async def _throw_away(client: Client) -> None:
    try:
        await asyncio.wait_for(client.close(), 1.0)
    except Exception as error:  # noqa: BLE001  # what matters is that the socket is closed
        log.debug("closing a NATS client: %s", error)
    finally:
        # A client whose connection breaks while it closes gives up half way, and closing it again does nothing.
        transport: Any = client._transport
        if transport is not None:
            transport.close()


def _words(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
