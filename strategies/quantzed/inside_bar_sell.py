"""Inside Bar Sell."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import at_most
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.80


class Parameters(param.Parameters):
    """Parameters of Inside Bar Sell."""

    ORDERED = (("ema_fast", "ema_slow"),)

    ema_fast: int = param.period(8, "Period of the fast EMA")
    ema_slow: int = param.period(80, "Period of the slow EMA")
    base_confidence: float = param.base_confidence(0.6)
    strength_factor: float = param.factor(5.0, "Confidence per distance of the close from the slow EMA, as a fraction")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(125)


class InsideBarSell(Strategy[Parameters]):
    """An inside bar under both EMAs in a downtrend; entry below it."""

    name = "Inside Bar Sell"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.ema_fast = need.ema(self.p.ema_fast)
        self.ema_slow = need.ema(self.p.ema_slow)
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """An inside bar that closes below a fast EMA below the slow one."""
        p, high, low, close, slow = self.p, self.high, self.low, self.close[-1], self.ema_slow[-1]
        if not (high[-2] > high[-1] > low[-1] > low[-2] and close < self.ema_fast[-1] < slow):
            return None
        confidence = at_most(MAX_CONFIDENCE, p.base_confidence + (slow - close) / close * p.strength_factor)
        return level_setup("sell", confidence, low[-1], high[-1], p.risk_reward)
