"""A real nats-server for tests, and a client that knows nothing of the project's own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any, NamedTuple, TypeVar

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import api

T = TypeVar("T")

PATIENCE_SECS = 60.0


def wait_until(condition: Callable[[], object], what: str, patience_secs: float = PATIENCE_SECS) -> None:
    """Wait for a condition; the test fails when it does not come.

    Looks are further apart the longer it takes: most ask the program that is waited for, which then works less.
    """
    began_secs = time.monotonic()
    while not condition():
        waited_secs = time.monotonic() - began_secs
        if waited_secs > patience_secs:
            pytest.fail(f"waited {patience_secs:g} s for: {what}")
        time.sleep(min(max(waited_secs / 20, 0.005), 0.05))


def states_of(pid: int) -> list[str]:
    """The states of a process's threads, as the kernel calls them: T is stopped."""
    return [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]


def free_port() -> int:
    return free_ports(1)


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, below those that connections of others take by themselves."""
    for _ in range(1000):
        first = SystemRandom().randrange(10_000, 32_000)
        with ExitStack() as probes:
            try:
                for port in range(first, first + count):
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    pytest.fail(f"there are no {count} free ports in a row")


class NatsServer:
    """nats-server with JetStream on a port of its own; killed and started again it has the same port and store."""

    def __init__(self, folder: Path, settings: str = "") -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.store = folder / "store"
        self.settings = folder / "nats.conf"
        self.set(settings)
        self.process: subprocess.Popen[bytes] | None = None

    def set(self, settings: str) -> None:
        """Have other settings from its next start on."""
        self.settings.write_text(settings)

    def start(self) -> None:
        binary = Path(sys.executable).parent / "nats-server"
        address = ["-a", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(
            [binary, "-c", self.settings, *address, "-js", "-sd", self.store],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._listens, "nats-server to listen")

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def freeze(self) -> None:
        """Let it say nothing more, with its connections open."""
        self._process.send_signal(signal.SIGSTOP)
        wait_until(lambda: set(states_of(self._process.pid)) == {"T"}, "nats-server to be frozen")

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Lose everything that a killed server had stored."""
        shutil.rmtree(self.store)

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def _listens(self) -> bool:
        assert self._process.poll() is None, "nats-server ended"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as connection:
                return connection.recv(4) == b"INFO"
        except OSError:
            return False


class Stored(NamedTuple):
    """A message that a stream holds."""

    subject: str
    seq: int
    headers: dict[str, str]
    data: bytes


class Peer:
    """Another program on NATS: a producer, a subscriber, an operator."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url = url
        self.options = options
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.client: Client = self.run(self._connect())
        self.heard: dict[str, list[bytes]] = {}

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE_SECS)

    def publish(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Publish with plain NATS, as producers do, and wait until the server has it all."""

        async def send() -> None:
            for subject, payload in messages:
                await self.client.publish(subject, payload)
            await self.client.flush(60)

        self.run(send())

    def wait_back(self) -> None:
        """Wait until the server, which was away, answers again."""

        async def answers() -> bool:
            try:
                await self.client.jetstream(timeout=1).account_info()
            except (nats.errors.Error, OSError):
                return False
            return True

        wait_until(lambda: self.run(answers()), "the server to answer again")

    def listen(self, subject: str) -> list[bytes]:
        """A list that grows by what a plain subscriber hears."""
        heard = self.heard.setdefault(subject, [])

        async def keep(message: Msg) -> None:
            heard.append(message.data)

        async def subscribe() -> None:
            await self.client.subscribe(subject, cb=keep)
            await self.client.flush()

        self.run(subscribe())
        return heard

    def add_stream(self, name: str, *subjects: str, **settings: Any) -> None:
        self.run(self.client.jetstream().add_stream(name=name, subjects=list(subjects), **settings))

    def stream(self, name: str) -> api.StreamInfo:
        return self.run(self.client.jetstream().stream_info(name))

    def count(self, stream: str, subjects: str) -> int:
        """How many messages a stream holds on these subjects."""
        info = self.run(self.client.jetstream().stream_info(stream, subjects_filter=subjects))
        return sum((info.state.subjects or {}).values())

    def streams(self) -> list[str]:
        return sorted(str(info.config.name) for info in self.run(self.client.jetstream().streams_info()))

    def consumers(self, stream: str) -> list[str]:
        return [str(info.name) for info in self.run(self.client.jetstream().consumers_info(stream))]

    def stored(self, name: str) -> list[Stored]:
        """Everything that a stream holds."""

        async def read() -> list[Stored]:
            jetstream = self.client.jetstream()
            count = (await jetstream.stream_info(name)).state.messages
            config = api.ConsumerConfig(ack_policy=api.AckPolicy.NONE)
            puller = await jetstream.pull_subscribe("", stream=name, config=config)
            found: list[Stored] = []
            while len(found) < count:
                for message in await puller.fetch(min(500, count - len(found)), timeout=30):
                    seq = message.metadata.sequence.stream
                    found.append(Stored(message.subject, seq, message.headers or {}, message.data))
            await puller.unsubscribe()
            return found

        return self.run(read())

    def close(self) -> None:
        self.run(self.client.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _connect(self) -> Client:
        async def ignore(_: Exception) -> None:
            return None

        return await nats.connect(
            self.url,
            error_cb=ignore,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0,
            pending_size=2**26,
            **self.options,
        )


@contextmanager
def running_server(folder: Path, settings: str = "") -> Iterator[NatsServer]:
    folder.mkdir(parents=True, exist_ok=True)
    server = NatsServer(folder, settings)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            os.kill(server.process.pid, signal.SIGCONT)
        server.kill()


@contextmanager
def peer_of(server: NatsServer, **options: Any) -> Iterator[Peer]:
    """Another program on a server, with options of its client."""
    peer = Peer(server.url, **options)
    try:
        yield peer
    finally:
        peer.close()
