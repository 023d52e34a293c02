"""Divergence Trap."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import clamp
from strategies.setup import Setup, level_setup


class Parameters(param.Parameters):
    """Parameters of Divergence Trap."""

    ORDERED = (("pivot_gap", "price_lookback"), ("rsi_oversold", "rsi_overbought"))

    rsi_period: int = param.period(14, "Period of the RSI", minimum=2)
    price_lookback: int = param.period(20, "How many bars back the older extreme is looked for", minimum=2)
    pivot_gap: int = param.period(5, "The newest bars, among which the recent extreme is looked for")
    divergence_threshold: float = param.rsi_level(3.0, "RSI points by which the RSI must fail to confirm")
    rsi_oversold: float = param.rsi_level(45.0, "Highest RSI at the recent low of a buy")
    rsi_overbought: float = param.rsi_level(55.0, "Lowest RSI at the recent high of a sell")
    base_confidence: float = param.base_confidence(0.6)
    strength_bonus: float = param.confidence(0.15, "Added in proportion to the divergence")
    strength_scale: float = param.number(15.0, "RSI points of divergence that earn the whole bonus", 0.1, 100.0)
    wick_bonus: float = param.confidence(0.05, "Added when the bar has a long wick")
    wick_ratio: float = param.fraction(0.6, "Wick, as a fraction of the bar's range, that counts as long")
    risk_reward: float = param.risk_reward(2.0)
    stop_loss_atr: float = param.atr_multiple(0.5, "Distance of the stop beyond the recent extreme, in ATRs")
    min_data_points: int = param.min_data_points(40)


class DivergenceTrap(Strategy[Parameters]):
    """Price makes a new extreme that RSI does not confirm, and a candle turns."""

    name = "Divergence Trap"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        bars = self.p.price_lookback + 1
        self.rsi = need.rsi(self.p.rsi_period, bars)
        self.high = need.field("high", bars)
        self.low = need.field("low", bars)
        self.open = need.field("open")
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """A bar that turns up after an unconfirmed low (buy), or down after an unconfirmed high (sell)."""
        last, close, open_ = self.close[-2], self.close[-1], self.open[-1]
        if close > last and close > open_:
            return self._buy()
        if close < last and close < open_:
            return self._sell()
        return None

    def _buy(self) -> Setup | None:
        p, low = self.p, self.low
        recent = low[-p.pivot_gap :]
        bottom = min(recent)
        rsi = self.rsi[-p.pivot_gap + recent.index(bottom)]
        if not rsi <= p.rsi_oversold:
            return None
        older = low[-1 - p.price_lookback : -p.pivot_gap]
        before = min(older)
        gap = rsi - self.rsi[-1 - p.price_lookback + older.index(before)]
        if not (bottom < before and gap >= p.divergence_threshold):
            return None
        wick = min(self.open[-1], self.close[-1]) - low[-1]
        stop = bottom - p.stop_loss_atr * self.atr[-1]
        return level_setup("buy", self._confidence(gap, wick), self.close[-1], stop, p.risk_reward)

    def _sell(self) -> Setup | None:
        p, high = self.p, self.high
        recent = high[-p.pivot_gap :]
        top = max(recent)
        rsi = self.rsi[-p.pivot_gap + recent.index(top)]
        if not rsi >= p.rsi_overbought:
            return None
        older = high[-1 - p.price_lookback : -p.pivot_gap]
        before = max(older)
        gap = self.rsi[-1 - p.price_lookback + older.index(before)] - rsi
        if not (top > before and gap >= p.divergence_threshold):
            return None
        wick = high[-1] - max(self.open[-1], self.close[-1])
        stop = top + p.stop_loss_atr * self.atr[-1]
        return level_setup("sell", self._confidence(gap, wick), self.close[-1], stop, p.risk_reward)

    def _confidence(self, gap: float, wick: float) -> float:
        p = self.p
        confidence = p.base_confidence + p.strength_bonus * clamp(gap / p.strength_scale, 0.0, 1.0)
        if wick > p.wick_ratio * (self.high[-1] - self.low[-1]):
            confidence += p.wick_bonus
        return confidence
