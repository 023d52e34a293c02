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
        super().__init__(source, period, cold=-inf if partial else nan)

    def start_block(self, older: Series) -> None:
        """Find the highest of the tails of `older`."""
        self.tails = list(accumulate(reversed(older[1:]), max)) if older else self.cold_tails()
        self.head = -inf

    def fold(self, value: float) -> None:
        """Compare `value` with the highest of the younger block."""
        self.head = max(self.head, value)

    def add(self, value: float) -> None:
        """Take the next value, which is also the newest of `source`."""
        head = self.head
        if value > head:
            self.head = head = value
        tails = self.tails
        if tails:
            tail = tails.pop()
            self.output_values.append(head if head >= tail else tail)
        else:
            self.output_values.append(head)
            self.end_block()


class Lowest(WindowIndicator):
    """Lowest of the last `period` values of `source`.

    With `partial`, of all values seen while there are fewer.
    """

    def __init__(self, source: Series, period: int, *, partial: bool = False) -> None:
        super().__init__(source, period, cold=inf if partial else nan)

    def start_block(self, older: Series) -> None:
        """Find the lowest of the tails of `older`."""
        self.tails = list(accumulate(reversed(older[1:]), min)) if older else self.cold_tails()
        self.head = inf

    def fold(self, value: float) -> None:
        """Compare `value` with the lowest of the younger block."""
        self.head = min(self.head, value)

    def add(self, value: float) -> None:
        """Take the next value, which is also the newest of `source`."""
        head = self.head
        if value < head:
            self.head = head = value
        tails = self.tails
        if tails:
            tail = tails.pop()
            self.output_values.append(head if head <= tail else tail)
        else:
            self.output_values.append(head)
            self.end_block()
