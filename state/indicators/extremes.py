"""Rolling highest and lowest."""

from __future__ import annotations

from itertools import accumulate
from math import inf, nan

from state.indicators.base import Series, WindowIndicator


class Highest(WindowIndicator):
    """Highest of the last `period` values of `source`.

    With `partial`, of all values seen while there are fewer.
    """

    def __init__(self, source: Series, period: int, *, partial: bool = False) -> None:
        super().__init__(source, period)
        self.partial = partial
        self.start_block([])

    def start_block(self, older: Series) -> None:
        """Find the highest of the tails of `older`, longest last, where `pop` finds them in order."""
        self.tails = list(accumulate(reversed(older[1:]), max))
        self.head = -inf

    def fold(self, value: float) -> None:
        """Compare `value` with the highest of the younger block."""
        self.head = max(self.head, value)

    def add(self, value: float) -> None:
        """Take the next value, which is also the newest of `source`."""
        if value > self.head:
            self.head = value
        self.filled += 1
        if self.filled == self.period:
            highest = self.head
            self.start_block(self.source[-self.period :])
            self.filled, self.warm = 0, 1
        elif self.warm:
            tail = self.tails.pop()
            highest = tail if tail > self.head else self.head
        else:
            highest = self.head if self.partial else nan
        self.output_values.append(highest)


class Lowest(WindowIndicator):
    """Lowest of the last `period` values of `source`.

    With `partial`, of all values seen while there are fewer.
    """

    def __init__(self, source: Series, period: int, *, partial: bool = False) -> None:
        super().__init__(source, period)
        self.partial = partial
        self.start_block([])

    def start_block(self, older: Series) -> None:
        """Find the lowest of the tails of `older`, longest last, where `pop` finds them in order."""
        self.tails = list(accumulate(reversed(older[1:]), min))
        self.head = inf

    def fold(self, value: float) -> None:
        """Compare `value` with the lowest of the younger block."""
        self.head = min(self.head, value)

    def add(self, value: float) -> None:
        """Take the next value, which is also the newest of `source`."""
        if value < self.head:
            self.head = value
        self.filled += 1
        if self.filled == self.period:
            lowest = self.head
            self.start_block(self.source[-self.period :])
            self.filled, self.warm = 0, 1
        elif self.warm:
            tail = self.tails.pop()
            lowest = tail if tail < self.head else self.head
        else:
            lowest = self.head if self.partial else nan
        self.output_values.append(lowest)
