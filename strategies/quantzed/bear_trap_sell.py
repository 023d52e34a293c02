"""Bear Trap Sell."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import all_below
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.85


class Parameters(param.Parameters):
    """Parameters of Bear Trap Sell."""

    ema_period: int = param.period(80, "Period of the EMA")
    strength_bars: int = param.period(4, "Bars that must have closed below the EMA")
    base_confidence: float = param.base_confidence(0.6)
    rejection_factor: float = param.confidence(0.25, "Added for a close at the bar's low, in proportion below")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(125)


class BearTrapSell(Strategy[Parameters]):
    """A breakout over the EMA fails and price closes under it."""

    name = "Bear Trap Sell"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.ema = need.ema(self.p.ema_period, self.p.strength_bars)
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close", self.p.strength_bars)

    def setup(self) -> Setup | None:
        """A high above the EMA and closes below it."""
        p, high, low, close = self.p, self.high[-1], self.low[-1], self.close[-1]
        if not (high > self.ema[-1] > close and all_below(self.close, self.ema, p.strength_bars)):
            return None
        confidence = min(MAX_CONFIDENCE, p.base_confidence + p.rejection_factor * (high - close) / (high - low))
        return level_setup("sell", confidence, low, high, p.risk_reward)
