"""The last closed bars of a key: those of the history, and those that have arrived since."""

from __future__ import annotations

import time

from config_api.errors import unavailable
from config_api.live.heard import Heard
from state.bar import Bar
from state.errors import RetryLater, StopProgram
from state.key import split_key
from state.klines import KlineStore

# Listing all keys may take a database a while, and they change rarely.
_KEYS_SECS = 60.0


class LatestBars:
    """Reads bars from the history and from what was heard. May be used from any thread."""

    def __init__(self, klines: KlineStore, heard: Heard) -> None:
        self.klines = klines
        self.heard = heard
        self._keys: list[str] = []
        self._keys_secs = -_KEYS_SECS

    def of(self, key: str, limit: int) -> list[Bar]:
        """The last closed bars of a key, the oldest first.

        Raises:
            ApiError: 503, the history is away.
        """
        now_ms, timeframe = time.time_ns() // 1_000_000, split_key(key)[1]
        try:
            # Of the bars that have opened, one may not have closed.
            stored = self.klines.latest(key, limit + 1, now_ms + 1)
        except (RetryLater, StopProgram) as error:
            raise unavailable("history", str(error)) from error
        closed = {bar.open_time_ms: bar for bar in stored if timeframe.close_ms(bar.open_time_ms) <= now_ms}
        return _last({**self.heard.bars(key), **closed}, limit)

    def heard_of(self, key: str, limit: int) -> list[Bar]:
        """The last bars of a key that were heard, the oldest first."""
        return _last(self.heard.bars(key), limit)

    def keys(self) -> list[str]:
        """All keys that there are bars of, in alphabetical order; those of the history as of a minute ago.

        Raises:
            ApiError: 503, the history is away.
        """
        if time.monotonic() - self._keys_secs >= _KEYS_SECS:
            try:
                self._keys = self.klines.keys()
            except (RetryLater, StopProgram) as error:
                raise unavailable("history", str(error)) from error
            self._keys_secs = time.monotonic()
        return sorted({*self._keys, *self.heard_keys()})

    def heard_keys(self) -> list[str]:
        """The keys that bars were heard of, in alphabetical order."""
        return sorted(newest.key for newest in self.heard.newest())


def _last(bars: dict[int, Bar], limit: int) -> list[Bar]:
    return [bars[open_time_ms] for open_time_ms in sorted(bars)[-limit:]]
