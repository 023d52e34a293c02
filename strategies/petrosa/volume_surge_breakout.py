"""Volume Surge Breakout."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import at_most
from strategies.setup import Setup, atr_setup


class Parameters(param.AtrRisk):
    """Parameters of Volume Surge Breakout."""

    ORDERED = (("rsi_min", "rsi_max"),)

    volume_sma_period: int = param.period(20, "Period of the mean volume")
    volume_surge_multiplier: float = param.volume_multiple(3.0, "Multiple of the mean volume that is a surge")
    breakout_period: int = param.period(19, "Bars before this one whose range must be broken")
    rsi_period: int = param.period(14, "Period of the RSI", minimum=2)
    rsi_min: float = param.rsi_level(25.0, "RSI above which a setup may hold")
    rsi_max: float = param.rsi_level(75.0, "RSI below which a setup may hold")
    price_move_threshold: float = param.fraction(0.015, "Body, as a fraction of the open, that earns the move bonus")
    move_bonus: float = param.confidence(0.05, "Added when the body is large")
    base_confidence: float = param.base_confidence(0.65)
    ratio_factor: float = param.factor(0.05, "Confidence per multiple of the mean volume above the surge", 1.0)
    max_confidence: float = param.confidence(0.95, "Highest confidence")
    min_data_points: int = param.min_data_points(25)


class VolumeSurgeBreakout(Strategy[Parameters]):
    """Volume of at least three times its average with a close beyond the recent range."""

    name = "Volume Surge Breakout"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.volume_ratio = need.volume_ratio(p.volume_sma_period)
        self.highest = need.highest("high", p.breakout_period)
        self.lowest = need.lowest("low", p.breakout_period)
        self.rsi = need.rsi(p.rsi_period)
        self.open = need.field("open")
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """A surge that closes above the range (buy) or below it (sell) in its own direction."""
        p, volume_ratio = self.p, self.volume_ratio[-1]
        if not (volume_ratio >= p.volume_surge_multiplier and p.rsi_min < self.rsi[-1] < p.rsi_max):
            return None
        open_, close = self.open[-1], self.close[-1]
        up, down = close > open_ and close > self.highest[-2], close < open_ and close < self.lowest[-2]
        if not (up or down):
            return None
        confidence = p.base_confidence + (volume_ratio - p.volume_surge_multiplier) * p.ratio_factor
        if abs(close - open_) / open_ >= p.price_move_threshold:
            confidence += p.move_bonus
        return atr_setup("buy" if up else "sell", at_most(p.max_confidence, confidence), close, self.atr[-1], p)
