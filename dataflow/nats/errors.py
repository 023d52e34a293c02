"""Errors of NATS, named by what the caller should do."""

from __future__ import annotations


class TryAgain(Exception):
    """NATS is away or not ready: do the same again, for as long as it takes."""


class AskOperator(TryAgain):
    """NATS refuses, and will until somebody changes something there: say what, and try again all the same."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.code = code
        """JetStream's error code, 0 when it named none."""


class HeldBack(Exception):
    """Messages could not be published before the program had to end: they come again after a restart."""


class StandBy(Exception):
    """Another instance is the active one, or may be: keep what was to be published until it is known to be stored."""
