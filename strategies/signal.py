"""The signal, as other programs read it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from state.errors import SkipInput

SOURCE = "ta_bot"

# What the trade engine requires as a size; it sizes positions itself.
NOMINAL_QUANTITY = 0.001

SignalAction = Literal["buy", "sell", "hold", "close"]
Strength = Literal["weak", "medium", "strong", "extreme"]


@dataclass(frozen=True)
class AppliedConfig:
    """The configuration of the strategy that made a signal: `parameters` are those that differ from the defaults."""

    version: int = 0
    parameters: dict[str, float] = field(default_factory=dict)
    source: str = "default"
    is_override: bool = False


@dataclass
class SignalMetadata:
    """The bar that a signal comes from, what it promises per unit of risk, and the configuration that made it."""

    bar_open_time: str
    risk_reward_ratio: float | None
    strategy_config: AppliedConfig


@dataclass
class Signal:
    """A trading signal, or with the action `hold` an alert, which has no stop and no target.

    `price` is the entry, `current_price` the bar's close, `confidence` lies in 0..1, `timestamp` is the boundary at
    which the bar closed. Times are ISO 8601 in UTC with milliseconds. All numbers are finite. Nothing changes a
    signal once it is made; Python's frozen or slotted classes would say so at three times the cost.
    """

    signal_id: str
    strategy_id: str
    strategy: str
    source: str
    symbol: str
    action: SignalAction
    confidence: float
    strength: Strength
    price: float
    current_price: float
    quantity: float
    stop_loss: float | None
    take_profit: float | None
    timeframe: str
    timestamp: str
    indicators: dict[str, float]
    metadata: SignalMetadata

    @property
    def is_alert(self) -> bool:
        """Whether this is an alert to watch, not a trade."""
        return self.action == "hold"

    def to_json(self) -> bytes:
        """The signal as one JSON object."""
        return orjson.dumps(self)

    def as_dict(self) -> dict[str, Any]:
        """The signal as JSON types."""
        content: dict[str, Any] = orjson.loads(orjson.dumps(self))
        return content


def signal_id_of(strategy_id: str, symbol: str, timeframe: str, open_time_ms: int, action: SignalAction) -> str:
    """The id of a signal: the same wherever and however often the signal is computed.

    >>> signal_id_of("doji_reversal", "BTCUSDT", "15m", 1704067200000, "buy")
    'BTCUSDT-15m-1704067200000-doji_reversal-buy'
    """
    return f"{symbol}-{timeframe}-{open_time_ms}-{strategy_id}-{action}"


class SignalPlace(NamedTuple):
    """What the id of a signal says of it."""

    symbol: str
    timeframe: str
    open_time_ms: int
    strategy_id: str
    action: str


def place_in(signal_id: str) -> SignalPlace:
    """What `signal_id_of` was given.

    Raises:
        SkipInput: it is no such id.

    >>> place_in("BTCUSDT-15m-1704067200000-doji_reversal-buy").strategy_id
    'doji_reversal'
    """
    parts = signal_id.split("-")
    if len(parts) != len(SignalPlace._fields) or not parts[2].isdecimal():
        raise SkipInput(f"expected the id of a signal, got {signal_id!r:.80}")
    symbol, timeframe, open_time, strategy_id, action = parts
    return SignalPlace(symbol, timeframe, int(open_time), strategy_id, action)


def strength_of(confidence: float) -> Strength:
    """How strong a confidence is, in words.

    >>> strength_of(0.8), strength_of(0.79), strength_of(0.6), strength_of(0.5)
    ('extreme', 'strong', 'medium', 'weak')
    """
    if confidence >= 0.8:
        return "extreme"
    if confidence >= 0.7:
        return "strong"
    return "medium" if confidence >= 0.6 else "weak"
