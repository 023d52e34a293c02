"""EMA Slope Reversal Sell."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import at_most
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.80


class Parameters(param.Parameters):
    """Parameters of EMA Slope Reversal Sell."""

    ema_period: int = param.period(9, "Period of the EMA")
    base_confidence: float = param.base_confidence(0.6)
    slope_factor: float = param.factor(50.0, "Confidence per change of the slope, as a fraction of the close")
    distance_factor: float = param.factor(10.0, "Confidence per distance of the close from the EMA, as a fraction")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(25)


class EMASlopeReversalSell(Strategy[Parameters]):
    """The short EMA's slope turns negative with price under it."""

    name = "EMA Slope Reversal Sell"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.ema = need.ema(self.p.ema_period, 3)
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """The EMA rose on the bar before and falls on this one."""
        p, ema, close = self.p, self.ema, self.close[-1]
        before, slope = ema[-2] - ema[-3], ema[-1] - ema[-2]
        high, low = self.high[-1], self.low[-1]
        if not (before > 0.0 > slope and close < ema[-1] and high > low):
            return None
        confidence = (
            p.base_confidence
            + p.slope_factor * abs(slope - before) / close
            + p.distance_factor * (ema[-1] - close) / close
        )
        return level_setup("sell", at_most(MAX_CONFIDENCE, confidence), low, high, p.risk_reward)
