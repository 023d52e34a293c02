"""`ta-bot run` in a process of its own, for tests that stop, kill and start it again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import orjson
from prometheus_client.parser import text_string_to_metric_families

from tests.nats_server import free_ports, wait_until
from tests.recovery.lives import members_of

# A bot that has not ended by then never will.
ENDS_SECS = 60.0

# Each process of a cluster has one.
PORTS = 2

TA_BOT = Path(sys.executable).with_name("ta-bot")


class LiveBot:
    """The bot with settings of its own; started again, it goes on with the same ones."""

    def __init__(self, url: str, folder: Path, *options: str, **settings: str) -> None:
        self.log = folder / "bot.log"
        self.health_port = free_ports(PORTS)
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
        self.ended_in_secs = 0.0
        """How long the last `end` took."""

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
        began_secs = time.monotonic()
        code, self.process = self.process.wait(ENDS_SECS), None
        self.ended_in_secs = time.monotonic() - began_secs
        return code

    def wait_ended(self) -> int:
        """Wait until it ends by itself; the exit code."""
        assert self.process is not None
        code, self.process = self.process.wait(ENDS_SECS), None
        return code

    def alive(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def members(self) -> list[int]:
        """The ids of the processes of its cluster."""
        assert self.process is not None
        return members_of(self.process.pid)

    def said(self) -> str:
        """All that it has written."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def complaints(self, since: int = 0) -> str:
        """The lines, of all that it has written from a place on, that are not just for information."""
        return "".join(line for line in self.said()[since:].splitlines(keepends=True) if not line.startswith("INFO "))

    def check_log(self) -> None:
        """No life may have shown what is for developers only."""
        said = self.said()
        assert "Traceback" not in said, said[-4000:]
        assert "panicked" not in said, said[-4000:]

    def readiness(self, member: int = 0) -> dict[str, object]:
        """What /ready of a member of its cluster says, {} while nobody answers."""
        status, text = self._get("/ready", member)
        if not status:
            return {}
        found: dict[str, object] = orjson.loads(text)
        assert found["ready"] is (status == 200)
        return found

    def keys(self) -> dict[str, int]:
        """How many keys /ready says are in which state, none while nobody answers."""
        found = self.readiness().get("keys", {})
        assert isinstance(found, dict)
        return {state: count for state, count in found.items() if count}

    def counted(self, name: str, member: int = 0) -> float:
        """The sum of the series of this name in /metrics of a member of its cluster; 0 while nobody answers."""
        status, text = self._get("/metrics", member)
        family = name.removesuffix("_count")  # of a histogram
        assert not status or f"# TYPE {family} " in text, f"nothing is counted as {name}"
        series = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return sum(float(value) for found, _, value in series if found.partition("{")[0] == name)

    def series(self, name: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values of the series of this name in /metrics."""
        return series_in(self._get("/metrics", 0)[1], name)

    def health(self) -> dict[str, Any]:
        """What /health says."""
        found: dict[str, Any] = orjson.loads(self._get("/health", 0)[1])
        return found

    def live(self) -> bool:
        """Whether /live says that it need not be started anew."""
        return self._get("/live", 0)[0] == 200

    def wait_counted(self, name: str, count: float) -> None:
        """Wait until it has counted so many."""
        wait_until(lambda: self.counted(name) >= count, f"{name} to be {count}")

    def wait_ready(self) -> None:
        """Wait until it says so."""
        wait_until(lambda: self.readiness().get("ready"), "the bot to be ready")

    def _get(self, path: str, member: int = 0) -> tuple[int, str]:
        """Status and text of what a member of its cluster answers, 0 and nothing while it does not."""
        connection = HTTPConnection("127.0.0.1", self.health_port + member, timeout=5.0)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, HTTPException):
            assert self.alive(), f"the bot has ended: {self.said()[-4000:]}"
            return 0, ""
        finally:
            connection.close()


def series_in(text: str, name: str) -> list[tuple[dict[str, str], float]]:
    """The labels and values of the series of a name, in what is read from /metrics."""
    families = text_string_to_metric_families(text)
    return [(one.labels, one.value) for family in families for one in family.samples if one.name == name]


@contextmanager
def live_bot(url: str, folder: Path, *options: str, **settings: str) -> Iterator[LiveBot]:
    """A bot that is killed at the end, if it still runs; nothing is started."""
    bot = LiveBot(url, folder, *options, **settings)
    try:
        yield bot
    finally:
        if bot.process is not None:
            bot.end(signal.SIGKILL)
