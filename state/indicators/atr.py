"""Average true range."""

from __future__ import annotations

from math import nan

from state.bar import Bar
from state.indicators.base import BoundedIndicator


class ATR(BoundedIndicator):
    """Mean true range over `period` bars with Wilder's smoothing, at least 0, in units of the price."""

    STATE = ("missing", "previous_close", "level")

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        self.missing = period
        self.previous_close = nan
        self.level = 0.0  # the sum of true ranges until there are `period`, their average afterwards

    def add(self, value: Bar) -> None:
        """Take the next bar."""
        _, _, high, low, close, _ = value
        previous = self.previous_close
        self.previous_close = close
        # The largest of high-low, |high-previous| and |low-previous|; a NaN before the first bar never counts.
        true_range = (previous if previous > high else high) - (previous if previous < low else low)
        if self.missing:
            self.output_values.append(self._warm_up(true_range))
        else:
            self.level = level = (self.level * (self.period - 1) + true_range) / self.period
            self.output_values.append(level)

    def _warm_up(self, true_range: float) -> float:
        self.level += true_range
        self.missing -= 1
        if self.missing:
            return nan
        self.level /= self.period
        return self.level
