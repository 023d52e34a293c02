"""Moving average convergence divergence."""

from __future__ import annotations

from math import nan

from state.indicators.base import BoundedIndicator, Series
from state.indicators.ema import EMA


class MACD(BoundedIndicator):
    """The MACD histogram: `fast` EMA less `slow` EMA, less the EMA of that over `signal_period`."""

    def __init__(self, fast: Series, slow: Series, signal_period: int) -> None:
        super().__init__()
        self.fast = fast
        self.slow = slow
        self.signal = EMA(signal_period)
        self.add_sub_indicator(self.signal)

    def add(self, value: float) -> None:
        """Compute the histogram of this bar, for which both EMAs must be there already."""
        macd = self.fast[-1] - self.slow[-1]
        if macd == macd:
            self.signal.add(macd)
            self.output_values.append(macd - self.signal.output_values[-1])
        else:
            self.output_values.append(nan)
