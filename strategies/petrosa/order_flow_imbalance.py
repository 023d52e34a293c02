"""Order Flow Imbalance."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import at_most, clamp, ratio
from strategies.setup import Setup, atr_setup

MAX_CONFIDENCE = 0.95
HEAVY_VOLUME_RATIO = 1.5


class Parameters(param.AtrRisk):
    """Parameters of Order Flow Imbalance."""

    volume_window: int = param.period(
        10, "Bars over which absorption, consolidation and imbalance are looked for", minimum=2
    )
    baseline_window: int = param.period(20, "Bars before the window that give the usual volume")
    absorption_volume_multiplier: float = param.volume_multiple(2.0, "Multiple of the usual volume that is absorption")
    price_impact_threshold: float = param.fraction(0.01, "Highest range of an absorbing bar, as a fraction of its low")
    volume_trend_ratio: float = param.volume_multiple(1.2, "Mean volume of the window's newer half over its older half")
    consolidation_threshold: float = param.fraction(0.03, "Highest range of the closes, as a fraction of their mean")
    imbalance_threshold: float = param.number(
        0.55, "Share of the volume bought (sell: sold) that is an imbalance", 0.5, 1.0
    )
    base_confidence: float = param.base_confidence(0.7)
    volume_bonus: float = param.confidence(0.05, "Added when this bar's volume is above 1.5 times its mean")
    imbalance_factor: float = param.factor(0.25, "Confidence per share of volume beyond the threshold", 10.0)
    min_data_points: int = param.min_data_points(40)


class OrderFlowImbalance(Strategy[Parameters]):
    """Absorption: heavy volume with little movement inside a consolidation, and volume growing on one side."""

    name = "Order Flow Imbalance"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        window, self.half = p.volume_window, p.volume_window // 2
        self.bought_volume_sma = need.bought_volume_sma(window)
        self.volume_sma = need.sma(window, "volume")
        self.half_volume_sma = need.sma(self.half, "volume", self.half + 1)
        self.baseline_volume = need.sma(p.baseline_window, "volume", 2 * window)
        self.volume_ratio = need.volume_ratio(p.baseline_window)
        self.close_sma = need.sma(window)
        self.open = need.field("open")
        self.high = need.field("high", window)
        self.low = need.field("low", window)
        self.close = need.field("close", window)
        self.volume = need.field("volume", window)
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """More volume bought than sold and a rising bar (buy), or the mirror image (sell)."""
        p, half_volume = self.p, self.half_volume_sma
        if not half_volume[-1] >= p.volume_trend_ratio * half_volume[-1 - self.half]:
            return None
        open_, close = self.open[-1], self.close[-1]
        share = ratio(self.bought_volume_sma[-1], self.volume_sma[-1])
        if share >= p.imbalance_threshold and close > open_:
            over = share - p.imbalance_threshold
        elif share <= 1.0 - p.imbalance_threshold and close < open_:
            over = 1.0 - share - p.imbalance_threshold
        else:
            return None
        if not (self._consolidates() and self._absorbed()):
            return None
        confidence = p.base_confidence + p.imbalance_factor * clamp(over, 0.0, 1.0)
        if self.volume_ratio[-1] > HEAVY_VOLUME_RATIO:
            confidence += p.volume_bonus
        action = "buy" if close > open_ else "sell"
        return atr_setup(action, at_most(MAX_CONFIDENCE, confidence), close, self.atr[-1], p)  # type: ignore[arg-type]

    def _consolidates(self) -> bool:
        closes = self.close[-self.p.volume_window :]
        return ratio(max(closes) - min(closes), self.close_sma[-1]) <= self.p.consolidation_threshold

    def _absorbed(self) -> bool:
        p = self.p
        return any(
            self.volume[-i] >= p.absorption_volume_multiplier * self.baseline_volume[-i - p.volume_window]
            and (self.high[-i] - self.low[-i]) / self.low[-i] <= p.price_impact_threshold
            for i in range(1, p.volume_window + 1)
        )
