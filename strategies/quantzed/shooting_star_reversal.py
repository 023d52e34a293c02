"""Shooting Star Reversal."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import shape
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.80
LONG_SHADOW = 5.0  # shadow, in bodies, that earns the whole weight


class Parameters(param.Parameters):
    """Parameters of Shooting Star Reversal."""

    AT_MOST = (("trend_count", "trend_bars"),)

    upper_shadow_ratio_threshold: float = param.number(2.5, "Upper shadow that the bar needs, in bodies", 0.0, 100.0)
    lower_shadow_ratio_threshold: float = param.number(0.2, "Highest lower shadow, in bodies", 0.0, 100.0)
    trend_bars: int = param.period(4, "Bars before this one whose closes are compared with its close")
    trend_count: int = param.period(2, "How many of those closes must be below it")
    trend_period: int = param.period(20, "Period of the SMA that the close should be above")
    base_confidence: float = param.base_confidence(0.6)
    wick_weight: float = param.confidence(0.1, "Added for an upper shadow of five bodies, in proportion below")
    trend_bonus: float = param.confidence(0.1, "Added when the close is above the SMA")
    risk_reward: float = param.risk_reward(1.5)
    min_data_points: int = param.min_data_points(25)


class ShootingStarReversal(Strategy[Parameters]):
    """A shooting star candle after rising closes."""

    name = "Shooting Star Reversal"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close", self.p.trend_bars + 1)
        self.sma = need.sma(self.p.trend_period)

    def setup(self) -> Setup | None:
        """A small body at the bottom of the bar, above most of the last closes."""
        p, high, low, close = self.p, self.high[-1], self.low[-1], self.close[-1]
        body, lower, upper = shape(self.open[-1], high, low, close)
        if not (
            body > 0.0
            and upper >= p.upper_shadow_ratio_threshold * body
            and lower <= p.lower_shadow_ratio_threshold * body
        ):
            return None
        if sum(earlier < close for earlier in self.close[-1 - p.trend_bars : -1]) < p.trend_count:
            return None
        confidence = p.base_confidence + p.wick_weight * min(1.0, upper / body / LONG_SHADOW)
        if close > self.sma[-1]:
            confidence += p.trend_bonus
        return level_setup("sell", min(MAX_CONFIDENCE, confidence), low, high, p.risk_reward)
