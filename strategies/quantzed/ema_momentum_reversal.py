"""EMA Momentum Reversal."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import all_above, clamp, ratio
from strategies.setup import Setup, level_setup

MAX_CONFIDENCE = 0.88
WEAK_BARS = 3  # bars of the weakness setup


class Parameters(param.Parameters):
    """Parameters of EMA Momentum Reversal."""

    ema_period: int = param.period(9, "Period of the EMA")
    window: int = param.period(5, "Bars over which weakness and capitulation are looked for", minimum=WEAK_BARS)
    slope_confidence: float = param.confidence(0.76, "Confidence of the slope setup")
    capitulation_confidence: float = param.confidence(0.78, "Confidence of the capitulation setup")
    weakness_confidence: float = param.confidence(0.74, "Confidence of the weakness setup")
    advanced_confidence: float = param.confidence(0.8, "Confidence of the advanced setup")
    momentum_factor: float = param.factor(100.0, "Confidence per slope of the EMA, as a fraction of it")
    max_momentum_bonus: float = param.confidence(0.05, "Most that the slope adds")
    distance_factor: float = param.factor(10.0, "Confidence lost per distance of the close from the EMA, as a fraction")
    max_distance_penalty: float = param.confidence(0.08, "Most that the distance takes away")
    base_confidence: float = param.confidence(0.6, "Lowest confidence", MAX_CONFIDENCE)
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(60)


class EMAMomentumReversal(Strategy[Parameters]):
    """Four bullish setups on the slope of a short EMA (9.1 to 9.4)."""

    name = "EMA Momentum Reversal"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        bars = self.p.window + 1
        self.ema = need.ema(self.p.ema_period, bars)
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low", bars)
        self.close = need.field("close", 3)

    def setup(self) -> Setup | None:
        """The first of the four setups that holds."""
        confidence = self._setup_confidence()
        if confidence is None or not self.high[-1] > self.low[-1]:
            return None
        p, ema, high, low = self.p, self.ema[-1], self.high[-1], self.low[-1]
        slope, distance = ema - self.ema[-2], abs(self.close[-1] - ema)
        bonus = min(p.max_momentum_bonus, ratio(slope, ema) * p.momentum_factor) if slope > 0.0 else 0.0
        penalty = min(p.max_distance_penalty, ratio(distance, ema) * p.distance_factor)
        confidence = clamp(confidence + bonus - penalty, p.base_confidence, MAX_CONFIDENCE)
        return level_setup("buy", confidence, high, low, p.risk_reward)

    def _setup_confidence(self) -> float | None:
        p, ema, close = self.p, self.ema, self.close
        before, slope = ema[-2] - ema[-3], ema[-1] - ema[-2]
        if before < 0.0 < slope:
            if close[-2] < ema[-2] and self.low[-1] > self.low[-2] and not all_above(self.low, ema, p.window, ago=1):
                return p.advanced_confidence
            if close[-1] > ema[-1]:
                return p.slope_confidence
        if slope <= 0.0 and close[-1] < self.low[-2] and self._capitulates():
            return p.capitulation_confidence
        if slope > before and close[-2] < close[-3] and close[-1] < close[-3] and self._recovers_from_weakness():
            return p.weakness_confidence
        return None

    def _capitulates(self) -> bool:
        ema, low = self.ema, self.low
        return all(low[-i] <= ema[-i] and ema[-i] - ema[-i - 1] <= 0.0 for i in range(1, self.p.window + 1))

    def _recovers_from_weakness(self) -> bool:
        ema = self.ema
        if not self.close[-1] > self.open[-1] or all_above(self.low, ema, WEAK_BARS):
            return False
        return sum(ema[-i] < ema[-i - 1] for i in range(1, self.p.window + 1)) >= WEAK_BARS
