"""Average directional index."""

from __future__ import annotations

from math import nan

from state.bar import Bar
from state.indicators.base import BoundedIndicator, Series


class ADX(BoundedIndicator):
    """Wilder's ADX, 0..100: how strongly the market trends, either way.

    Directional indices and their index keep their last values while there is no true range at all.
    """

    STATE = ("seen", "high", "low", "plus_move", "minus_move", "plus_di", "minus_di", "dx", "level")

    def __init__(self, atr: Series, period: int) -> None:
        super().__init__()
        self.atr = atr
        self.period = period
        self.seen = 0  # moves between bars
        self.high = nan
        self.low = nan
        self.plus_move = 0.0  # sums of directional movement until there are `period`, averages afterwards
        self.minus_move = 0.0
        self.plus_di = 0.0
        self.minus_di = 0.0
        self.dx = 0.0
        self.level = 0.0  # the sum of dx until there are `period`, the ADX afterwards

    def add(self, value: Bar) -> None:
        """Take the next bar, for which the ATR must be there already."""
        _, _, high, low, _, _ = value
        up = high - self.high
        down = self.low - low
        self.high = high
        self.low = low
        if up != up:  # the first bar has no move
            self.output_values.append(nan)
            return
        plus = up if up > down and up > 0.0 else 0.0
        minus = down if down > up and down > 0.0 else 0.0
        if self.seen < 2 * self.period:
            self.output_values.append(self._warm_up(plus, minus))
            return
        period = self.period
        before = period - 1
        self.plus_move = (self.plus_move * before + plus) / period
        self.minus_move = (self.minus_move * before + minus) / period
        self.level = level = (self.level * before + self._directional_index()) / period
        self.output_values.append(level)

    def _warm_up(self, plus: float, minus: float) -> float:
        period = self.period
        self.seen += 1
        if self.seen <= period:
            self.plus_move += plus
            self.minus_move += minus
            if self.seen < period:
                return nan
            self.plus_move /= period
            self.minus_move /= period
        else:
            self.plus_move = (self.plus_move * (period - 1) + plus) / period
            self.minus_move = (self.minus_move * (period - 1) + minus) / period
        return self._first_levels()

    def _first_levels(self) -> float:
        values = self.seen - self.period + 1  # of dx, this one included
        dx = self._directional_index()
        if values < self.period:
            self.level += dx
            return nan
        if values == self.period:
            self.level = (self.level + dx) / self.period
        else:
            self.level = (self.level * (self.period - 1) + dx) / self.period
        return self.level

    def _directional_index(self) -> float:
        atr = self.atr[-1]
        if atr != 0.0:
            self.plus_di = 100.0 * self.plus_move / atr
            self.minus_di = 100.0 * self.minus_move / atr
        total = self.plus_di + self.minus_di
        if total != 0.0:
            self.dx = 100.0 * abs(self.plus_di - self.minus_di) / total
        return self.dx
