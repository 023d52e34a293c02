"""RSI Extreme Reversal."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import clamp
from strategies.setup import Setup, atr_setup

MAX_CONFIDENCE = 0.90


class Parameters(param.AtrRisk):
    """Parameters of RSI Extreme Reversal."""

    AT_MOST = (("extreme_threshold", "oversold_threshold"),)

    rsi_period: int = param.period(2, "Period of the RSI", minimum=2)
    oversold_threshold: float = param.number(25.0, "RSI below which the market is oversold", 10.0, 40.0)
    extreme_threshold: float = param.number(2.0, "RSI below which the market is extremely oversold", 1.0, 10.0)
    base_confidence: float = param.confidence(0.65, "Lowest confidence", MAX_CONFIDENCE)
    extreme_confidence: float = param.confidence(0.82, "Confidence when extremely oversold")
    oversold_confidence: float = param.confidence(0.72, "Confidence when oversold")
    momentum_adjustment_factor: float = param.factor(0.02, "Confidence per RSI point gained since the last bar", 1.0)
    momentum_threshold: float = param.number(-2.0, "Change of the RSI below which the penalty applies", -100.0, 0.0)
    momentum_boost: float = param.confidence(0.08, "Most that a rising RSI adds")
    momentum_penalty: float = param.number(-0.05, "Added, and so taken away, while the RSI falls fast", -1.0, 0.0)
    min_data_points: int = param.min_data_points(78)


class RSIExtremeReversal(Strategy[Parameters]):
    """Extreme RSI(2) readings for mean reversion."""

    name = "RSI Extreme Reversal"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.rsi = need.rsi(self.p.rsi_period)
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """The RSI is oversold."""
        p, rsi = self.p, self.rsi[-1]
        if not rsi < p.oversold_threshold:
            return None
        confidence = p.extreme_confidence if rsi < p.extreme_threshold else p.oversold_confidence
        confidence = clamp(confidence + self._adjustment(), p.base_confidence, MAX_CONFIDENCE)
        return atr_setup("buy", confidence, self.close[-1], self.atr[-1], p)

    def _adjustment(self) -> float:
        p, momentum = self.p, self.rsi[-1] - self.rsi[-2]
        if momentum > 0.0:
            return min(p.momentum_boost, momentum * p.momentum_adjustment_factor)
        return p.momentum_penalty if momentum < p.momentum_threshold else 0.0
