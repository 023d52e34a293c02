"""The 28 setups, each a literal reading of its definition over whole arrays.

Every function takes a key's bars and one strategy's parameters and returns, per bar, None or
(action, confidence, price, stop, target): prices in quote units, the confidence not clamped yet, NaN where undefined.
Warm-up, the minimum confidence and the order of the levels are the emission rule's business.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tests.oracle.arrays import (
    Bools,
    Floats,
    ago,
    all_of,
    any_of,
    bonus,
    clamp,
    count,
    falls,
    floats,
    held_ago,
    highest,
    lowest,
    mean,
    ratio,
    rises,
)
from tests.oracle.defaults import DEFAULTS
from tests.oracle.emission import Setup
from tests.oracle.market import Market

__all__ = ["BUY", "DEFAULTS", "SELL", "SETUPS", "Market", "all_setups"]

Params = Mapping[str, Any]
Setups = list[Setup | None]

BUY, SELL = 1, -1


class Levels(NamedTuple):
    """Entry, stop and target prices, one per bar."""

    price: Floats
    stop: Floats
    target: Floats


class Side(NamedTuple):
    """One side of a strategy: on which bars it is true, with what confidence and levels."""

    action: str
    true: Bools
    confidence: Floats
    levels: Levels


def on_bar(side: Side, i: int) -> Setup:
    """The side's setup on bar i."""
    price, stop, target = side.levels
    return side.action, float(side.confidence[i]), float(price[i]), float(stop[i]), float(target[i])


def either(*sides: Side) -> Setups:
    """Per bar the first side that is true there."""
    return [next((on_bar(side, i) for side in sides if side.true[i]), None) for i in range(len(sides[0].true))]


def atr_risk(m: Market, p: Params, direction: int) -> Levels:
    """`risk: atr`: multiples of ATR(14) around the close; 2 % and 5 % away where it is undefined or 0."""
    atr = m.atr()
    usable = ~np.isnan(atr) & (atr != 0)
    stop = np.where(usable, m.C - direction * p["stop_loss_atr"] * atr, m.C - direction * 0.02 * m.C)
    target = np.where(usable, m.C + direction * p["take_profit_atr"] * atr, m.C + direction * 0.05 * m.C)
    return Levels(m.C, stop, target)


def level_risk(price: Floats, stop: Floats, p: Params, direction: int) -> Levels:
    """`risk: level(price, stop)`: the target is risk_reward times as far away as the stop."""
    return Levels(price, stop, price + direction * p["risk_reward"] * np.abs(price - stop))


def momentum_pulse(m: Market, p: Params) -> Setups:
    """1. Momentum Pulse."""
    hist = m.macd_hist(p["macd_fast"], p["macd_slow"], p["macd_signal"])
    rsi, adx = m.rsi(p["rsi_period"]), m.adx(p["adx_period"])
    fast, medium, slow = m.ema(p["ema_fast"]), m.ema(p["ema_medium"]), m.ema(p["ema_slow"])
    strong = adx > p["adx_threshold"]
    up = (ago(hist, 1) <= 0) & (0 < hist) & (p["rsi_min"] <= rsi) & (rsi <= p["rsi_max"])
    down = (ago(hist, 1) >= 0) & (0 > hist) & (100 - p["rsi_max"] <= rsi) & (rsi <= 100 - p["rsi_min"])
    buy = up & strong & (m.C > fast) & (m.C > medium)
    sell = down & strong & (m.C < fast) & (m.C < medium)
    aligned_up, aligned_down = (fast > medium) & (medium > slow), (fast < medium) & (medium < slow)
    base = p["base_confidence"]
    buy_confidence = base + bonus(p["rsi_bonus"], rsi < 60) + bonus(p["alignment_bonus"], aligned_up)
    sell_confidence = base + bonus(p["rsi_bonus"], rsi > 40) + bonus(p["alignment_bonus"], aligned_down)
    return either(
        Side("buy", buy, buy_confidence, atr_risk(m, p, BUY)),
        Side("sell", sell, sell_confidence, atr_risk(m, p, SELL)),
    )


