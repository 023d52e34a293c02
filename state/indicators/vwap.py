"""Volume-weighted average price of the day."""

from __future__ import annotations

from math import nan

from state.bar import Bar
from state.indicators.base import BoundedIndicator
from state.timeframe import DAY_MS


class DailyVWAP(BoundedIndicator):
    """VWAP of the typical price ``(high + low + close) / 3`` since 00:00 UTC; undefined until something is traded."""

    STATE = ("day", "traded_value", "traded_volume")

    def __init__(self) -> None:
        super().__init__()
        self.day = -1
        self.traded_value = 0.0
        self.traded_volume = 0.0

    def add(self, value: Bar) -> None:
        """Take the next bar."""
        open_time_ms, _, high, low, close, volume = value
        day = open_time_ms // DAY_MS
        if day != self.day:
            self.day = day
            self.traded_value = self.traded_volume = 0.0
        self.traded_value += volume * ((high + low + close) / 3.0)
        self.traded_volume += volume
        self.output_values.append(self.traded_value / self.traded_volume if self.traded_volume else nan)
