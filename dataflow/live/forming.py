"""The time in which the members of a cluster look for each other, when nothing has been read yet.

Bytewax waits for all of them for ever, deaf to signals. Should one be started anew meanwhile, those that had found it
do not notice, and each waits for another.
"""

from __future__ import annotations

import logging
import os
import random
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from dataflow.stopping import Stop

log = logging.getLogger(__name__)

FORMING_SECS = (20.0, 40.0)
"""After how long a member begins anew; by chance, lest all take turns in missing each other."""

LOOK_SECS = 0.25

# Who looks at its connections, closes them sooner once the other side has.
LOST_SECS = 1.0

_TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_ESTABLISHED, _CLOSED_THERE = "01", "08"


def watch_forming(has_formed: Callable[[], bool], stop: Stop) -> None:
    """Until `has_formed`, end at once when a signal asks for it, and begin anew when a member is lost or it takes long.

    `stop` must handle signals already. While Bytewax waits it does not hear of them, but the kernel tells. To be called
    from the main thread.
    """
    told, tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(has_formed, stop, told), name="forming", daemon=True).start()


def _watch(has_formed: Callable[[], bool], stop: Stop, told: int) -> None:
    connections = _Connections()
    began_secs = lost_secs = time.monotonic()
    patience_secs = random.uniform(*FORMING_SECS)
    while not has_formed():
        is_told = bool(select.select([told], [], [], LOOK_SECS)[0])
        now_secs = time.monotonic()
        if not connections.is_one_lost():
            lost_secs = now_secs
        if has_formed():
            return
        if is_told or stop.requested:
            os._exit(0)
        if now_secs > min(lost_secs + LOST_SECS, began_secs + patience_secs):
            log.warning("not all members of the cluster are there: looking for them anew")
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # this very program


class _Connections:
    """Those that this process has made since, as the kernel has them."""

    def __init__(self) -> None:
        self._before = _own_sockets()
        self._met: set[str] = set()

    def is_one_lost(self) -> bool:
        """Whether the other side has closed one that is still open here."""
        states = _states()
        own = _own_sockets() - self._before
        self._met |= {socket for socket in own if states.get(socket) in (_ESTABLISHED, _CLOSED_THERE)}
        return any(states.get(socket) != _ESTABLISHED for socket in own & self._met)


def _own_sockets() -> set[str]:
    """The sockets that this process has open, by what the kernel calls them."""
    names = []
    with suppress(OSError):  # where there is no /proc, only patience helps
        for handle in Path("/proc/self/fd").iterdir():
            with suppress(OSError):
                names.append(str(handle.readlink()))
    return {name[8:-1] for name in names if name.startswith("socket:[")}


def _states() -> dict[str, str]:
    lines = [line.split() for table in _TABLES if table.exists() for line in table.read_text().splitlines()[1:]]
    return {columns[9]: columns[3] for columns in lines}
