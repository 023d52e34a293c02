"""Closes of a higher timeframe and their EMAs."""

from __future__ import annotations

from math import nan

from state.bar import Bar
from state.indicators.base import BoundedIndicator, Series
from state.indicators.ema import EMA
from state.timeframe import Timeframe


class HigherTimeframe(BoundedIndicator):
    """Bars of `multiplier` bars each, aligned to multiples of their span since the Unix epoch.

    A higher bar completes on the bar whose close ends its span, or, if that bar is missing, with the next bar
    that arrives; its close is the last one seen in it. `closes`, `fast` and `slow` (EMAs over closes) are those
    of the last completed higher bar.
    """

    OUTPUTS = ("closes", "fast", "slow")
    STATE = ("pending", "pending_close", "completed_close")

    closes: Series
    fast: Series
    slow: Series

    def __init__(self, timeframe: Timeframe, multiplier: int, fast_period: int, slow_period: int) -> None:
        super().__init__()
        self.timeframe = timeframe
        self.multiplier = multiplier
        self.pending = -1  # the higher bar that has begun, counted from the epoch; -1: none
        self.pending_close = nan
        self.completed_close = nan
        self.fast_ema = EMA(fast_period)
        self.slow_ema = EMA(slow_period)
        self.add_sub_indicator(self.fast_ema)
        self.add_sub_indicator(self.slow_ema)

    def __getitem__(self, index: int) -> tuple[float, float, float]:
        """Close, fast EMA and slow EMA of the last higher bar completed at the bar at `index`."""
        return self.closes[index], self.fast[index], self.slow[index]

    def __len__(self) -> int:
        return len(self.closes)

    def add(self, value: Bar) -> None:
        """Take the next bar."""
        open_time_ms = value.open_time_ms
        higher = self.timeframe.ordinal(open_time_ms) // self.multiplier
        if higher != self.pending and self.pending >= 0:
            self._complete()
        self.pending = higher
        self.pending_close = value.close
        # The ordinal of the close counts the bars that are over, so a higher bar ends where it steps on.
        if self.timeframe.ordinal(self.timeframe.close_ms(open_time_ms)) // self.multiplier != higher:
            self._complete()
        self.closes.append(self.completed_close)
        self.fast.append(self.fast_ema.output_values[-1])
        self.slow.append(self.slow_ema.output_values[-1])

    def _complete(self) -> None:
        self.completed_close = self.pending_close
        self.fast_ema.add(self.pending_close)
        self.slow_ema.add(self.pending_close)
        self.pending = -1
