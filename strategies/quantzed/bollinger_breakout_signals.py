"""Bollinger Breakout Signals."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import clamp, ratio
from strategies.setup import Setup


class Parameters(param.Parameters):
    """Parameters of Bollinger Breakout Signals."""

    bb_period: int = param.period(20, "Period of the Bollinger Bands", minimum=2)
    bb_std: float = param.number(2.0, "Width of the bands in standard deviations", 0.1, 10.0)
    base_confidence: float = param.base_confidence(0.68)
    distance_factor: float = param.factor(50.0, "Confidence per distance beyond the band, as a fraction of the band")
    max_distance_bonus: float = param.confidence(0.12, "Most that the distance beyond the band adds")
    stop_loss_atr: float = param.stop_loss_atr(1.5)
    min_data_points: int = param.min_data_points(25)


class BollingerBreakoutSignals(Strategy[Parameters]):
    """A close outside the bands, traded back to the middle."""

    name = "Bollinger Breakout Signals"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.bb_lower, self.bb_middle, self.bb_upper = need.bollinger(self.p.bb_period, self.p.bb_std)
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """A close below the lower band (buy) or above the upper one (sell)."""
        close, lower, upper = self.close[-1], self.bb_lower[-1], self.bb_upper[-1]
        if close < lower:
            return Setup("buy", self._confidence(lower), close, close - self._risk(), self.bb_middle[-1])
        if close > upper:
            return Setup("sell", self._confidence(upper), close, close + self._risk(), self.bb_middle[-1])
        return None

    def _risk(self) -> float:
        return self.p.stop_loss_atr * self.atr[-1]

    def _confidence(self, edge: float) -> float:
        p = self.p
        distance = ratio(abs(self.close[-1] - edge), edge)
        return p.base_confidence + clamp(distance * p.distance_factor, 0.0, p.max_distance_bonus)