def band_fade_reversal(m: Market, p: Params) -> Setups:
    """2. Band Fade Reversal."""
    bb, rsi, atr = m.bb(p["bb_period"], p["bb_std"]), m.rsi(p["rsi_period"]), m.atr()
    low, high = np.minimum(m.L, ago(m.L, 1)), np.maximum(m.H, ago(m.H, 1))
    c1, c2 = ago(m.C, 1), ago(m.C, 2)
    buy = (low <= bb.lower) & (m.C > bb.lower) & (m.C < bb.middle) & (c1 < c2) & (m.C > c1)
    sell = (high >= bb.upper) & (m.C < bb.upper) & (m.C > bb.middle) & (c1 > c2) & (m.C < c1)
    oversold = np.minimum(rsi, ago(rsi, 1)) < p["rsi_oversold"]
    overbought = np.maximum(rsi, ago(rsi, 1)) > p["rsi_overbought"]
    wick = p["rejection_wick_atr"] * atr
    base = p["base_confidence"]
    buy_confidence = base + bonus(p["rsi_bonus"], oversold) + bonus(p["wick_bonus"], m.lower > wick)
    sell_confidence = base + bonus(p["rsi_bonus"], overbought) + bonus(p["wick_bonus"], m.upper > wick)
    return either(
        Side("buy", buy, buy_confidence, Levels(m.C, low - p["stop_loss_atr"] * atr, bb.middle)),
        Side("sell", sell, sell_confidence, Levels(m.C, high + p["stop_loss_atr"] * atr, bb.middle)),
    )


def golden_trend_sync(m: Market, p: Params) -> Setups:
    """3. Golden Trend Sync."""
    f, s, vwap = m.ema(p["ema_fast"]), m.ema(p["ema_slow"]), m.vwap()
    near = p["pullback_threshold"]
    h1, l1, f1 = ago(m.H, 1), ago(m.L, 1), ago(f, 1)
    buy = (f > s) & (l1 <= f1) & (m.L <= f * (1 + near)) & (m.C > f) & (m.C > m.O) & (m.C > h1)
    sell = (f < s) & (h1 >= f1) & (m.H >= f * (1 - near)) & (m.C < f) & (m.C < m.O) & (m.C < l1)
    trending = bonus(p["trend_bonus"], m.adx(p["adx_period"]) > p["adx_strong"])
    busiest = bonus(p["volume_bonus"], m.V >= highest(m.V, p["volume_rank_window"]))
    buy_confidence = p["base_confidence"] + trending + bonus(p["vwap_bonus"], m.C > vwap) + busiest
    sell_confidence = p["base_confidence"] + trending + bonus(p["vwap_bonus"], m.C < vwap) + busiest
    return either(
        Side("buy", buy, buy_confidence, atr_risk(m, p, BUY)),
        Side("sell", sell, sell_confidence, atr_risk(m, p, SELL)),
    )


