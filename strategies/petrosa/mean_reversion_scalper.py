"""Mean Reversion Scalper."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.conditions import ratio
from strategies.setup import Setup


class Parameters(param.Parameters):
    """Parameters of Mean Reversion Scalper."""

    ORDERED = (("rsi_oversold", "rsi_overbought"),)

    ema_period: int = param.period(21, "Period of the EMA that price returns to")
    deviation_threshold: float = param.fraction(0.02, "Stretch from the EMA, as a fraction of it")
    rsi_period: int = param.period(14, "Period of the RSI", minimum=2)
    rsi_oversold: float = param.rsi_level(30.0, "RSI below which a buy may hold")
    rsi_overbought: float = param.rsi_level(70.0, "RSI above which a sell may hold")
    bb_period: int = param.period(20, "Period of the Bollinger Bands", minimum=2)
    bb_std: float = param.number(2.0, "Width of the bands in standard deviations", 0.1, 10.0)
    base_confidence: float = param.base_confidence(0.65)
    deviation_bonus: float = param.confidence(0.05, "Added from 1.5 times the threshold, and again from twice")
    turn_bonus: float = param.confidence(0.05, "Added when the bar turns towards the EMA")
    band_bonus: float = param.confidence(0.05, "Added when the close is outside the bands")
    stop_loss_atr: float = param.stop_loss_atr(2.0)
    min_data_points: int = param.min_data_points(30)


class MeanReversionScalper(Strategy[Parameters]):
    """Price stretched from its EMA with RSI at an extreme; the target is the EMA."""

    name = "Mean Reversion Scalper"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.ema = need.ema(p.ema_period)
        self.rsi = need.rsi(p.rsi_period)
        self.bb_lower, _, self.bb_upper = need.bollinger(p.bb_period, p.bb_std)
        self.open = need.field("open")
        self.close = need.field("close")
        self.atr = need.atr()

    def setup(self) -> Setup | None:
        """Stretched below the EMA and oversold (buy), or above it and overbought (sell)."""
        p, rsi, close, ema = self.p, self.rsi[-1], self.close[-1], self.ema[-1]
        if rsi < p.rsi_oversold:
            deviation = ratio(close - ema, ema)
            if deviation <= -p.deviation_threshold:
                turned, outside = close > self.open[-1], close < self.bb_lower[-1]
                confidence = self._confidence(-deviation, turned=turned, outside=outside)
                return Setup("buy", confidence, close, close - p.stop_loss_atr * self.atr[-1], ema)
        if rsi > p.rsi_overbought:
            deviation = ratio(close - ema, ema)
            if deviation >= p.deviation_threshold:
                turned, outside = close < self.open[-1], close > self.bb_upper[-1]
                confidence = self._confidence(deviation, turned=turned, outside=outside)
                return Setup("sell", confidence, close, close + p.stop_loss_atr * self.atr[-1], ema)
        return None

    def _confidence(self, deviation: float, *, turned: bool, outside: bool) -> float:
        p = self.p
        confidence = p.base_confidence
        if deviation >= 1.5 * p.deviation_threshold:
            confidence += p.deviation_bonus
        if deviation >= 2.0 * p.deviation_threshold:
            confidence += p.deviation_bonus
        if turned:
            confidence += p.turn_bonus
        if outside:
            confidence += p.band_bonus
        return confidence
