"""A certificate to serve with that may be renewed: others put new files in the places of the old ones."""

from __future__ import annotations

import logging
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from state.errors import StopProgram
from state.tls import TlsFiles

log = logging.getLogger(__name__)

# How often is looked whether there is a new one.
LOOK_SECS = 2.0


@contextmanager
def renewed(tls: TlsFiles) -> Iterator[ssl.SSLContext]:
    """A context that has what the files hold for as long as it is entered: new connections use the newest.

    Files that do not belong together yet, or are gone, change nothing.

    Raises:
        StopProgram: at first, a file is not usable.
    """
    stamp, context, closing = tls.stamp(), tls.for_server(), threading.Event()

    def watch() -> None:
        before = stamp
        while not closing.wait(LOOK_SECS):
            if (now := tls.stamp()) == before:
                continue
            before = now
            try:
                tls.reload(context)
                log.info("the certificate of the API was read again")
            except StopProgram as error:
                log.warning("the certificate of the API stays as it was: %s", error)

    thread = threading.Thread(target=watch, name="certificate", daemon=True)
    thread.start()
    try:
        yield context
    finally:
        closing.set()
        thread.join()
