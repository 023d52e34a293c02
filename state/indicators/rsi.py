"""Relative strength index."""

from __future__ import annotations

from math import nan

from state.indicators.base import BoundedIndicator


class RSI(BoundedIndicator):
    """RSI over `period` changes with Wilder's smoothing, 0..100, seeded as talipp does.

    The averages start as the means of the first ``period - 1`` gains and losses. Without any loss it is 100.
    """

    STATE = ("seen", "previous", "gain", "loss")

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        self.seen = 0
        self.previous = nan
        self.gain = 0.0  # sums of gains and losses until there are enough, their averages afterwards
        self.loss = 0.0

    def add(self, value: float) -> None:
        """Take the next value of the series."""
        change = value - self.previous
        self.previous = value
        if self.seen < self.period:
            self._warm_up(change)
            return
        period = self.period
        before = period - 1
        if change > 0.0:
            self.gain = gain = (self.gain * before + change) / period
            self.loss = loss = self.loss * before / period
        else:
            self.gain = gain = self.gain * before / period
            self.loss = loss = (self.loss * before - change) / period
        self.output_values.append(100.0 if loss == 0.0 else 100.0 - 100.0 / (1.0 + gain / loss))

    def _warm_up(self, change: float) -> None:
        if change > 0.0:
            self.gain += change
        elif change < 0.0:
            self.loss -= change
        self.seen += 1
        if self.seen == self.period:
            self.gain /= self.period - 1
            self.loss /= self.period - 1
        self.output_values.append(nan)
