"""Kline history: where a key's earlier bars can be read again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from state.bar import Bar


class KlineHistory(Protocol):
    """Earlier bars by key."""

    def bars_before(self, key: str, open_time_ms: int) -> Iterable[Bar]:
        """The known bars of `key` that open before `open_time_ms`, in order."""
        ...


class NoHistory:
    """A history that knows nothing: keys start cold."""

    def bars_before(self, key: str, open_time_ms: int) -> Iterable[Bar]:
        """No bars."""
        return ()
