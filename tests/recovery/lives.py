"""Replays that are started, watched through their recovery folder, and ended from outside."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.command import HANGS_SECS, TA_BOT, Argument, environment

POLL_SECS = 0.002


@dataclass
class Life:
    """A replay that runs, and the file that takes what it says on stderr."""

    process: subprocess.Popen[bytes]
    stderr: Path

    def said(self) -> str:
        return self.stderr.read_text()

    def members(self) -> list[int]:
        """The ids of the processes of its cluster."""
        return members_of(self.process.pid)

    def until(self, condition: Callable[[], bool]) -> bool:
        """Wait for a condition; False when the replay has ended without it."""
        deadline = time.monotonic() + HANGS_SECS
        while not condition():
            if self.process.poll() is not None:
                return condition()
            assert time.monotonic() < deadline, f"still waiting; stderr: {self.said()}"
            time.sleep(POLL_SECS)
        return True

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        return self.process.wait(HANGS_SECS)

    def kill(self) -> bool:
        """SIGKILL; whether it struck a living one."""
        self.process.kill()
        return self.process.wait(HANGS_SECS) == -9


@contextmanager
def life(
    *arguments: Argument, folder: Path, command: Sequence[Argument] = (TA_BOT,), recovery: bool = True
) -> Iterator[Life]:
    """`ta-bot replay` with a recovery folder, unless told, running; it is not left behind."""
    folder.parent.mkdir(exist_ok=True)
    stderr = folder.with_name(f"{folder.name}.stderr")
    options: list[Argument] = ["--recovery", folder, "--snapshot-secs", "0.1"] if recovery else []
    with stderr.open("wb") as said:
        process = subprocess.Popen(
            [*command, "replay", *arguments, *options],
            stdout=subprocess.DEVNULL,
            stderr=said,
            env=environment(),
        )
    try:
        yield Life(process, stderr)
    finally:
        process.kill()
        process.wait(HANGS_SECS)


def part_bytes(folder: Path) -> int:
    """How many bytes of signals are in a recovery folder."""
    return sum(path.stat().st_size for path in folder.glob("signals-*.part"))


def is_gone(pid: int) -> bool:
    """Whether a process has ended, though nobody may have asked for its exit code yet."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"


def await_gone(pids: Sequence[int]) -> None:
    """Wait until processes have ended."""
    deadline = time.monotonic() + HANGS_SECS
    while not all(map(is_gone, pids)):
        assert time.monotonic() < deadline, f"still there: {pids}"
        time.sleep(POLL_SECS)


def stored_snapshots(folder: Path) -> dict[str, bytes]:
    """The pickled snapshot of every analyzed key, as of the last epoch, in the folder of an ended replay."""
    latest: dict[str, tuple[int, bytes]] = {}
    for path in sorted((folder / "snapshots").glob("*.sqlite3")):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute(
                "SELECT state_key, snap_epoch, ser_change FROM snaps WHERE step_id LIKE '%.analyze'"
            ).fetchall()
        for key, epoch, pickled in rows:
            latest[key] = max(latest.get(key, (-1, b"")), (epoch, pickled))
    return {key: pickled for key, (_, pickled) in latest.items()}


def last_open_ms(folder: Path) -> dict[str, int]:
    """The open time of the last bar of every key, by its snapshot."""
    found: dict[str, Any] = {key: pickle.loads(pickled) for key, pickled in stored_snapshots(folder).items()}  # noqa: S301
    return {key: snapshot["last_open_ms"] for key, snapshot in found.items()}


def rewrite_snapshots(folder: Path, rewrite: Callable[[dict[str, Any]], object]) -> None:
    """Put something else in the place of every analyzed key's snapshots, in the folder of an ended replay."""
    for path in (folder / "snapshots").glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute("SELECT rowid, ser_change FROM snaps WHERE step_id LIKE '%.analyze'").fetchall()
            for row, pickled in rows:
                new = pickle.dumps(rewrite(pickle.loads(pickled)))  # noqa: S301
                database.execute("UPDATE snaps SET ser_change = ? WHERE rowid = ?", (new, row))
            database.commit()


def members_of(pid: int) -> list[int]:
    """The ids of the processes of the cluster that a process has started."""
    return [child for child in _children(pid) if "spawn_main" in _command_line(child)]


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
