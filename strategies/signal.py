"""The signal, as other programs read it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer

SOURCE = "ta_bot"

# What the trade engine requires as a size; it sizes positions itself.
NOMINAL_QUANTITY = 0.001

SignalAction = Literal["buy", "sell", "hold", "close"]
Strength = Literal["weak", "medium", "strong", "extreme"]


def _with_milliseconds(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


Moment = Annotated[datetime, PlainSerializer(_with_milliseconds, return_type=str, when_used="json")]


class AppliedConfig(BaseModel):
    """The configuration of the strategy that made a signal: `parameters` are those that differ from the defaults."""

    model_config = ConfigDict(frozen=True)

    version: int = 0
    parameters: dict[str, float] = {}
    source: str = "default"
    is_override: bool = False


class SignalMetadata(BaseModel):
    """Where a signal comes from, and what it promises per unit of risk."""

    model_config = ConfigDict(frozen=True)

    bar_open_time: Moment
    risk_reward_ratio: float | None = None
    strategy_config: AppliedConfig


class Signal(BaseModel):
    """A trading signal, or with the action `hold` an alert, which has no stop and no target.

    `price` is the entry, `current_price` the bar's close, `timestamp` the boundary at which the bar closed.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    signal_id: str
    strategy_id: str
    strategy: str
    source: str = SOURCE
    symbol: str
    action: SignalAction
    confidence: float = Field(ge=0.0, le=1.0)
    strength: Strength
    price: float = Field(gt=0.0)
    current_price: float = Field(gt=0.0)
    quantity: float = Field(default=NOMINAL_QUANTITY, gt=0.0)
    stop_loss: float | None
    take_profit: float | None
    timeframe: str
    timestamp: Moment
    indicators: dict[str, float]
    metadata: SignalMetadata

    @property
    def is_alert(self) -> bool:
        """Whether this is an alert to watch, not a trade."""
        return self.action == "hold"

    def to_json(self) -> bytes:
        """The signal as one JSON object."""
        return self.model_dump_json().encode()

    def as_dict(self) -> dict[str, Any]:
        """The signal as JSON types."""
        return self.model_dump(mode="json")


def signal_id_of(strategy_id: str, symbol: str, timeframe: str, open_time: datetime, action: SignalAction) -> str:
    """The id of a signal: the same wherever and however often the signal is computed.

    >>> signal_id_of("doji_reversal", "BTCUSDT", "15m", datetime(2024, 1, 1, tzinfo=UTC), "buy")
    'BTCUSDT-15m-20240101T000000Z-doji_reversal-buy'
    """
    return f"{symbol}-{timeframe}-{open_time:%Y%m%dT%H%M%S}Z-{strategy_id}-{action}"


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
