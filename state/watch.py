"""Looking after something outside, on a thread of its own, so that its death is known though nobody uses it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from state.errors import RetryLater, StopProgram

log = logging.getLogger(__name__)

EVERY_SECS = 2.0
"""How often is looked."""

PATIENCE_SECS = 3.0
"""How long an answer may take. With `EVERY_SECS`, what dies or hangs is known within 5 s."""

_CLOSE_SECS = 0.5


class Watch:
    """Calls `check` again and again, until it is closed.

    `check` returns when all is well and raises `RetryLater` or `StopProgram` with the reason, without secrets, when it
    is not; whatever else it raises is told by its kind only. It may take as long as it likes: after `PATIENCE_SECS`
    without an answer that counts as trouble, whatever the timeouts are behind it.
    """

    def __init__(self, name: str, check: Callable[[], None], every_secs: float = EVERY_SECS) -> None:
        self.name = name
        self.check = check
        self.every_secs = every_secs
        self._trouble: str | None = None
        self._began_secs: float | None = None
        """When the look that is under way began."""
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {name}", daemon=True)

    @property
    def trouble(self) -> str | None:
        """What is wrong; None when nothing is, or nobody has looked yet."""
        began_secs = self._began_secs
        waited_secs = 0.0 if began_secs is None else monotonic() - began_secs
        if waited_secs < PATIENCE_SECS:
            return self._trouble
        return self._trouble or f"no answer for {PATIENCE_SECS:g} s"

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking; a look that is under way is not waited for."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECS)

    def _run(self) -> None:
        while not self._closed.is_set():
            self._began_secs = monotonic()
            self._trouble = self._look()
            self._began_secs = None
            self._closed.wait(self.every_secs)

    def _look(self) -> str | None:
        try:
            self.check()
        except (RetryLater, StopProgram) as error:
            return str(error)
        except Exception as error:  # nobody has foreseen it, so it may quote anything
            log.debug("looking after %s failed", self.name, exc_info=True)
            return f"failed unexpectedly: {type(error).__name__}"
        return None
