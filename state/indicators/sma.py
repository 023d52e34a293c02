"""Simple moving average."""

from __future__ import annotations

from itertools import accumulate

from state.indicators.base import Series, WindowIndicator


class SMA(WindowIndicator):
    """Mean of the last `period` values of `source`; exactly 0 where all of them are 0."""

    def start_block(self, older: Series) -> None:
        """Sum the tails of `older`."""
        self.tails = list(accumulate(reversed(older[1:]))) if older else self.cold_tails()
        self.head = 0.0

    def fold(self, value: float) -> None:
        """Add `value` to the sum of the younger block."""
        self.head += value

    def add(self, value: float) -> None:
        """Take the next value, which is also the newest of `source`."""
        self.head = head = self.head + value
        tails = self.tails
        if tails:
            self.output_values.append((tails.pop() + head) / self.period)
        else:
            self.output_values.append(head / self.period)
            self.end_block()
