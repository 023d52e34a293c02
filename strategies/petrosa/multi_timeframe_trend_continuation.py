"""Multi-Timeframe Trend Continuation."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import clamp, ratio
from strategies.setup import Setup, level_setup


class Parameters(param.Parameters):
    """Parameters of Multi-Timeframe Trend Continuation."""

    ORDERED = (("higher_ema_fast", "higher_ema_slow"), ("ema_fast", "ema_medium", "ema_slow"))

    higher_timeframe_multiplier: int = param.number(4, "Bars that make one bar of the higher timeframe", 2, 500)
    higher_ema_fast: int = param.period(8, "Period of the higher timeframe's fast EMA")
    higher_ema_slow: int = param.period(21, "Period of the higher timeframe's slow EMA")
    ema_fast: int = param.period(21, "Period of the fast EMA")
    ema_medium: int = param.period(50, "Period of the medium EMA, where the stop lies")
    ema_slow: int = param.period(200, "Period of the slow EMA")
    pullback_threshold: float = param.fraction(0.01, "How far from the fast EMA the close may be, as a fraction of it")
    rsi_period: int = param.period(14, "Period of the RSI", minimum=2)
    rsi_pullback: float = param.rsi_level(
        50.0, "RSI that the pullback of a buy must have reached; a sell mirrors it at 50"
    )
    volume_sma_period: int = param.period(20, "Period of the mean volume")
    volume_multiplier_threshold: float = param.volume_multiple(1.0, "Multiple of the mean volume that the bar needs")
    adx_period: int = param.period(14, "Period of the ADX")
    base_confidence: float = param.base_confidence(0.75)
    strength_factor: float = param.confidence(0.1, "Confidence added at an ADX of 100, in proportion below")
    risk_reward: float = param.risk_reward(3.0)
    min_data_points: int = param.min_data_points(200)


class MultiTimeframeTrendContinuation(Strategy[Parameters]):
    """The higher timeframe trends, this one has pulled back to its EMA and resumes."""

    name = "Multi-Timeframe Trend Continuation"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        higher = need.higher_timeframe(p.higher_timeframe_multiplier, p.higher_ema_fast, p.higher_ema_slow)
        self.higher_close, self.higher_ema_fast, self.higher_ema_slow = higher
        self.ema_fast = need.ema(p.ema_fast, 3)
        self.ema_medium = need.ema(p.ema_medium)
        self.ema_slow = need.ema(p.ema_slow)
        self.rsi = need.rsi(p.rsi_period, 3)
        self.adx = need.adx(p.adx_period)
        self.volume_ratio = need.volume_ratio(p.volume_sma_period)
        self.high = need.field("high", 3)
        self.low = need.field("low", 3)
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """The close leaves the last bar upwards in an uptrend (buy), or downwards in a downtrend (sell)."""
        p, close, fast = self.p, self.close[-1], self.ema_fast[-1]
        if close > self.high[-2]:
            action = "buy" if self._resumes_up() else None
        elif close < self.low[-2]:
            action = "sell" if self._resumes_down() else None
        else:
            return None
        if action is None or not ratio(abs(close - fast), fast) <= p.pullback_threshold:
            return None
        if not self.volume_ratio[-1] >= p.volume_multiplier_threshold:
            return None
        confidence = p.base_confidence + p.strength_factor * clamp(self.adx[-1] / 100.0, 0.0, 1.0)
        return level_setup(action, confidence, close, self.ema_medium[-1], p.risk_reward)  # type: ignore[arg-type]

    def _resumes_up(self) -> bool:
        fast, low, higher_fast = self.ema_fast, self.low, self.higher_ema_fast[-1]
        return (
            self.close[-1] > fast[-1] > self.ema_medium[-1] > self.ema_slow[-1]
            and self.higher_close[-1] > higher_fast > self.higher_ema_slow[-1]
            and (low[-1] <= fast[-1] or low[-2] <= fast[-2] or low[-3] <= fast[-3])
            and min(self.rsi[-3:]) <= self.p.rsi_pullback
        )

    def _resumes_down(self) -> bool:
        fast, high, higher_fast = self.ema_fast, self.high, self.higher_ema_fast[-1]
        return (
            self.close[-1] < fast[-1] < self.ema_medium[-1] < self.ema_slow[-1]
            and self.higher_close[-1] < higher_fast < self.higher_ema_slow[-1]
            and (high[-1] >= fast[-1] or high[-2] >= fast[-2] or high[-3] >= fast[-3])
            and max(self.rsi[-3:]) >= 100.0 - self.p.rsi_pullback
        )
