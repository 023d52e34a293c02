"""Liquidity Grab Reversal."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.setup import Setup, level_setup


class Parameters(param.Parameters):
    """Parameters of Liquidity Grab Reversal."""

    AT_MOST = (("volume_spike_multiplier", "strong_volume_multiplier"),)

    lookback_periods: int = param.period(20, "Bars before this one whose extreme is pierced")
    volume_sma_period: int = param.period(20, "Period of the mean volume")
    volume_spike_multiplier: float = param.volume_multiple(1.5, "Multiple of the mean volume that the bar needs")
    strong_volume_multiplier: float = param.volume_multiple(2.5, "Multiple of the mean volume that earns the bonus")
    wick_ratio: float = param.fraction(0.5, "Wick that the bar needs, as a fraction of its range")
    max_penetration_atr: float = param.atr_multiple(1.5, "How far beyond the extreme the bar may reach, in ATRs")
    rsi_period: int = param.period(14, "Period of the RSI", minimum=2)
    base_confidence: float = param.base_confidence(0.75)
    volume_bonus: float = param.confidence(0.05, "Added on strong volume")
    rsi_bonus: float = param.confidence(0.05, "Added when the RSI is below 40 (sell: above 60)")
    stop_loss_atr: float = param.atr_multiple(0.25, "Distance of the stop beyond the bar's extreme, in ATRs")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(40)


class LiquidityGrabReversal(Strategy[Parameters]):
    """A stop hunt: the bar pierces a recent extreme on volume, is rejected, and closes back."""

    name = "Liquidity Grab Reversal"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.support = need.lowest("low", p.lookback_periods)
        self.resistance = need.highest("high", p.lookback_periods)
        self.volume_ratio = need.volume_ratio(p.volume_sma_period)
        self.rsi = need.rsi(p.rsi_period)
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """The bar pierces support and closes above it (buy), or resistance and closes below it (sell)."""
        if not self.volume_ratio[-1] >= self.p.volume_spike_multiplier:
            return None
        return self._buy() or self._sell()

    def _buy(self) -> Setup | None:
        p, low, close, support = self.p, self.low[-1], self.close[-1], self.support[-2]
        if not (low < support < close and support - low <= p.max_penetration_atr * self.atr[-1]):
            return None
        if not min(self.open[-1], close) - low >= p.wick_ratio * (self.high[-1] - low):
            return None
        confidence = self._confidence(extreme=self.rsi[-1] < 40.0)
        return level_setup("buy", confidence, close, low - p.stop_loss_atr * self.atr[-1], p.risk_reward)

    def _sell(self) -> Setup | None:
        p, high, close, resistance = self.p, self.high[-1], self.close[-1], self.resistance[-2]
        if not (high > resistance > close and high - resistance <= p.max_penetration_atr * self.atr[-1]):
            return None
        if not high - max(self.open[-1], close) >= p.wick_ratio * (high - self.low[-1]):
            return None
        confidence = self._confidence(extreme=self.rsi[-1] > 60.0)
        return level_setup("sell", confidence, close, high + p.stop_loss_atr * self.atr[-1], p.risk_reward)

    def _confidence(self, *, extreme: bool) -> float:
        p = self.p
        confidence = p.base_confidence
        if self.volume_ratio[-1] >= p.strong_volume_multiplier:
            confidence += p.volume_bonus
        if extreme:
            confidence += p.rsi_bonus
        return confidence
