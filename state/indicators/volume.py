"""Series derived from volume."""

from __future__ import annotations

from math import nan

from state.bar import Bar
from state.indicators.base import BoundedIndicator, Series


class BoughtVolume(BoundedIndicator):
    """The share of a bar's volume that its close says was bought: ``V * (C-L) / (H-L)``, half where H is L."""

    def add(self, value: Bar) -> None:
        """Take the next bar."""
        _, _, high, low, close, volume = value
        self.output_values.append(volume * (close - low) / (high - low) if high > low else volume / 2.0)


class VolumeRatio(BoundedIndicator):
    """Volume over its simple moving average, which includes this bar; undefined while nothing is traded."""

    def __init__(self, average: Series) -> None:
        super().__init__()
        self.average = average

    def add(self, value: float) -> None:
        """Take the next volume, whose average must be there already."""
        average = self.average[-1]
        self.output_values.append(value / average if average else nan)
