"""Doji Reversal."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import clamp
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.75


class Parameters(param.Parameters):
    """Parameters of Doji Reversal."""

    body_size_threshold: float = param.fraction(0.05, "Largest body of a doji, as a fraction of its range", 0.001)
    trend_period: int = param.period(10, "Period of the SMA that price is away from")
    min_trend_atr: float = param.atr_multiple(1.0, "How far from the SMA the close must be, in ATRs")
    base_confidence: float = param.base_confidence(0.55)
    quality_weight: float = param.confidence(0.1, "Added for a doji without any body, in proportion above")
    trend_factor: float = param.factor(10.0, "Confidence per distance of the close from the SMA, as a fraction")
    max_trend_bonus: float = param.confidence(0.1, "Most that the distance adds")
    risk_reward: float = param.risk_reward(1.2)
    min_data_points: int = param.min_data_points(20)


class DojiReversal(Strategy[Parameters]):
    """Indecision far from the mean."""

    name = "Doji Reversal"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.sma = need.sma(self.p.trend_period)
        self.atr = need.atr()
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """A doji below the SMA (buy) or above it (sell)."""
        p, high, low, close = self.p, self.high[-1], self.low[-1], self.close[-1]
        if not high > low:
            return None
        body, distance = abs(close - self.open[-1]) / (high - low), abs(close - self.sma[-1])
        if not (body <= p.body_size_threshold and distance >= p.min_trend_atr * self.atr[-1]):
            return None
        confidence = (
            p.base_confidence
            + p.quality_weight * (1.0 - body / p.body_size_threshold)
            + clamp(distance / close * p.trend_factor, 0.0, p.max_trend_bonus)
        )
        if close < self.sma[-1]:
            return level_setup("buy", min(MAX_CONFIDENCE, confidence), high, low, p.risk_reward)
        if close > self.sma[-1]:
            return level_setup("sell", min(MAX_CONFIDENCE, confidence), low, high, p.risk_reward)
        return None
