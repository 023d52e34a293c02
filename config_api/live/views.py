"""What is told of the running market: bars, signals, and how far behind they are."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from config_api.envelope import Success, example
from operators.times import format_time
from state.bar import Bar
from strategies.signal import Signal

_SIGNAL = {
    "signal_id": "BTCUSDT-15m-1704067200000-doji_reversal-buy",
    "strategy_id": "doji_reversal",
    "strategy": "doji_reversal",
    "source": "ta_bot",
    "symbol": "BTCUSDT",
    "action": "buy",
    "confidence": 0.65,
    "strength": "medium",
    "price": 42000.0,
    "current_price": 42000.0,
    "quantity": 0.001,
    "stop_loss": 41700.0,
    "take_profit": 42360.0,
    "timeframe": "15m",
    "timestamp": "2024-01-01T00:15:00.000Z",
    "indicators": {"atr": 210.0},
    "metadata": {
        "bar_open_time": "2024-01-01T00:00:00.000Z",
        "risk_reward_ratio": 1.2,
        "strategy_config": {"version": 0, "parameters": {}, "source": "default", "is_override": False},
    },
}


class Told(BaseModel):
    """What else there is to know."""

    note: str | None = Field(default=None, description="What is not as it should be; null where all is")


class Kline(BaseModel):
    """One closed bar."""

    open_time_ms: int = Field(description="When it opened, in milliseconds since the Unix epoch")
    open_time: str = Field(description="The same, as ISO 8601 in UTC")
    open: float
    high: float
    low: float
    close: float
    volume: float


class Klines(Success[list[Kline], Told]):
    """The last bars of a symbol and timeframe, the oldest first."""

    model_config = example(
        [  # type: ignore[arg-type]
            {
                "open_time_ms": 1704067200000,
                "open_time": "2024-01-01T00:00:00.000Z",
                "open": 42000.0,
                "high": 42100.0,
                "low": 41950.0,
                "close": 42050.0,
                "volume": 12.5,
            }
        ],
        {"note": None},
    )


class Key(BaseModel):
    """A symbol and a timeframe that there are bars of."""

    symbol: str
    timeframe: str


class Keys(Success[list[Key], Told]):
    """All symbols and timeframes that there are bars of."""

    model_config = example([{"symbol": "BTCUSDT", "timeframe": "15m"}], {"note": None})  # type: ignore[arg-type]


class Signals(Success[list[Signal], Told]):
    """The latest signals, the newest first."""

    model_config = example([_SIGNAL], {"note": None})  # type: ignore[arg-type]


class Flow(BaseModel):
    """How the bot is, as its own server of health says."""

    reachable: bool = Field(description="Whether it answers")
    ready: bool | None = Field(description="Whether it does its work; null where that is not known")
    trouble: str | None = Field(description="What is wrong with it, in a sentence; null where nothing is")
    details: dict[str, Any] = Field(description="All that it says of itself")


class Lag(BaseModel):
    """How far behind the newest bars of a timeframe are."""

    timeframe: str
    keys: int = Field(description="How many symbols have bars of it")
    newest_close: str = Field(description="When the newest bar closed: ISO 8601, UTC")
    age_secs: float = Field(description="How long ago that was")
    heard_secs_ago: float = Field(description="How long ago that bar arrived here")
    late: bool = Field(description="Whether the next one should long have come: two more bars could have")
    behind: list[str] = Field(description="Symbols whose newest bar is more than one bar older, at most 20")


class Hearing(BaseModel):
    """Whether what happens is heard."""

    signals: bool = Field(description="Whether signals are read as they are published")
    klines: bool = Field(description="Whether klines are read as they arrive")
    changes: bool = Field(description="Whether changes of the configuration are read as they are announced")


def kline_of(bar: Bar) -> Kline:
    """A bar as clients see it."""
    return Kline(open_time=format_time(bar.open_time_ms), **bar._asdict())
