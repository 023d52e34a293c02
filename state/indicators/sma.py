"""Simple moving average."""

from __future__ import annotations

from itertools import accumulate
from math import nan

from state.indicators.base import Series, WindowIndicator


class SMA(WindowIndicator):
    """Mean of the last `period` values of `source`; exactly 0 where all of them are 0."""

    def __init__(self, source: Series, period: int) -> None:
        super().__init__(source, period)
        self.start_block([])

    def start_block(self, older: Series) -> None:
        """Sum the tails of `older`, longest last, where `pop` finds them in order."""
        self.tails = list(accumulate(reversed(older[1:])))
        self.head = 0.0

    def fold(self, value: float) -> None:
        """Add `value` to the sum of the younger block."""
        self.head += value

    def add(self, value: float) -> None:
        """Take the next value, which is also the newest of `source`."""
        self.head += value
        self.filled += 1
        if self.filled == self.period:
            mean = self.head / self.period
            self.start_block(self.source[-self.period :])
            self.filled, self.warm = 0, 1
        elif self.warm:
            mean = (self.tails.pop() + self.head) / self.period
        else:
            mean = nan
        self.output_values.append(mean)
