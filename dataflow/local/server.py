"""A nats-server of our own, for as long as it is wanted."""

from __future__ import annotations

import fcntl
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

import orjson

from dataflow.local.binary import nats_server, start_bound
from state.errors import StopProgram

START_SECS = 15.0
STOP_SECS = 5.0
LOOK_SECS = 0.01

# Left to itself the server offers three quarters of what is free on the disk, and refuses streams that may need more.
_SETTINGS = "jetstream { max_file_store: 64GB }\n"


class LocalServer:
    """nats-server with JetStream on a free loopback port, while entered; `store` is where it keeps its streams.

    The folder is made where there is none. It belongs to one server at a time, and the next one finds what this one
    had stored. The server is ended with the context, and killed when the process dies (on Linux; enter from the main
    thread, since the kernel looks at the thread). Ctrl-C does not reach it: whoever uses it is to end first.

    Entering raises:
        StopProgram: nats-server is not installed, does not start, or the folder is in use or cannot be written.
    """

    def __init__(self, store: Path) -> None:
        self.store = store
        self.url = ""
        """Where it listens; known once entered."""
        self._process: subprocess.Popen[bytes] | None = None
        self._closing = ExitStack()
        self._log = Path()

    @property
    def pid(self) -> int | None:
        """The server's process, None while there is none."""
        return self._process.pid if self._process else None

    def check(self) -> None:
        """Look after it.

        Raises:
            StopProgram: it has ended.
        """
        if self._process is None or self._process.poll() is not None:
            raise StopProgram(f"the local NATS server has ended: {self._last_words()}")

    def __enter__(self) -> LocalServer:
        program = nats_server()
        with ExitStack() as closing:
            self._lock(closing)
            folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="ta-bot-nats-")))
            self._start(program, folder)
            closing.callback(self._end)
            self.url = self._wait_listening(folder)
            self._closing = closing.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._closing.close()

    def _lock(self, closing: ExitStack) -> None:
        try:
            self.store.mkdir(parents=True, exist_ok=True)
            lock: IO[bytes] = closing.enter_context((self.store / "lock").open("ab"))
        except OSError as error:
            raise StopProgram(f"{self.store}: cannot be written: {error.strerror or error}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StopProgram(f"{self.store}: another local NATS server is using it") from error

    def _start(self, program: Path, folder: Path) -> None:
        self._log, settings = folder / "log", folder / "nats.conf"
        settings.write_text(_SETTINGS)
        # The server itself finds a free port, and writes it down once it listens there.
        place = ["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(folder)]
        try:
            self._process = start_bound([program, "-c", settings, *place, "-js", "-sd", self.store], self._log)
        except OSError as error:
            raise StopProgram(f"{program}: cannot be started: {error.strerror or error}") from error

    def _wait_listening(self, folder: Path) -> str:
        deadline_secs = time.monotonic() + START_SECS
        while time.monotonic() < deadline_secs:
            self.check()
            for file in folder.glob("*.ports"):
                try:
                    return str(orjson.loads(file.read_bytes())["nats"][0])
                except (orjson.JSONDecodeError, KeyError, IndexError):
                    pass  # it is being written
            time.sleep(LOOK_SECS)
        raise StopProgram(f"the local NATS server does not listen after {START_SECS:g} s: {self._last_words()}")

    def _last_words(self) -> str:
        try:
            lines = self._log.read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        told = [line for line in lines if "[FTL]" in line] or [line for line in lines if line.strip()]
        return told[-1].rpartition("] ")[2].strip() if told else "it said nothing"

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()  # it writes out what it holds
        try:
            process.wait(STOP_SECS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
