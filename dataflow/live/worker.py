"""The live flow as a process of a cluster that Bytewax's own command runs.

`python -m bytewax.run dataflow.live.worker:flow -r SNAPSHOTS -s 10 -b 0 -i INDEX -a HOST:PORT;HOST:PORT` with the same
variables as `ta-bot run`. SNAPSHOTS is the folder `snapshots` in one that `ta-bot recovery init` made: of process 0 the
one with the snapshots of all, of the others an empty one of their own.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from contextlib import ExitStack
from types import TracebackType

from bytewax.dataflow import Dataflow

from dataflow.cluster import innermost
from dataflow.live.forming import watch_forming
from dataflow.live.process import live_flow
from dataflow.live.settings import settings_of
from dataflow.logs import log_to_stderr, tell_end
from dataflow.routing import Workers
from dataflow.running import look_for_garbage_rarely
from dataflow.stopping import USER_ERROR, Stop
from state.errors import StopProgram
from strategies.resolution import NOTHING_PINNED

log = logging.getLogger(__name__)


def flow() -> Dataflow:
    """The flow, with what runs beside it until the process ends; SIGTERM and SIGINT end its sources.

    Before all members of the cluster are there, they end the process.
    """
    sys.excepthook = _tell
    log_to_stderr()
    look_for_garbage_rarely()
    settings = settings_of()
    if settings.lease is not None:
        raise StopProgram("LEASE: a cluster has no standby, its processes are started again from their snapshots")
    stop, resources = Stop(), ExitStack()
    resources.enter_context(stop.on_signals())
    atexit.register(resources.close)
    workers = Workers()
    flow = resources.enter_context(live_flow(settings, NOTHING_PINNED, stop, workers=workers))
    watch_forming(lambda: workers.count > 0, stop)
    return flow


def _tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """End with a line in place of a traceback."""
    log.debug("the process ends", exc_info=(kind, error, trace))
    for_user = isinstance(error, StopProgram)
    tell_end(str(error) if for_user else innermost(error))
    os._exit(USER_ERROR if for_user else 1)
