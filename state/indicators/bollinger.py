"""Bollinger Bands."""

from __future__ import annotations

from itertools import accumulate
from math import nan, sqrt
from typing import Any

from talipp.indicators.BB import BBVal

from state.indicators.base import Series, WindowIndicator


class BollingerBands(WindowIndicator):
    """Mean of the last `period` values of `source`, and `width` population standard deviations around it.

    Sums of values and squares are kept as distances from an anchor inside the window (the last value of the
    older block, once there is one), where cancellation cannot eat the digits: a flat window has a deviation of
    exactly 0.
    """

    OUTPUTS = ("lower", "middle", "upper")
    STATE = ("filled", "warm", "anchor")

    lower: Series
    middle: Series
    upper: Series

    def __init__(self, source: Series, period: int, width: float) -> None:
        self.anchor = nan
        super().__init__(source, period)
        self.width = width

    def __getitem__(self, index: int) -> Any:
        return BBVal(self.lower[index], self.middle[index], self.upper[index])

    def __len__(self) -> int:
        return len(self.middle)

    def start_block(self, older: Series) -> None:
        """Sum distances from the anchor and their squares over the tails of `older`, and over the whole of it."""
        if older:
            distances = [value - self.anchor for value in reversed(older)]
            self.tails = list(accumulate(distances))
            self.square_tails = list(accumulate([distance * distance for distance in distances]))
            self.whole, self.square_whole = self.tails.pop(), self.square_tails.pop()
        else:
            self.tails, self.square_tails = self.cold_tails(), self.cold_tails()
        self.head = self.square_head = 0.0

    def fold(self, value: float) -> None:
        """Add `value`'s distance from the anchor to the sums of the younger block."""
        distance = value - self.anchor
        self.head += distance
        self.square_head += distance * distance

    def add(self, value: float) -> None:
        """Take the next value, which is also the newest of `source`."""
        if self.anchor != self.anchor:
            self.anchor = value
        distance = value - self.anchor
        self.head = head = self.head + distance
        self.square_head = square_head = self.square_head + distance * distance
        if self.tails:
            self._append(self.tails.pop() + head, self.square_tails.pop() + square_head)
        else:
            self.anchor = value
            self.end_block()
            self._append(self.whole, self.square_whole)

    def _append(self, total: float, squares: float) -> None:
        period = self.period
        offset = total / period
        variance = squares / period - offset * offset
        deviation = 0.0 if variance <= 0.0 else self.width * sqrt(variance)
        middle = self.anchor + offset
        self.lower.append(middle - deviation)
        self.middle.append(middle)
        self.upper.append(middle + deviation)
