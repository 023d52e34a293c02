"""`ta-bot run` in a process of its own, for tests that stop, kill and start it again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.nats_server import free_port, wait_until

TA_BOT = Path(sys.executable).with_name("ta-bot")


class LiveBot:
    """The bot with settings of its own; started again, it goes on with the same ones."""

    def __init__(self, url: str, folder: Path, *options: str, **settings: str) -> None:
        self.log = folder / "bot.log"
        self.health_port = free_port()
        self.command = [str(TA_BOT), "run", "--recovery", str(folder / "recovery"), *options]
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in {"LOG_LEVEL", "COLUMNS"}},
            "NATS_URL": url,
            "MYSQL_URI": f"sqlite:///{folder / 'history.sqlite3'}",
            "SUPPORTED_SYMBOLS": "*",
            "SUPPORTED_TIMEFRAMES": "*",
            "SNAPSHOT_SECONDS": "0.2",
            "HEALTH_PORT": str(self.health_port),
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; does not wait."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log, env=self.environment)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code, self.process = self.process.wait(60), None
        return code

    def readiness(self) -> dict[str, object]:
        """What /ready says, {} while nobody answers."""
        try:
            answer = httpx.get(f"http://127.0.0.1:{self.health_port}/ready", timeout=5.0)
        except httpx.TransportError:
            return {}
        found: dict[str, object] = answer.json()
        assert found["ready"] is (answer.status_code == 200)
        return found

    def wait_ready(self) -> None:
        """Wait until it says so."""
        wait_until(lambda: self.readiness().get("ready"), "the bot to be ready")


@contextmanager
def live_bot(url: str, folder: Path, *options: str, **settings: str) -> Iterator[LiveBot]:
    """A bot that is killed at the end, if it still runs; nothing is started."""
    bot = LiveBot(url, folder, *options, **settings)
    try:
        yield bot
    finally:
        if bot.process is not None:
            bot.end(signal.SIGKILL)
