"""Bear Trap Buy."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import all_above
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.85


class Parameters(param.Parameters):
    """Parameters of Bear Trap Buy."""

    ema_period: int = param.period(80, "Period of the EMA")
    strength_bars: int = param.period(4, "Bars that must have closed above the EMA")
    base_confidence: float = param.base_confidence(0.6)
    recovery_factor: float = param.confidence(0.25, "Added for a close at the bar's high, in proportion below")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(125)


class BearTrapBuy(Strategy[Parameters]):
    """Price dips below the EMA and closes above it."""

    name = "Bear Trap Buy"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.ema = need.ema(self.p.ema_period, self.p.strength_bars)
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close", self.p.strength_bars)

    def setup(self) -> Setup | None:
        """A low below the EMA and closes above it."""
        p, high, low, close = self.p, self.high[-1], self.low[-1], self.close[-1]
        if not (low < self.ema[-1] < close and all_above(self.close, self.ema, p.strength_bars)):
            return None
        confidence = min(MAX_CONFIDENCE, p.base_confidence + p.recovery_factor * (close - low) / (high - low))
        return level_setup("buy", confidence, high, low, p.risk_reward)
