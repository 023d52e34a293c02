"""A store, and what is known of its being there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from state.configs.store import ConfigStore
from state.errors import ReadAgain, RetryLater, SkipInput, StopProgram

log = logging.getLogger(__name__)

T = TypeVar("T")


class Watched:
    """A store that was found away rests for `retry_secs`, so that one dead server does not cost every read its timeout.

    `trouble` says why it was away when it was used last, None when it was not; `outages` counts how often it was found
    away. May be used from any thread.
    """

    def __init__(self, store: ConfigStore, retry_secs: float) -> None:
        self.store = store
        self.trouble: str | None = None
        self.outages = 0
        self._retry_secs = retry_secs
        self._found_away_secs = 0.0

    @property
    def is_away(self) -> bool:
        """Whether it was away when it was used last."""
        return self.trouble is not None

    @property
    def rests(self) -> bool:
        """Whether it was away a moment ago."""
        return self.is_away and time.monotonic() < self._found_away_secs + self._retry_secs

    def was_away_since(self, moment_secs: float) -> bool:
        """Whether it was found away since a moment of the monotonic clock, and not there again."""
        return self.is_away and self._found_away_secs >= moment_secs

    def use(self, what: Callable[[ConfigStore], T]) -> T:
        """Do something with the store.

        Raises:
            RetryLater: it is away. For who uses it, it is the same whether somebody must mend it first.
        """
        try:
            done = what(self.store)
        except RetryLater as error:
            self._found_away(str(error))
            raise
        except StopProgram as error:
            if not self._can_be_read():  # else it only refuses this, such as a change without the right to make one
                self._found_away(str(error))
            raise RetryLater(str(error)) from error
        except (ReadAgain, SkipInput):
            self._found_there()
            raise
        self._found_there()
        return done

    def use_unless_resting(self, what: Callable[[ConfigStore], T]) -> T:
        """As `use`, but without trying what was away a moment ago."""
        trouble = self.trouble
        if trouble is not None and self.rests:
            raise RetryLater(trouble)
        return self.use(what)

    def check(self) -> None:
        """See whether the store is there. Raises as `use` does."""
        self.use(lambda store: store.check())

    def _can_be_read(self) -> bool:
        try:
            self.store.check()
            self.store.records()
        except (RetryLater, StopProgram):
            return False
        return True

    def _found_away(self, trouble: str) -> None:
        if not self.is_away:
            log.warning("the configuration in %s is away: %s", self.store.kind, trouble)
        self._found_away_secs = time.monotonic()
        self.trouble = trouble
        self.outages += 1

    def _found_there(self) -> None:
        if self.is_away:
            log.info("the configuration in %s is back", self.store.kind)
        self.trouble = None
