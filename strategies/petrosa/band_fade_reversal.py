"""Band Fade Reversal."""

from __future__ import annotations

from state.indicator_set import IndicatorSet
from strategies import parameters as param
from strategies.base import Strategy
from strategies.setup import Setup


class Parameters(param.Parameters):
    """Parameters of Band Fade Reversal."""

    ORDERED = (("rsi_oversold", "rsi_overbought"),)

    bb_period: int = param.period(20, "Period of the Bollinger Bands", minimum=2)
    bb_std: float = param.number(2.0, "Width of the bands in standard deviations", 0.1, 10.0)
    rsi_period: int = param.period(14, "Period of the RSI", minimum=2)
    rsi_oversold: float = param.rsi_level(30.0, "RSI below which the market is oversold")
    rsi_overbought: float = param.rsi_level(70.0, "RSI above which the market is overbought")
    rejection_wick_atr: float = param.atr_multiple(0.5, "Wick, in ATRs, from which a bar counts as rejected")
    base_confidence: float = param.base_confidence(0.55)
    rsi_bonus: float = param.confidence(
        0.1, "Added when the RSI was oversold (sell: overbought) on this bar or the last"
    )
    wick_bonus: float = param.confidence(0.1, "Added when the bar was rejected")
    stop_loss_atr: float = param.stop_loss_atr(1.0)
    min_data_points: int = param.min_data_points(25)


class BandFadeReversal(Strategy[Parameters]):
    """Price reaches a Bollinger Band, closes back inside and turns."""

    name = "Band Fade Reversal"
    parameters = Parameters

    def ask(self, need: IndicatorSet) -> None:
        """Ask for the series that `setup` reads."""
        p = self.p
        self.bb_lower, self.bb_middle, self.bb_upper = need.bollinger(p.bb_period, p.bb_std)
        self.rsi = need.rsi(p.rsi_period)
        self.atr = need.atr()
        self.open = need.field("open")
        self.high = need.field("high")
        self.low = need.field("low")
        self.close = need.field("close", 3)

    def setup(self) -> Setup | None:
        """A turn up below the middle band (buy), or down above it (sell), off the outer band."""
        before, last, close = self.close[-3], self.close[-2], self.close[-1]
        if last < before and close > last:
            return self._buy()
        if last > before and close < last:
            return self._sell()
        return None

    def _buy(self) -> Setup | None:
        p, close, atr = self.p, self.close[-1], self.atr[-1]
        touched = min(self.low[-2], self.low[-1])
        if not (touched <= self.bb_lower[-1] < close < self.bb_middle[-1]):
            return None
        confidence = p.base_confidence
        if min(self.rsi[-2], self.rsi[-1]) < p.rsi_oversold:
            confidence += p.rsi_bonus
        if min(self.open[-1], close) - self.low[-1] > p.rejection_wick_atr * atr:
            confidence += p.wick_bonus
        return Setup("buy", confidence, close, touched - p.stop_loss_atr * atr, self.bb_middle[-1])

    def _sell(self) -> Setup | None:
        p, close, atr = self.p, self.close[-1], self.atr[-1]
        touched = max(self.high[-2], self.high[-1])
        if not (touched >= self.bb_upper[-1] > close > self.bb_middle[-1]):
            return None
        confidence = p.base_confidence
        if max(self.rsi[-2], self.rsi[-1]) > p.rsi_overbought:
            confidence += p.rsi_bonus
        if self.high[-1] - max(self.open[-1], close) > p.rejection_wick_atr * atr:
            confidence += p.wick_bonus
        return Setup("sell", confidence, close, touched + p.stop_loss_atr * atr, self.bb_middle[-1])
