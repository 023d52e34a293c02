"""Inside Bar Breakout."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import all_above, at_most, clamp, ratio, rises
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.92


class Parameters(param.Parameters):
    """Parameters of Inside Bar Breakout."""

    ORDERED = (("ema_fast", "ema_slow"),)

    ema_fast: int = param.period(8, "Period of the fast EMA")
    ema_slow: int = param.period(80, "Period of the slow EMA")
    trend_bars: int = param.period(4, "Bars that must have closed above the fast EMA")
    slope_bars: int = param.period(2, "Bars on which both EMAs must have risen")
    base_confidence: float = param.base_confidence(0.76)
    quality_factor: float = param.confidence(0.1, "Confidence of an inside bar without any range, in proportion")
    trend_factor: float = param.factor(5.0, "Confidence per distance between the EMAs, as a fraction of the slow one")
    max_trend_bonus: float = param.confidence(0.08, "Most that the distance between the EMAs adds")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(130)


class InsideBarBreakout(Strategy[Parameters]):
    """An inside bar in an aligned uptrend; entry above it."""

    name = "Inside Bar Breakout"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.ema_fast = need.ema(p.ema_fast, max(p.trend_bars, p.slope_bars + 1))
        self.ema_slow = need.ema(p.ema_slow, p.slope_bars + 1)
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close", p.trend_bars)

    def setup(self) -> Setup | None:
        """An inside bar above a fast EMA above the slow one, both rising."""
        p, high, low = self.p, self.high, self.low
        if not (high[-2] > high[-1] > low[-1] > low[-2]):
            return None
        fast, slow = self.ema_fast[-1], self.ema_slow[-1]
        if not (
            fast > slow
            and all_above(self.close, self.ema_fast, p.trend_bars)
            and rises(self.ema_fast, p.slope_bars)
            and rises(self.ema_slow, p.slope_bars)
        ):
            return None
        narrowness = 1.0 - (high[-1] - low[-1]) / (high[-2] - low[-2])
        confidence = (
            p.base_confidence
            + p.quality_factor * clamp(narrowness, 0.0, 1.0)
            + clamp(ratio(fast - slow, slow) * p.trend_factor, 0.0, p.max_trend_bonus)
        )
        return level_setup("buy", at_most(MAX_CONFIDENCE, confidence), high[-1], low[-1], p.risk_reward)
