"""Minervini Trend Template."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.setup import Setup, atr_setup

CRITERIA = 7


class Parameters(param.AtrRisk):
    """Parameters of Minervini Trend Template."""

    ORDERED = (("ema_short", "ema_medium", "ema_long"),)

    ema_short: int = param.period(8, "Period of the short EMA")
    ema_medium: int = param.period(50, "Period of the medium EMA")
    ema_long: int = param.period(200, "Period of the long EMA")
    slope_bars: int = param.period(9, "Bars since which the long EMA should have risen")
    lookback_periods: int = param.period(252, "Bars whose highest high and lowest low count")
    above_low_ratio: float = param.number(1.3, "Multiple of the lowest low that the close should be above", 0.0, 100.0)
    near_high_ratio: float = param.number(0.75, "Multiple of the highest high that the close should be above", 0.0, 1.0)
    min_criteria: int = param.number(6, "How many of the seven criteria must hold", 1, CRITERIA)
    base_confidence: float = param.base_confidence(0.7)
    criteria_weight: float = param.confidence(0.15, "Added when all criteria hold, in proportion below")
    min_data_points: int = param.min_data_points(210)


class MinerviniTrendTemplate(Strategy[Parameters]):
    """At least six of seven institutional trend criteria."""

    name = "Minervini Trend Template"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.ema_short = need.ema(p.ema_short)
        self.ema_medium = need.ema(p.ema_medium)
        self.ema_long = need.ema(p.ema_long, p.slope_bars + 1)
        self.highest = need.highest("high", p.lookback_periods, partial=True)
        self.lowest = need.lowest("low", p.lookback_periods, partial=True)
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """Enough of the criteria hold."""
        p, close, medium, long = self.p, self.close[-1], self.ema_medium[-1], self.ema_long[-1]
        criteria = 0
        if close > long:
            criteria += 1
        if long > self.ema_long[-1 - p.slope_bars]:
            criteria += 1
        if close > medium:
            criteria += 1
        if medium > long:
            criteria += 1
        if close > self.ema_short[-1]:
            criteria += 1
        if close > self.lowest[-1] * p.above_low_ratio:
            criteria += 1
        if close > self.highest[-1] * p.near_high_ratio:
            criteria += 1
        if criteria < p.min_criteria:
            return None
        confidence = p.base_confidence + criteria / CRITERIA * p.criteria_weight
        return atr_setup("buy", confidence, close, self.atr[-1], p)
