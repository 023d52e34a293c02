"""Ichimoku Kinko Hyo."""

from __future__ import annotations

from state.indicators.base import BoundedIndicator, Series


class Ichimoku(BoundedIndicator):
    """Tenkan, kijun, and the cloud over this bar, which was computed exactly `displacement` bars ago.

    Each line is the middle between a rolling highest high and lowest low: (highs, lows) of the tenkan, of the
    kijun and of senkou B. talipp's own class displaces senkou B by one bar more than senkou A.
    """

    OUTPUTS = ("tenkan", "kijun", "leading_a", "leading_b", "span_a", "span_b")

    tenkan: Series
    kijun: Series
    leading_a: Series
    leading_b: Series
    span_a: Series
    span_b: Series

    def __init__(
        self,
        tenkan: tuple[Series, Series],
        kijun: tuple[Series, Series],
        senkou_b: tuple[Series, Series],
        displacement: int,
    ) -> None:
        super().__init__()
        self.tenkan_highs, self.tenkan_lows = tenkan
        self.kijun_highs, self.kijun_lows = kijun
        self.senkou_highs, self.senkou_lows = senkou_b
        self.past = -1 - displacement
        self.keep(displacement + 1)

    def __getitem__(self, index: int) -> tuple[float, float, float, float]:
        """Tenkan, kijun, span A and span B over the bar at `index`."""
        return self.tenkan[index], self.kijun[index], self.span_a[index], self.span_b[index]

    def __len__(self) -> int:
        return len(self.tenkan)

    def add(self, value: object) -> None:
        """Compute the lines of this bar, for which all rolling extremes must be there already."""
        tenkan = (self.tenkan_highs[-1] + self.tenkan_lows[-1]) / 2.0
        kijun = (self.kijun_highs[-1] + self.kijun_lows[-1]) / 2.0
        self.tenkan.append(tenkan)
        self.kijun.append(kijun)
        self.leading_a.append((tenkan + kijun) / 2.0)
        self.leading_b.append((self.senkou_highs[-1] + self.senkou_lows[-1]) / 2.0)
        self.span_a.append(self.leading_a[self.past])
        self.span_b.append(self.leading_b[self.past])
