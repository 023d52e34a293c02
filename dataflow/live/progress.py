"""Whether the flow gets on."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

STUCK_SECS = 60.0
"""After so long without a sign of its worker the flow counts as stuck: some ten times its longest step."""


class Progress:
    """Knows when the worker of this process last came around to ask its sources, which it does many times a second.

    Nothing is expected of a flow that has not come around yet: it may be loading snapshots, or waiting for the other
    processes of its cluster. Nor while `is_held_back`: as long as NATS does not take what there is, the worker waits,
    which a restart would not mend, and in a cluster the other processes wait for it.
    """

    def __init__(self, is_held_back: Callable[[], bool], clock_secs: Callable[[], float] = monotonic) -> None:
        self.is_held_back = is_held_back
        self._clock_secs = clock_secs
        self._last_secs: float | None = None

    def note(self) -> None:
        """The worker has come around."""
        self._last_secs = self._clock_secs()

    def look(self) -> float:
        """For how long, in seconds, it should have come around and has not; to be asked now and then.

        Time in which it was held back does not count.
        """
        last_secs = self._last_secs
        if last_secs is None:
            return 0.0
        if self.is_held_back():
            self.note()
            return 0.0
        return max(0.0, self._clock_secs() - last_secs)

    @property
    def trouble(self) -> str | None:
        """Why the process should be started anew; None while it should not."""
        silent_secs = self.look()
        return f"the flow has made no step for {silent_secs:.0f} s" if silent_secs > STUCK_SECS else None
