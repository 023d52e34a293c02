"""EMA Pullback Continuation."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import all_above, all_below, at_most, ratio
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.88


class Parameters(param.Parameters):
    """Parameters of EMA Pullback Continuation."""

    ORDERED = (("ema_signal", "ema_period", "ema_trend"),)

    ema_signal: int = param.period(9, "Period of the EMA that must be below the touched one for a sell")
    ema_period: int = param.period(20, "Period of the EMA that price touches")
    ema_trend: int = param.period(30, "Period of the EMA that the touched one must be above for a buy")
    pullback_threshold: float = param.fraction(0.002, "How near to the EMA is a touch, as a fraction of it")
    trend_bars: int = param.period(4, "Bars that must have closed on the trend's side of the EMA")
    base_confidence: float = param.base_confidence(0.74)
    trend_factor: float = param.factor(20.0, "Share of the weight per distance between the EMAs, as a fraction")
    trend_weight: float = param.confidence(0.08, "Most that the distance between the EMAs adds")
    depth_factor: float = param.factor(10.0, "Share of the weight lost per distance of the close from the EMA")
    depth_weight: float = param.confidence(0.06, "Added when the close lies on the EMA")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(80)


class EMAPullbackContinuation(Strategy[Parameters]):
    """Price touches the EMA in a trend that has held it for several bars."""

    name = "EMA Pullback Continuation"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.ema_signal = need.ema(p.ema_signal)
        self.ema = need.ema(p.ema_period, p.trend_bars)
        self.ema_trend = need.ema(p.ema_trend)
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close", p.trend_bars)

    def setup(self) -> Setup | None:
        """Closes above the EMA and a low that touches it (buy), or closes below it and a high that does (sell)."""
        p, close, ema, high, low = self.p, self.close[-1], self.ema[-1], self.high[-1], self.low[-1]
        if close > ema:
            touched = ema > self.ema_trend[-1] and low <= ema * (1.0 + p.pullback_threshold)
            if touched and all_above(self.close, self.ema, p.trend_bars):
                return level_setup("buy", self._confidence(), high, low, p.risk_reward)
        elif close < ema:
            touched = self.ema_signal[-1] < ema and high >= ema * (1.0 - p.pullback_threshold)
            if touched and high > self.high[-2] and all_below(self.close, self.ema, p.trend_bars):
                return level_setup("sell", self._confidence(), low, high, p.risk_reward)
        return None

    def _confidence(self) -> float:
        p, close, ema, trend = self.p, self.close[-1], self.ema[-1], self.ema_trend[-1]
        confidence = (
            p.base_confidence
            + p.trend_weight * at_most(1.0, ratio(abs(ema - trend), trend) * p.trend_factor)
            + p.depth_weight * max(0.0, 1.0 - ratio(abs(close - ema), ema) * p.depth_factor)
        )
        return at_most(MAX_CONFIDENCE, confidence)
