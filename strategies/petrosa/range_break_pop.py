"""Range Break Pop."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.setup import Setup, level_setup


class Parameters(param.Parameters):
    """Parameters of Range Break Pop."""

    AT_MOST = (("volume_multiplier_threshold", "strong_volume_multiplier"),)

    range_period: int = param.period(10, "Bars before this one that make the range")
    range_threshold: float = param.fraction(0.025, "Height of a tight range, as a fraction of its low")
    breakout_threshold: float = param.fraction(0.001, "How far beyond the range the bar must close, as a fraction")
    volume_sma_period: int = param.period(20, "Period of the mean volume")
    volume_multiplier_threshold: float = param.volume_multiple(1.5, "Multiple of the mean volume that a breakout needs")
    strong_volume_multiplier: float = param.volume_multiple(2.0, "Multiple of the mean volume that earns the bonus")
    base_confidence: float = param.base_confidence(0.6)
    volume_bonus: float = param.confidence(0.1, "Added on strong volume")
    atr_bonus: float = param.confidence(0.1, "Added when the ATR shrank inside the range")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(30)


class RangeBreakPop(Strategy[Parameters]):
    """A close out of a tight range, on volume."""

    name = "Range Break Pop"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.volume_ratio = need.volume_ratio(p.volume_sma_period)
        self.highest = need.highest("high", p.range_period)
        self.lowest = need.lowest("low", p.range_period)
        self.atr = need.atr(depth=2 + p.range_period // 2)
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """A close above (buy) or below (sell) the tight range of the bars before."""
        p, volume_ratio = self.p, self.volume_ratio[-1]
        if not volume_ratio > p.volume_multiplier_threshold:
            return None
        close, high, low = self.close[-1], self.highest[-2], self.lowest[-2]
        if not (high - low) / low < p.range_threshold:
            return None
        above, below = close > high * (1.0 + p.breakout_threshold), close < low * (1.0 - p.breakout_threshold)
        if not (above or below):
            return None
        confidence = p.base_confidence
        if volume_ratio > p.strong_volume_multiplier:
            confidence += p.volume_bonus
        if self.atr[-2] < self.atr[-2 - p.range_period // 2]:
            confidence += p.atr_bonus
        return level_setup("buy" if above else "sell", confidence, close, (high + low) / 2.0, p.risk_reward)
