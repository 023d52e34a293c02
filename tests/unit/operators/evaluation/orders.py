"""Signals and bars by hand, and what following them gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from operators.evaluation.follower import Follower, KeyBaseline
from operators.evaluation.rules import Rules
from operators.evaluation.trade import TradeRecord
from operators.times import format_time
from state.bar import Bar
from state.timeframe import TIMEFRAMES
from strategies.configuration import configuration_of
from strategies.signal import AppliedConfig, Signal, SignalAction, SignalMetadata, signal_id_of

SPAN_MS = TIMEFRAMES["1h"].span_ms
KEY = "BTCUSDT|1h"
FREE: dict[str, Any] = {"fee_bps": 0.0, "slippage_bps": 0.0}

Prices = tuple[float, float, float, float]
"""Open, high, low and close."""


def signal_at(
    action: SignalAction, price: float, stop: float, target: float, close: float = 100.0, index: int = 0
) -> Signal:
    """A signal on the bar of an index."""
    open_ms = index * SPAN_MS
    return Signal(
        signal_id=signal_id_of("doji_reversal", "BTCUSDT", "1h", open_ms, action),
        strategy_id="doji_reversal",
        strategy="doji_reversal",
        source="ta_bot",
        symbol="BTCUSDT",
        action=action,
        confidence=0.7,
        strength="strong",
        price=price,
        current_price=close,
        quantity=0.001,
        stop_loss=stop,
        take_profit=target,
        timeframe="1h",
        timestamp=format_time(open_ms + SPAN_MS),
        indicators={},
        metadata=SignalMetadata(format_time(open_ms), None, AppliedConfig()),
    )


def bars_from(prices: Iterable[Prices], index: int = 0) -> list[Bar]:
    """One bar after the other."""
    return [Bar((index + i) * SPAN_MS, *each, 1.0) for i, each in enumerate(prices)]


def follower(**rules: Any) -> Follower:
    """Of one key; for free, unless told."""
    return Follower(KEY, configuration_of(), Rules(**{**FREE, **rules}))


def followed(signal: Signal, prices: Sequence[Prices], **rules: Any) -> TradeRecord:
    """What becomes of a signal on a first bar, which closes at 100, when these prices follow."""
    key = follower(**rules)
    records = key.take(bars_from([(100.0, 100.0, 100.0, 100.0)])[0], [signal])
    for bar in bars_from(prices, index=1):
        records += key.take(bar, [])
    records += [record for record in key.left() if not isinstance(record, KeyBaseline)]
    (record,) = records
    return record


def mirrored(prices: Iterable[Prices]) -> list[Prices]:
    """The same bars the other way up, about 100."""
    return [(200.0 - o, 200.0 - low, 200.0 - high, 200.0 - c) for o, high, low, c in prices]
