"""Fox Trap Reversal."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import all_above, all_below, at_most, ratio
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.92


class Parameters(param.Parameters):
    """Parameters of Fox Trap Reversal."""

    ORDERED = (("ema_fast", "ema_medium", "ema_slow"),)

    ema_fast: int = param.period(8, "Period of the fast EMA, which is broken and taken back")
    ema_medium: int = param.period(20, "Period of the medium EMA")
    ema_slow: int = param.period(80, "Period of the slow EMA")
    touch_threshold: float = param.fraction(0.002, "How near to the fast EMA is a touch, as a fraction of it")
    persistence_bars: int = param.period(6, "Bars on which the fast and the slow EMA must have been in order")
    base_confidence: float = param.base_confidence(0.78)
    separation_factor: float = param.factor(15.0, "Share of the weight per distance between the EMAs, as a fraction")
    separation_weight: float = param.confidence(0.08, "Most that the distance between the EMAs adds")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(130)


class FoxTrapReversal(Strategy[Parameters]):
    """A false break of the fast EMA against a persistent trend, taken back on this bar."""

    name = "Fox Trap Reversal"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.ema_fast = need.ema(p.ema_fast, p.persistence_bars)
        self.ema_medium = need.ema(p.ema_medium)
        self.ema_slow = need.ema(p.ema_slow, p.persistence_bars)
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """The close comes back above the fast EMA in an uptrend (buy), or below it in a downtrend (sell)."""
        last, close, fast = self.close[-2], self.close[-1], self.ema_fast
        if last < fast[-2] and close > fast[-1]:
            return self._buy()
        if last > fast[-2] and close < fast[-1]:
            return self._sell()
        return None

    def _buy(self) -> Setup | None:
        p, high, low, fast = self.p, self.high[-1], self.low[-1], self.ema_fast[-1]
        if not (
            fast > self.ema_medium[-1]
            and low <= fast * (1.0 + p.touch_threshold)
            and self.close[-1] > self.open[-1]
            and all_above(self.ema_fast, self.ema_slow, p.persistence_bars)
        ):
            return None
        return level_setup("buy", self._confidence(), high, low, p.risk_reward)

    def _sell(self) -> Setup | None:
        p, high, low, fast = self.p, self.high[-1], self.low[-1], self.ema_fast[-1]
        if not (
            fast < self.ema_medium[-1]
            and high >= fast * (1.0 - p.touch_threshold)
            and self.close[-1] < self.open[-1]
            and all_below(self.ema_fast, self.ema_slow, p.persistence_bars)
        ):
            return None
        return level_setup("sell", self._confidence(), low, high, p.risk_reward)

    def _confidence(self) -> float:
        p, fast, slow = self.p, self.ema_fast[-1], self.ema_slow[-1]
        separation = at_most(1.0, ratio(abs(fast - slow), slow) * p.separation_factor)
        return at_most(MAX_CONFIDENCE, p.base_confidence + p.separation_weight * separation)
