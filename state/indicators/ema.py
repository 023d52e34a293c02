"""Exponential moving average."""

from __future__ import annotations

from math import nan

from state.indicators.base import BoundedIndicator


class EMA(BoundedIndicator):
    """EMA over `period` values, seeded with the mean of the first `period`, bit by bit as talipp's.

    ``EMA = w*x + (1-w)*EMA[1]`` with ``w = 2 / (period+1)``.
    """

    STATE = ("missing", "level")

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period
        self.weight = 2.0 / (period + 1.0)
        self.rest = 1.0 - self.weight
        self.missing = period  # values to come until the first output
        self.level = 0.0  # the sum of the inputs until then, the EMA afterwards

    def add(self, value: float) -> None:
        """Take the next value of the averaged series."""
        if self.missing:
            value = self._warm_up(value)
        else:
            self.level = value = self.weight * value + self.rest * self.level
        self.output_values.append(value)

    def _warm_up(self, value: float) -> float:
        self.level += value
        self.missing -= 1
        if self.missing:
            return nan
        self.level /= self.period
        return self.level
