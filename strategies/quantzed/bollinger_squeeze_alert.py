"""Bollinger Squeeze Alert."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import ratio
from strategies.setup import Setup, alert_setup


class Parameters(param.Parameters):
    """Parameters of Bollinger Squeeze Alert."""

    AT_MOST = (("strong_squeeze_threshold", "squeeze_threshold"),)

    bb_period: int = param.period(20, "Period of the Bollinger Bands", minimum=2)
    bb_std: float = param.number(2.0, "Width of the bands in standard deviations", 0.1, 10.0)
    squeeze_threshold: float = param.fraction(0.1, "Width of squeezed bands, as a fraction of the middle one")
    strong_squeeze_threshold: float = param.fraction(0.05, "Width of strongly squeezed bands")
    base_confidence: float = param.confidence(0.7, "Confidence of a squeeze")
    strong_confidence: float = param.confidence(0.8, "Confidence of a strong squeeze")
    min_data_points: int = param.min_data_points(25)


class BollingerSqueezeAlert(Strategy[Parameters]):
    """Volatility compression: an alert to watch for a breakout, not a trade."""

    name = "Bollinger Squeeze Alert"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        self.bb_lower, self.bb_middle, self.bb_upper = need.bollinger(self.p.bb_period, self.p.bb_std)
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """The bands are narrow."""
        p = self.p
        width = ratio(self.bb_upper[-1] - self.bb_lower[-1], self.bb_middle[-1])
        if not width < p.squeeze_threshold:
            return None
        strong = width < p.strong_squeeze_threshold
        return alert_setup(p.strong_confidence if strong else p.base_confidence, self.close[-1])
