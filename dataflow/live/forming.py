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

from dataflow.stopping import Stop

log = logging.getLogger(__name__)

FORMING_SECS = (20.0, 40.0)
"""After how long a member begins anew; by chance, lest all take turns in missing each other."""

LOOK_SECS = 0.1


def watch_forming(has_formed: Callable[[], bool], stop: Stop) -> None:
    """Until `has_formed`, end at once when a signal asks for it, and begin anew when it takes long.

    `stop` must handle signals already. While Bytewax waits it does not hear of them, but the kernel tells. To be called
    from the main thread.
    """
    told, tells = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(has_formed, stop, told), name="forming", daemon=True).start()


def _watch(has_formed: Callable[[], bool], stop: Stop, told: int) -> None:
    deadline_secs = time.monotonic() + random.uniform(*FORMING_SECS)
    while not has_formed():
        is_told = bool(select.select([told], [], [], LOOK_SECS)[0])
        if (is_told or stop.requested) and not has_formed():
            os._exit(0)
        if time.monotonic() > deadline_secs and not has_formed():
            log.warning("not all members of the cluster are there: looking for them anew")
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606  # this very program
