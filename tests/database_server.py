"""A database server as a process of its own, on a data folder and a port of its own."""

from __future__ import annotations

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.nats_server import free_port, wait_until

PORTS_TRIED = 5


class DatabaseServer(ABC):
    """Started again it has the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """What runs it."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it does."""

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = process = subprocess.Popen(self.command(), stdout=log, stderr=log)
        wait_until(lambda: process.poll() is not None or self.answers(), f"{type(self).__name__} to answer")
        if process.poll() is not None:
            self.process = None
            raise RuntimeError((self.folder / "log").read_text(errors="replace")[-2000:])

    def start_somewhere(self) -> None:
        """Start it for the first time; somebody may be faster to take its port."""
        for left in reversed(range(PORTS_TRIED)):
            try:
                self.start()
                break
            except RuntimeError:
                if not left:
                    raise
                self.port = free_port()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait()
            self.process = None

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Killed for as long as this is entered."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Takes connections, and says nothing, for as long as this is entered."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)
