"""What passes between keys and their history."""

from __future__ import annotations

from typing import NamedTuple

from state.bar import Bar

# More bars than this are never read to fill one gap: the newest of them are.
FILL_BARS = 20_000


class Wake(NamedTuple):
    """The flow has started, and this key is to be ready before its first bar."""


class Leave(NamedTuple):
    """The key is not analyzed any more."""


class HistoryRequest(NamedTuple):
    """Asks for the newest `limit` bars of `key` that open between two times, both excluded; None is no bound.

    A key numbers its requests, so that the answer to an earlier one is never taken for that to an equal, later one.
    """

    key: str
    after_open_ms: int | None
    before_open_ms: int | None
    limit: int
    number: int = 0


class HistoryAnswer(NamedTuple):
    """What history has, the oldest first; None when it is away: then the same request is answered again later."""

    request: HistoryRequest
    bars: list[Bar] | None
