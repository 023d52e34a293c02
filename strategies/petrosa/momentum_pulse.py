"""Momentum Pulse."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.setup import Setup, atr_setup


class Parameters(param.AtrRisk):
    """Parameters of Momentum Pulse."""

    ORDERED = (("macd_fast", "macd_slow"), ("rsi_min", "rsi_max"), ("ema_fast", "ema_medium", "ema_slow"))

    macd_fast: int = param.period(12, "Period of the MACD's fast EMA")
    macd_slow: int = param.period(26, "Period of the MACD's slow EMA")
    macd_signal: int = param.period(9, "Period of the MACD's signal line")
    rsi_period: int = param.period(14, "Period of the RSI", minimum=2)
    rsi_min: float = param.rsi_level(50.0, "Lowest RSI of a buy; a sell mirrors it at 50")
    rsi_max: float = param.rsi_level(65.0, "Highest RSI of a buy; a sell mirrors it at 50")
    adx_period: int = param.period(14, "Period of the ADX")
    adx_threshold: float = param.rsi_level(20.0, "ADX above which the market trends")
    ema_fast: int = param.period(21, "Period of the fast EMA")
    ema_medium: int = param.period(50, "Period of the medium EMA")
    ema_slow: int = param.period(200, "Period of the slow EMA")
    base_confidence: float = param.base_confidence(0.6)
    rsi_bonus: float = param.confidence(0.1, "Added while the RSI has room to run (below 60, for a sell above 40)")
    alignment_bonus: float = param.confidence(0.1, "Added when the three EMAs are in order")
    min_data_points: int = param.min_data_points(60)


class MomentumPulse(Strategy[Parameters]):
    """MACD histogram crosses zero, confirmed by RSI and ADX, on the right side of its EMAs."""

    name = "Momentum Pulse"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.macd_histogram = need.macd_histogram(p.macd_fast, p.macd_slow, p.macd_signal)
        self.rsi = need.rsi(p.rsi_period)
        self.adx = need.adx(p.adx_period)
        self.ema_fast = need.ema(p.ema_fast)
        self.ema_medium = need.ema(p.ema_medium)
        self.ema_slow = need.ema(p.ema_slow)
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """The histogram crosses zero upwards (buy) or downwards (sell), and everything else agrees."""
        before, histogram = self.macd_histogram[-2], self.macd_histogram[-1]
        if before <= 0.0 < histogram:
            return self._buy()
        if before >= 0.0 > histogram:
            return self._sell()
        return None

    def _buy(self) -> Setup | None:
        p, rsi, close = self.p, self.rsi[-1], self.close[-1]
        fast, medium, slow = self.ema_fast[-1], self.ema_medium[-1], self.ema_slow[-1]
        if not (p.rsi_min <= rsi <= p.rsi_max and self.adx[-1] > p.adx_threshold and close > fast and close > medium):
            return None
        confidence = p.base_confidence
        if rsi < 60.0:
            confidence += p.rsi_bonus
        if fast > medium > slow:
            confidence += p.alignment_bonus
        return atr_setup("buy", confidence, close, self.atr[-1], p)

    def _sell(self) -> Setup | None:
        p, rsi, close = self.p, self.rsi[-1], self.close[-1]
        fast, medium, slow = self.ema_fast[-1], self.ema_medium[-1], self.ema_slow[-1]
        in_range = 100.0 - p.rsi_max <= rsi <= 100.0 - p.rsi_min
        if not (in_range and self.adx[-1] > p.adx_threshold and close < fast and close < medium):
            return None
        confidence = p.base_confidence
        if rsi > 40.0:
            confidence += p.rsi_bonus
        if fast < medium < slow:
            confidence += p.alignment_bonus
        return atr_setup("sell", confidence, close, self.atr[-1], p)
