"""Hammer Reversal Pattern."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import shape
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.88
LONG_SHADOW = 5.0  # shadow, in bodies, that earns the whole weight


class Parameters(param.Parameters):
    """Parameters of Hammer Reversal Pattern."""

    AT_MOST = (("trend_count", "trend_bars"),)

    lower_shadow_ratio_threshold: float = param.number(2.5, "Lower shadow that the bar needs, in bodies", 0.0, 100.0)
    upper_shadow_ratio_threshold: float = param.number(0.2, "Highest upper shadow, in bodies", 0.0, 100.0)
    trend_bars: int = param.period(4, "Bars before this one whose closes are compared with its close")
    trend_count: int = param.period(2, "How many of those closes must be above it")
    base_confidence: float = param.base_confidence(0.68)
    context_bonus: float = param.confidence(0.08, "Added when all of those closes are above it")
    wick_weight: float = param.confidence(0.1, "Added for a lower shadow of five bodies, in proportion below")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(10)


class HammerReversalPattern(Strategy[Parameters]):
    """A hammer candle after falling closes."""

    name = "Hammer Reversal Pattern"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close", self.p.trend_bars + 1)

    def setup(self) -> Setup | None:
        """A small body at the top of the bar, below most of the last closes."""
        p, high, low, close = self.p, self.high[-1], self.low[-1], self.close[-1]
        body, lower, upper = shape(self.open[-1], high, low, close)
        if not (
            body > 0.0
            and lower >= p.lower_shadow_ratio_threshold * body
            and upper <= p.upper_shadow_ratio_threshold * body
        ):
            return None
        higher_closes = sum(earlier > close for earlier in self.close[-1 - p.trend_bars : -1])
        if higher_closes < p.trend_count:
            return None
        confidence = p.base_confidence + p.wick_weight * min(1.0, lower / body / LONG_SHADOW)
        if higher_closes == p.trend_bars:
            confidence += p.context_bonus
        return level_setup("buy", min(MAX_CONFIDENCE, confidence), high, low, p.risk_reward)
