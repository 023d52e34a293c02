"""A setup on a bar as the signal that other programs read."""

from __future__ import annotations

from math import inf
from typing import Any

from operators.times import format_time
from state.bar import Bar
from state.timeframe import Timeframe
from strategies.base import Strategy
from strategies.setup import Setup
from strategies.signal import (
    NOMINAL_QUANTITY,
    SOURCE,
    AppliedConfig,
    Signal,
    SignalMetadata,
    signal_id_of,
    strength_of,
)


def signal_of(  # all that a signal says
    symbol: str, timeframe: Timeframe, bar: Bar, strategy: Strategy[Any], setup: Setup, applied: AppliedConfig
) -> Signal:
    """The signal of a strategy's setup on `bar`; its confidence is brought into 0..1."""
    action, confidence, price, stop, target = setup
    confidence = min(1.0, max(0.0, confidence))
    strategy_id, open_time_ms = strategy.id, bar.open_time_ms
    reward = None if stop is None or target is None else abs(target - price) / abs(price - stop)
    reward = None if reward == inf else reward
    return Signal(
        signal_id=signal_id_of(strategy_id, symbol, timeframe.name, open_time_ms, action),
        strategy_id=strategy_id,
        strategy=strategy_id,
        source=SOURCE,
        symbol=symbol,
        action=action,
        confidence=confidence,
        strength=strength_of(confidence),
        price=price,
        current_price=bar.close,
        quantity=NOMINAL_QUANTITY,
        stop_loss=stop,
        take_profit=target,
        timeframe=timeframe.name,
        timestamp=format_time(timeframe.close_ms(open_time_ms)),
        indicators=strategy.indicators(),
        metadata=SignalMetadata(format_time(open_time_ms), reward, applied),
    )