def range_break_pop(m: Market, p: Params) -> Setups:
    """4. Range Break Pop."""
    n, atr, vr = p["range_period"], m.atr(), m.volume_ratio(p["volume_sma_period"])
    hi, lo = ago(highest(m.H, n), 1), ago(lowest(m.L, n), 1)
    both = (ratio(hi - lo, lo) < p["range_threshold"]) & (vr > p["volume_multiplier_threshold"])
    buy = both & (m.C > hi * (1 + p["breakout_threshold"]))
    sell = both & (m.C < lo * (1 - p["breakout_threshold"]))
    confidence = p["base_confidence"] + bonus(p["volume_bonus"], vr > p["strong_volume_multiplier"])
    confidence = confidence + bonus(p["atr_bonus"], ago(atr, 1) < ago(atr, 1 + n // 2))
    middle = (hi + lo) / 2
    return either(
        Side("buy", buy, confidence, level_risk(m.C, middle, p, BUY)),
        Side("sell", sell, confidence, level_risk(m.C, middle, p, SELL)),
    )


def pivots(x: Floats, rsi: Floats, p: Params, pick: Callable[[Floats], np.intp]) -> tuple[Floats, ...]:
    """Per bar x at j, x at k, RSI at j, RSI at k: the first bars of older and of recent where x is most extreme."""
    out = np.full((4, len(x)), np.nan)
    for i in range(p["price_lookback"], len(x)):
        start, split = i - p["price_lookback"], i - p["pivot_gap"] + 1
        if start < split <= i:
            j, k = start + int(pick(x[start:split])), split + int(pick(x[split : i + 1]))
            out[:, i] = x[j], x[k], rsi[j], rsi[k]
    return tuple(out)


def divergence_trap(m: Market, p: Params) -> Setups:
    """5. Divergence Trap."""
    rsi, atr, c1 = m.rsi(p["rsi_period"]), m.atr(), ago(m.C, 1)
    low_j, low_k, rsi_low_j, rsi_low_k = pivots(m.L, rsi, p, np.argmin)
    high_j, high_k, rsi_high_j, rsi_high_k = pivots(m.H, rsi, p, np.argmax)
    buy_gap, sell_gap = rsi_low_k - rsi_low_j, rsi_high_j - rsi_high_k
    buy = (low_k < low_j) & (buy_gap >= p["divergence_threshold"]) & (rsi_low_k <= p["rsi_oversold"])
    sell = (high_k > high_j) & (sell_gap >= p["divergence_threshold"]) & (rsi_high_k >= p["rsi_overbought"])
    wick = p["wick_ratio"] * m.range

    def confidence(gap: Floats, shadow: Floats) -> Floats:
        strength = p["strength_bonus"] * clamp(gap / p["strength_scale"], 0, 1)
        return floats(p["base_confidence"] + strength + bonus(p["wick_bonus"], shadow > wick))

    buy_levels = level_risk(m.C, low_k - p["stop_loss_atr"] * atr, p, BUY)
    sell_levels = level_risk(m.C, high_k + p["stop_loss_atr"] * atr, p, SELL)
    return either(
        Side("buy", buy & (m.C > c1) & (m.C > m.O), confidence(buy_gap, m.lower), buy_levels),
        Side("sell", sell & (m.C < c1) & (m.C < m.O), confidence(sell_gap, m.upper), sell_levels),
    )


def volume_surge_breakout(m: Market, p: Params) -> Setups:
    """6. Volume Surge Breakout."""
    vr, rsi, n = m.volume_ratio(p["volume_sma_period"]), m.rsi(p["rsi_period"]), p["breakout_period"]
    both = (vr >= p["volume_surge_multiplier"]) & (p["rsi_min"] < rsi) & (rsi < p["rsi_max"])
    buy = both & (m.C > m.O) & (m.C > ago(highest(m.H, n), 1))
    sell = both & (m.C < m.O) & (m.C < ago(lowest(m.L, n), 1))
    confidence = p["base_confidence"] + (vr - p["volume_surge_multiplier"]) * p["ratio_factor"]
    confidence = confidence + bonus(p["move_bonus"], ratio(m.body, m.O) >= p["price_move_threshold"])
    confidence = np.minimum(p["max_confidence"], confidence)
    return either(
        Side("buy", buy, confidence, atr_risk(m, p, BUY)),
        Side("sell", sell, confidence, atr_risk(m, p, SELL)),
    )


def mean_reversion_scalper(m: Market, p: Params) -> Setups:
    """7. Mean Reversion Scalper."""
    e, rsi, bb = m.ema(p["ema_period"]), m.rsi(p["rsi_period"]), m.bb(p["bb_period"], p["bb_std"])
    d, threshold = ratio(m.C - e, e), p["deviation_threshold"]
    buy = (d <= -threshold) & (rsi < p["rsi_oversold"])
    sell = (d >= threshold) & (rsi > p["rsi_overbought"])
    base = p["base_confidence"] + bonus(p["deviation_bonus"], np.abs(d) >= 1.5 * threshold)
    base = base + bonus(p["deviation_bonus"], np.abs(d) >= 2 * threshold)
    buy_confidence = base + bonus(p["turn_bonus"], m.C > m.O) + bonus(p["band_bonus"], m.C < bb.lower)
    sell_confidence = base + bonus(p["turn_bonus"], m.C < m.O) + bonus(p["band_bonus"], m.C > bb.upper)
    distance = p["stop_loss_atr"] * m.atr()
    return either(
        Side("buy", buy, buy_confidence, Levels(m.C, m.C - distance, e)),
        Side("sell", sell, sell_confidence, Levels(m.C, m.C + distance, e)),
    )


def ichimoku_cloud_momentum(m: Market, p: Params) -> Setups:
    """8. Ichimoku Cloud Momentum."""
    cloud = m.ichimoku(p["tenkan_period"], p["kijun_period"], p["senkou_b_period"], p["displacement"])
    tenkan, kijun, span_a, span_b = cloud
    top, bottom, c1 = np.maximum(span_a, span_b), np.minimum(span_a, span_b), ago(m.C, 1)
    buy = (m.C > top) & (c1 <= ago(top, 1)) & (tenkan > kijun) & (m.C > kijun)
    sell = (m.C < bottom) & (c1 >= ago(bottom, 1)) & (tenkan < kijun) & (m.C < kijun)
    busy = m.volume_ratio(p["volume_sma_period"]) > p["volume_multiplier_threshold"]
    base = p["base_confidence"] + bonus(p["volume_bonus"], busy)
    return either(
        Side("buy", buy, base + bonus(p["cloud_bonus"], span_a > span_b), level_risk(m.C, kijun, p, BUY)),
        Side("sell", sell, base + bonus(p["cloud_bonus"], span_a < span_b), level_risk(m.C, kijun, p, SELL)),
    )


def liquidity_grab_reversal(m: Market, p: Params) -> Setups:
    """9. Liquidity Grab Reversal."""
    sup, res = ago(lowest(m.L, p["lookback_periods"]), 1), ago(highest(m.H, p["lookback_periods"]), 1)
    vr, rsi, atr = m.volume_ratio(p["volume_sma_period"]), m.rsi(p["rsi_period"]), m.atr()
    both = vr >= p["volume_spike_multiplier"]
    deepest, wick = p["max_penetration_atr"] * atr, p["wick_ratio"] * m.range
    buy = both & (m.L < sup) & (m.C > sup) & (sup - m.L <= deepest) & (m.lower >= wick)
    sell = both & (m.H > res) & (m.C < res) & (m.H - res <= deepest) & (m.upper >= wick)
    base = p["base_confidence"] + bonus(p["volume_bonus"], vr >= p["strong_volume_multiplier"])
    buy_levels = level_risk(m.C, m.L - p["stop_loss_atr"] * atr, p, BUY)
    sell_levels = level_risk(m.C, m.H + p["stop_loss_atr"] * atr, p, SELL)
    return either(
        Side("buy", buy, base + bonus(p["rsi_bonus"], rsi < 40), buy_levels),
        Side("sell", sell, base + bonus(p["rsi_bonus"], rsi > 60), sell_levels),
    )


def multi_timeframe_trend_continuation(m: Market, p: Params) -> Setups:
    """10. Multi-Timeframe Trend Continuation."""
    multiplier = p["higher_timeframe_multiplier"]
    hc = m.higher_close(multiplier)
    hf, hs = m.higher_ema(multiplier, p["higher_ema_fast"]), m.higher_ema(multiplier, p["higher_ema_slow"])
    f, mid, s = m.ema(p["ema_fast"]), m.ema(p["ema_medium"]), m.ema(p["ema_slow"])
    rsi, adx = m.rsi(p["rsi_period"]), m.adx(p["adx_period"])
    dip = np.minimum(np.minimum(rsi, ago(rsi, 1)), ago(rsi, 2))
    peak = np.maximum(np.maximum(rsi, ago(rsi, 1)), ago(rsi, 2))
    near = ratio(np.abs(m.C - f), f) <= p["pullback_threshold"]
    busy = m.volume_ratio(p["volume_sma_period"]) >= p["volume_multiplier_threshold"]
    up = (hf > hs) & (hc > hf) & (f > mid) & (mid > s)
    down = (hf < hs) & (hc < hf) & (f < mid) & (mid < s)
    buy = up & any_of(m.L <= f, 3) & near & (dip <= p["rsi_pullback"]) & (m.C > f) & (m.C > ago(m.H, 1)) & busy
    sell = down & any_of(m.H >= f, 3) & near & (peak >= 100 - p["rsi_pullback"]) & (m.C < f) & (m.C < ago(m.L, 1))
    confidence = p["base_confidence"] + p["strength_factor"] * clamp(adx / 100, 0, 1)
    return either(
        Side("buy", buy, confidence, level_risk(m.C, mid, p, BUY)),
        Side("sell", sell & busy, confidence, level_risk(m.C, mid, p, SELL)),
    )


def order_flow_imbalance(m: Market, p: Params) -> Setups:
    """11. Order Flow Imbalance."""
    n, half = p["volume_window"], p["volume_window"] // 2
    bought = np.where(m.range == 0, m.V / 2, ratio(m.V * (m.C - m.L), m.range))
    share = ratio(mean(bought, n), mean(m.V, n))
    base = ago(m.vsma(p["baseline_window"]), n)
    heavy, still = m.V >= p["absorption_volume_multiplier"] * base, ratio(m.range, m.L) <= p["price_impact_threshold"]
    growing = m.vsma(half) >= p["volume_trend_ratio"] * ago(m.vsma(half), half)
    tight = ratio(highest(m.C, n) - lowest(m.C, n), m.sma(n)) <= p["consolidation_threshold"]
    both, threshold = any_of(heavy & still, n) & growing & tight, p["imbalance_threshold"]
    buy, sell = both & (share >= threshold) & (m.C > m.O), both & (share <= 1 - threshold) & (m.C < m.O)
    busy = bonus(p["volume_bonus"], m.volume_ratio(p["baseline_window"]) > 1.5)

    def confidence(over: Floats) -> Floats:
        return floats(np.minimum(0.95, p["base_confidence"] + p["imbalance_factor"] * clamp(over, 0, 1) + busy))

    return either(
        Side("buy", buy, confidence(share - threshold), atr_risk(m, p, BUY)),
        Side("sell", sell, confidence(1 - share - threshold), atr_risk(m, p, SELL)),
    )


def ema_alignment_bullish(m: Market, p: Params) -> Setups:
    """12. EMA Alignment Bullish."""
    f, s = m.ema(p["ema_fast"]), m.ema(p["ema_slow"])
    buy = (m.C > f) & (m.C > s) & (f > s) & rises(f, p["slope_bars"]) & rises(s, p["slope_bars"])
    trend = clamp(ratio(f - s, s) * p["trend_factor"], 0, p["max_trend_bonus"])
    distance = clamp(ratio(m.C - f, f) * p["distance_factor"], 0, p["max_distance_bonus"])
    confidence = np.minimum(0.95, p["base_confidence"] + trend + distance)
    return either(Side("buy", buy, confidence, level_risk(m.C, s, p, BUY)))


def bollinger_squeeze_alert(m: Market, p: Params) -> Setups:
    """13. Bollinger Squeeze Alert."""
    bb = m.bb(p["bb_period"], p["bb_std"])
    width = ratio(bb.upper - bb.lower, bb.middle)
    hold = width < p["squeeze_threshold"]
    confidence = np.where(width < p["strong_squeeze_threshold"], p["strong_confidence"], p["base_confidence"])
    return [("hold", float(confidence[i]), float(m.C[i]), None, None) if hold[i] else None for i in range(len(m))]


def bollinger_breakout_signals(m: Market, p: Params) -> Setups:
    """14. Bollinger Breakout Signals."""
    bb, away = m.bb(p["bb_period"], p["bb_std"]), p["stop_loss_atr"] * m.atr()

    def confidence(edge: Floats) -> Floats:
        distance = ratio(np.abs(m.C - edge), edge) * p["distance_factor"]
        return floats(p["base_confidence"] + clamp(distance, 0, p["max_distance_bonus"]))

    return either(
        Side("buy", m.C < bb.lower, confidence(bb.lower), Levels(m.C, m.C - away, bb.middle)),
        Side("sell", m.C > bb.upper, confidence(bb.upper), Levels(m.C, m.C + away, bb.middle)),
    )


def rsi_extreme_reversal(m: Market, p: Params) -> Setups:
    """15. RSI Extreme Reversal."""
    r = m.rsi(p["rsi_period"])
    change = r - ago(r, 1)
    buy = r < p["oversold_threshold"]
    base = np.where(r < p["extreme_threshold"], p["extreme_confidence"], p["oversold_confidence"])
    boost = np.minimum(p["momentum_boost"], change * p["momentum_adjustment_factor"])
    penalty = np.where(change < p["momentum_threshold"], p["momentum_penalty"], 0.0)
    adjustment = np.where(change > 0, boost, penalty)
    confidence = clamp(base + adjustment, p["base_confidence"], 0.90)
    return either(Side("buy", buy, confidence, atr_risk(m, p, BUY)))


def inside_bar_breakout(m: Market, p: Params) -> Setups:
    """16. Inside Bar Breakout."""
    f, s = m.ema(p["ema_fast"]), m.ema(p["ema_slow"])
    inside = (m.H < ago(m.H, 1)) & (m.L > ago(m.L, 1)) & (m.H > m.L)
    rising = rises(f, p["slope_bars"]) & rises(s, p["slope_bars"])
    buy = inside & (m.C > f) & (f > s) & all_of(m.C > f, p["trend_bars"]) & rising
    quality = p["quality_factor"] * clamp(1 - ratio(m.range, ago(m.range, 1)), 0, 1)
    trend = clamp(ratio(f - s, s) * p["trend_factor"], 0, p["max_trend_bonus"])
    confidence = np.minimum(0.92, p["base_confidence"] + quality + trend)
    return either(Side("buy", buy, confidence, level_risk(m.H, m.L, p, BUY)))


def ema_pullback_continuation(m: Market, p: Params) -> Setups:
    """17. EMA Pullback Continuation."""
    g, e, t = m.ema(p["ema_signal"]), m.ema(p["ema_period"]), m.ema(p["ema_trend"])
    near, k = p["pullback_threshold"], p["trend_bars"]
    buy = (e > t) & (m.L <= e * (1 + near)) & all_of(m.C > e, k)
    sell = (g < e) & (m.H >= e * (1 - near)) & (m.H > ago(m.H, 1)) & all_of(m.C < e, k)
    trend = p["trend_weight"] * np.minimum(1, ratio(np.abs(e - t), t) * p["trend_factor"])
    depth = p["depth_weight"] * np.maximum(0, 1 - ratio(np.abs(m.C - e), e) * p["depth_factor"])
    confidence = np.minimum(0.88, p["base_confidence"] + trend + depth)
    return either(
        Side("buy", buy, confidence, level_risk(m.H, m.L, p, BUY)),
        Side("sell", sell, confidence, level_risk(m.L, m.H, p, SELL)),
    )


def ema_momentum_reversal(m: Market, p: Params) -> Setups:
    """18. EMA Momentum Reversal."""
    e, n = m.ema(p["ema_period"]), p["window"]
    d, c1, c2 = e - ago(e, 1), ago(m.C, 1), ago(m.C, 2)
    above = m.L > e
    turn = (ago(d, 1) < 0) & (0 < d)
    advanced = turn & (c1 < ago(e, 1)) & (m.L > ago(m.L, 1)) & ~held_ago(all_of(above, n), 1)
    slope = turn & (m.C > e)
    capitulation = all_of(m.L <= e, n) & all_of(d <= 0, n) & (m.C < ago(m.L, 1))
    weakness = ~all_of(above, 3) & (count(d < 0, n) >= 3) & (c1 < c2) & (m.C < c2) & (m.C > m.O) & (d > ago(d, 1))
    buy = (advanced | slope | capitulation | weakness) & (m.H > m.L)
    names = ("advanced_confidence", "slope_confidence", "capitulation_confidence", "weakness_confidence")
    c = np.select([advanced, slope, capitulation, weakness], [p[name] for name in names], default=np.nan)
    momentum = np.where(d > 0, np.minimum(p["max_momentum_bonus"], ratio(d, e) * p["momentum_factor"]), 0.0)
    penalty = np.minimum(p["max_distance_penalty"], ratio(np.abs(m.C - e), e) * p["distance_factor"])
    confidence = clamp(c + momentum - penalty, p["base_confidence"], 0.88)
    return either(Side("buy", buy, confidence, level_risk(m.H, m.L, p, BUY)))


def fox_trap_reversal(m: Market, p: Params) -> Setups:
    """19. Fox Trap Reversal."""
    f, mid, s = m.ema(p["ema_fast"]), m.ema(p["ema_medium"]), m.ema(p["ema_slow"])
    near, k, c1, f1 = p["touch_threshold"], p["persistence_bars"], ago(m.C, 1), ago(f, 1)
    buy = all_of(f > s, k) & (f > mid) & (c1 < f1) & (m.C > f) & (m.L <= f * (1 + near)) & (m.C > m.O)
    sell = all_of(f < s, k) & (f < mid) & (c1 > f1) & (m.C < f) & (m.H >= f * (1 - near)) & (m.C < m.O)
    separation = np.minimum(1, ratio(np.abs(f - s), s) * p["separation_factor"])
    confidence = np.minimum(0.92, p["base_confidence"] + p["separation_weight"] * separation)
    return either(
        Side("buy", buy, confidence, level_risk(m.H, m.L, p, BUY)),
        Side("sell", sell, confidence, level_risk(m.L, m.H, p, SELL)),
    )


def hammer_reversal_pattern(m: Market, p: Params) -> Setups:
    """20. Hammer Reversal Pattern."""
    below = sum((ago(m.C, k) > m.C).astype(np.int64) for k in range(1, p["trend_bars"] + 1))
    long_wick = m.lower >= p["lower_shadow_ratio_threshold"] * m.body
    short_wick = m.upper <= p["upper_shadow_ratio_threshold"] * m.body
    buy = (m.body > 0) & long_wick & short_wick & (below >= p["trend_count"])
    context = bonus(p["context_bonus"], below == p["trend_bars"])
    wick = p["wick_weight"] * np.minimum(1, ratio(m.lower, m.body) / 5)
    confidence = np.minimum(0.88, p["base_confidence"] + context + wick)
    return either(Side("buy", buy, confidence, level_risk(m.H, m.L, p, BUY)))


def bear_trap_buy(m: Market, p: Params) -> Setups:
    """21. Bear Trap Buy."""
    e = m.ema(p["ema_period"])
    buy = (m.L < e) & (m.C > e) & all_of(m.C > e, p["strength_bars"])
    confidence = np.minimum(0.85, p["base_confidence"] + ratio(p["recovery_factor"] * (m.C - m.L), m.range))
    return either(Side("buy", buy, confidence, level_risk(m.H, m.L, p, BUY)))


def inside_bar_sell(m: Market, p: Params) -> Setups:
    """22. Inside Bar Sell."""
    f, s = m.ema(p["ema_fast"]), m.ema(p["ema_slow"])
    sell = (m.H < ago(m.H, 1)) & (m.L > ago(m.L, 1)) & (m.H > m.L) & (m.C < f) & (f < s)
    confidence = np.minimum(0.80, p["base_confidence"] + ratio(s - m.C, m.C) * p["strength_factor"])
    return either(Side("sell", sell, confidence, level_risk(m.L, m.H, p, SELL)))


def shooting_star_reversal(m: Market, p: Params) -> Setups:
    """23. Shooting Star Reversal."""
    above = sum((ago(m.C, k) < m.C).astype(np.int64) for k in range(1, p["trend_bars"] + 1))
    long_wick = m.upper >= p["upper_shadow_ratio_threshold"] * m.body
    short_wick = m.lower <= p["lower_shadow_ratio_threshold"] * m.body
    sell = (m.body > 0) & long_wick & short_wick & (above >= p["trend_count"])
    wick = p["wick_weight"] * np.minimum(1, ratio(m.upper, m.body) / 5)
    trend = bonus(p["trend_bonus"], m.C > m.sma(p["trend_period"]))
    confidence = np.minimum(0.80, p["base_confidence"] + wick + trend)
    return either(Side("sell", sell, confidence, level_risk(m.L, m.H, p, SELL)))


def doji_reversal(m: Market, p: Params) -> Setups:
    """24. Doji Reversal."""
    mid, r, largest = m.sma(p["trend_period"]), ratio(m.body, m.range), p["body_size_threshold"]
    far = np.abs(m.C - mid)
    both = (m.range > 0) & (r <= largest) & (far >= p["min_trend_atr"] * m.atr())
    quality = p["quality_weight"] * (1 - ratio(r, np.full(len(m), float(largest))))
    trend = clamp(ratio(far, m.C) * p["trend_factor"], 0, p["max_trend_bonus"])
    confidence = np.minimum(0.75, p["base_confidence"] + quality + trend)
    return either(
        Side("buy", both & (m.C < mid), confidence, level_risk(m.H, m.L, p, BUY)),
        Side("sell", both & (m.C > mid), confidence, level_risk(m.L, m.H, p, SELL)),
    )


def ema_alignment_bearish(m: Market, p: Params) -> Setups:
    """25. EMA Alignment Bearish."""
    f, s = m.ema(p["ema_fast"]), m.ema(p["ema_slow"])
    sell = (m.C < f) & (m.C < s) & (f < s) & falls(f, p["slope_bars"]) & falls(s, p["slope_bars"])
    trend = clamp(ratio(s - f, s) * p["trend_factor"], 0, p["max_trend_bonus"])
    distance = clamp(ratio(f - m.C, f) * p["distance_factor"], 0, p["max_distance_bonus"])
    confidence = np.minimum(0.85, p["base_confidence"] + trend + distance)
    return either(Side("sell", sell, confidence, level_risk(m.C, s, p, SELL)))


def ema_slope_reversal_sell(m: Market, p: Params) -> Setups:
    """26. EMA Slope Reversal Sell."""
    e = m.ema(p["ema_period"])
    d = e - ago(e, 1)
    sell = (ago(d, 1) > 0) & (0 > d) & (m.C < e) & (m.H > m.L)
    slope = ratio(p["slope_factor"] * np.abs(d - ago(d, 1)), m.C)
    distance = ratio(p["distance_factor"] * (e - m.C), m.C)
    confidence = np.minimum(0.80, p["base_confidence"] + slope + distance)
    return either(Side("sell", sell, confidence, level_risk(m.L, m.H, p, SELL)))


def minervini_trend_template(m: Market, p: Params) -> Setups:
    """27. Minervini Trend Template."""
    f, mid, s, n = m.ema(p["ema_short"]), m.ema(p["ema_medium"]), m.ema(p["ema_long"]), p["lookback_periods"]
    hi = floats([np.max(m.H[max(0, i - n + 1) : i + 1]) for i in range(len(m))])
    lo = floats([np.min(m.L[max(0, i - n + 1) : i + 1]) for i in range(len(m))])
    criteria = (
        m.C > s,
        s > ago(s, p["slope_bars"]),
        m.C > mid,
        mid > s,
        m.C > f,
        m.C > lo * p["above_low_ratio"],
        m.C > hi * p["near_high_ratio"],
    )
    k = sum(criterion.astype(np.int64) for criterion in criteria)
    confidence = p["base_confidence"] + k / 7 * p["criteria_weight"]
    return either(Side("buy", np.asarray(k >= p["min_criteria"]), floats(confidence), atr_risk(m, p, BUY)))


def bear_trap_sell(m: Market, p: Params) -> Setups:
    """28. Bear Trap Sell."""
    e = m.ema(p["ema_period"])
    sell = (m.H > e) & (m.C < e) & all_of(m.C < e, p["strength_bars"])
    confidence = np.minimum(0.85, p["base_confidence"] + ratio(p["rejection_factor"] * (m.H - m.C), m.range))
    return either(Side("sell", sell, confidence, level_risk(m.L, m.H, p, SELL)))


SETUPS: dict[str, Callable[[Market, Params], Setups]] = {
    function.__name__: function
    for function in (
        momentum_pulse,
        band_fade_reversal,
        golden_trend_sync,
        range_break_pop,
        divergence_trap,
        volume_surge_breakout,
        mean_reversion_scalper,
        ichimoku_cloud_momentum,
        liquidity_grab_reversal,
        multi_timeframe_trend_continuation,
        order_flow_imbalance,
        ema_alignment_bullish,
        bollinger_squeeze_alert,
        bollinger_breakout_signals,
        rsi_extreme_reversal,
        inside_bar_breakout,
        ema_pullback_continuation,
        ema_momentum_reversal,
        fox_trap_reversal,
        hammer_reversal_pattern,
        bear_trap_buy,
        inside_bar_sell,
        shooting_star_reversal,
        doji_reversal,
        ema_alignment_bearish,
        ema_slope_reversal_sell,
        minervini_trend_template,
        bear_trap_sell,
    )
}


def all_setups(market: Market, parameters: Mapping[str, Params] = DEFAULTS) -> dict[str, Setups]:
    """The setups of every strategy in `parameters`, by strategy id, one entry per bar."""
    return {strategy_id: SETUPS[strategy_id](market, parameters[strategy_id]) for strategy_id in parameters}
