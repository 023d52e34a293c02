"""EMA Alignment Bearish."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import at_most, clamp, falls, ratio
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.85


class Parameters(param.Parameters):
    """Parameters of EMA Alignment Bearish."""

    ORDERED = (("ema_fast", "ema_slow"),)

    ema_fast: int = param.period(8, "Period of the fast EMA")
    ema_slow: int = param.period(80, "Period of the slow EMA, where the stop lies")
    slope_bars: int = param.period(2, "Bars on which both EMAs must have fallen")
    base_confidence: float = param.base_confidence(0.7)
    trend_factor: float = param.factor(5.0, "Confidence per distance between the EMAs, as a fraction of the slow one")
    max_trend_bonus: float = param.confidence(0.1, "Most that the distance between the EMAs adds")
    distance_factor: float = param.factor(10.0, "Confidence per distance of the close from the fast EMA, as a fraction")
    max_distance_bonus: float = param.confidence(0.05, "Most that the distance of the close adds")
    risk_reward: float = param.risk_reward(2.5)
    min_data_points: int = param.min_data_points(125)


class EMAAlignmentBearish(Strategy[Parameters]):
    """Price under a falling fast EMA under a falling slow EMA."""

    name = "EMA Alignment Bearish"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.ema_fast = need.ema(p.ema_fast, p.slope_bars + 1)
        self.ema_slow = need.ema(p.ema_slow, p.slope_bars + 1)
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """The close, the fast and the slow EMA in order, and both EMAs falling."""
        p, close, fast, slow = self.p, self.close[-1], self.ema_fast[-1], self.ema_slow[-1]
        if not (close < fast < slow and falls(self.ema_fast, p.slope_bars) and falls(self.ema_slow, p.slope_bars)):
            return None
        confidence = (
            p.base_confidence
            + clamp(ratio(slow - fast, slow) * p.trend_factor, 0.0, p.max_trend_bonus)
            + clamp(ratio(fast - close, fast) * p.distance_factor, 0.0, p.max_distance_bonus)
        )
        return level_setup("sell", at_most(MAX_CONFIDENCE, confidence), close, slow, p.risk_reward)
