"""The last bars and signals that were heard, as many as memory is for. May be used from any thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import NamedTuple

from state.bar import Bar
from state.key import split_key
from strategies.signal import Signal

MOST_BARS = 100_000
"""Of all keys together: some 25 MB. What is older is in the history."""

MOST_SIGNALS = 2_000


class Newest(NamedTuple):
    """The newest bar of a key, and when it was heard on the monotonic clock."""

    key: str
    bar: Bar
    heard_secs: float

    @property
    def close_ms(self) -> int:
        """The boundary at which it closed."""
        return split_key(self.key)[1].close_ms(self.bar.open_time_ms)


class Heard:
    """Bars by key and signals by id, each once however often it is heard."""

    def __init__(self, most_bars: int = MOST_BARS, most_signals: int = MOST_SIGNALS) -> None:
        self.most_bars = most_bars
        self.most_signals = most_signals
        self._bars: dict[str, dict[int, Bar]] = {}
        self._order: deque[tuple[str, int]] = deque()
        self._newest: dict[str, Newest] = {}
        self._signals: dict[str, Signal] = {}
        self._lock = threading.Lock()

    def take_bar(self, key: str, bar: Bar) -> bool:
        """Keep a bar; whether it was new."""
        with self._lock:
            of_key = self._bars.setdefault(key, {})
            if bar.open_time_ms in of_key:
                return False
            of_key[bar.open_time_ms] = bar
            self._order.append((key, bar.open_time_ms))
            if len(self._order) > self.most_bars:
                self._forget_bar()
            newest = self._newest.get(key)
            if newest is None or newest.bar.open_time_ms < bar.open_time_ms:
                self._newest[key] = Newest(key, bar, time.monotonic())
            return True

    def take_signal(self, signal: Signal) -> bool:
        """Keep a signal; whether it was new."""
        with self._lock:
            if signal.signal_id in self._signals:
                return False
            self._signals[signal.signal_id] = signal
            if len(self._signals) > self.most_signals:
                del self._signals[next(iter(self._signals))]
            return True

    def bars(self, key: str) -> dict[int, Bar]:
        """The bars of a key by open time."""
        with self._lock:
            return dict(self._bars.get(key, {}))

    def newest(self) -> list[Newest]:
        """The newest bar of each key."""
        with self._lock:
            return list(self._newest.values())

    def signals(self) -> list[Signal]:
        """All signals, those of the newest bars first, and of one bar those that were heard last."""
        with self._lock:
            signals = list(self._signals.values())[::-1]
        return sorted(signals, key=lambda signal: signal.timestamp, reverse=True)

    def _forget_bar(self) -> None:
        key, open_time_ms = self._order.popleft()
        of_key = self._bars[key]
        del of_key[open_time_ms]
        if not of_key:
            del self._bars[key]
