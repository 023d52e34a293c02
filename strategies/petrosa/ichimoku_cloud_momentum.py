"""Ichimoku Cloud Momentum."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import higher_of, lower_of
from strategies.setup import Setup, level_setup


class Parameters(param.Parameters):
    """Parameters of Ichimoku Cloud Momentum."""

    ORDERED = (("tenkan_period", "kijun_period", "senkou_b_period"),)

    tenkan_period: int = param.period(9, "Period of the tenkan (conversion line)")
    kijun_period: int = param.period(26, "Period of the kijun (base line)")
    senkou_b_period: int = param.period(52, "Period of senkou span B")
    displacement: int = param.period(26, "Bars by which the cloud is shifted forward")
    volume_sma_period: int = param.period(20, "Period of the mean volume")
    volume_multiplier_threshold: float = param.volume_multiple(1.5, "Multiple of the mean volume that earns the bonus")
    base_confidence: float = param.base_confidence(0.7)
    volume_bonus: float = param.confidence(0.05, "Added on strong volume")
    cloud_bonus: float = param.confidence(0.05, "Added when the cloud points in the trade's direction")
    risk_reward: float = param.risk_reward(2.0)
    min_data_points: int = param.min_data_points(80)


class IchimokuCloudMomentum(Strategy[Parameters]):
    """Price breaks out of the Kumo with momentum."""

    name = "Ichimoku Cloud Momentum"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        lines = need.ichimoku(p.tenkan_period, p.kijun_period, p.senkou_b_period, p.displacement)
        self.tenkan, self.kijun, self.span_a, self.span_b = lines
        self.volume_ratio = need.volume_ratio(p.volume_sma_period)
        self.close = need.field("close")

    def setup(self) -> Setup | None:
        """A close that leaves the cloud upwards (buy) or downwards (sell), with the lines in order."""
        close, tenkan, kijun = self.close[-1], self.tenkan[-1], self.kijun[-1]
        if tenkan > kijun and close > kijun and self._leaves_upwards():
            confidence = self._confidence(agrees=self.span_a[-1] > self.span_b[-1])
            return level_setup("buy", confidence, close, kijun, self.p.risk_reward)
        if tenkan < kijun and close < kijun and self._leaves_downwards():
            confidence = self._confidence(agrees=self.span_a[-1] < self.span_b[-1])
            return level_setup("sell", confidence, close, kijun, self.p.risk_reward)
        return None

    def _leaves_upwards(self) -> bool:
        span_a, span_b = self.span_a, self.span_b
        return self.close[-1] > higher_of(span_a[-1], span_b[-1]) and self.close[-2] <= higher_of(
            span_a[-2], span_b[-2]
        )

    def _leaves_downwards(self) -> bool:
        span_a, span_b = self.span_a, self.span_b
        return self.close[-1] < lower_of(span_a[-1], span_b[-1]) and self.close[-2] >= lower_of(span_a[-2], span_b[-2])

    def _confidence(self, *, agrees: bool) -> float:
        p = self.p
        confidence = p.base_confidence
        if self.volume_ratio[-1] > p.volume_multiplier_threshold:
            confidence += p.volume_bonus
        if agrees:
            confidence += p.cloud_bonus
        return confidence
