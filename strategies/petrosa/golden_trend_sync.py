"""Golden Trend Sync."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.setup import Setup, atr_setup


class Parameters(param.AtrRisk):
    """Parameters of Golden Trend Sync."""

    ORDERED = (("ema_fast", "ema_slow"),)

    ema_fast: int = param.period(21, "Period of the fast EMA")
    ema_slow: int = param.period(50, "Period of the slow EMA")
    pullback_threshold: float = param.fraction(
        0.005, "How far from the fast EMA this bar may start, as a fraction of it"
    )
    adx_period: int = param.period(14, "Period of the ADX")
    adx_strong: float = param.rsi_level(25.0, "ADX above which the trend is strong")
    volume_rank_window: int = param.period(3, "Bars among which this bar's volume should be the highest")
    base_confidence: float = param.base_confidence(0.65)
    trend_bonus: float = param.confidence(0.05, "Added when the trend is strong")
    vwap_bonus: float = param.confidence(0.05, "Added when the close is beyond the day's VWAP")
    volume_bonus: float = param.confidence(0.05, "Added when the volume is the highest of its window")
    min_data_points: int = param.min_data_points(60)


class GoldenTrendSync(Strategy[Parameters]):
    """In a golden cross, a pullback that touched the fast EMA on the bar before is left in the trend's direction."""

    name = "Golden Trend Sync"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.ema_fast = need.ema(p.ema_fast)
        self.ema_slow = need.ema(p.ema_slow)
        self.adx = need.adx(p.adx_period)
        self.vwap = need.vwap()
        self.volume = need.field("volume")
        self.highest_volume = need.highest("volume", p.volume_rank_window)
        self.atr = need.atr()
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """The bar closes beyond the last one and the fast EMA, away from a pullback to it."""
        if self.close[-1] > self.high[-2]:
            return self._buy()
        if self.close[-1] < self.low[-2]:
            return self._sell()
        return None

    def _buy(self) -> Setup | None:
        p, close, low, fast = self.p, self.close[-1], self.low, self.ema_fast[-1]
        if not (
            fast > self.ema_slow[-1]
            and low[-2] <= self.ema_fast[-2]
            and low[-1] <= fast * (1.0 + p.pullback_threshold)
            and close > fast
            and close > self.open[-1]
        ):
            return None
        confidence = self._confidence(beyond_vwap=close > self.vwap[-1])
        return atr_setup("buy", confidence, close, self.atr[-1], p)

    def _sell(self) -> Setup | None:
        p, close, high, fast = self.p, self.close[-1], self.high, self.ema_fast[-1]
        if not (
            fast < self.ema_slow[-1]
            and high[-2] >= self.ema_fast[-2]
            and high[-1] >= fast * (1.0 - p.pullback_threshold)
            and close < fast
            and close < self.open[-1]
        ):
            return None
        confidence = self._confidence(beyond_vwap=close < self.vwap[-1])
        return atr_setup("sell", confidence, close, self.atr[-1], p)

    def _confidence(self, *, beyond_vwap: bool) -> float:
        p = self.p
        confidence = p.base_confidence
        if self.adx[-1] > p.adx_strong:
            confidence += p.trend_bonus
        if beyond_vwap:
            confidence += p.vwap_bonus
        if self.volume[-1] >= self.highest_volume[-1]:
            confidence += p.volume_bonus
        return confidence
