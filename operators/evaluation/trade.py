"""A trade, from the order that a signal gives to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from strategies.signal import Signal

Reason = Literal["stop", "target", "horizon", "expired", "open"]

CLOSED: tuple[Reason, ...] = ("stop", "target", "horizon")


@dataclass
class RandomEntries:
    """What became of the orders of one strategy and action when they were given on other bars: the baseline.

    `placed` orders, of which `closed` were filled and have ended, `wins` of them above 0 after costs; `r` is the sum
    of their results after costs.
    """

    placed: int = 0
    closed: int = 0
    wins: int = 0
    r: float = 0.0

    @property
    def win_rate(self) -> float | None:
        """The share of those closed that were won."""
        return self.wins / self.closed if self.closed else None

    @property
    def mean_r(self) -> float | None:
        """The mean result of those closed, after costs."""
        return self.r / self.closed if self.closed else None


class Trade:
    """An order given at the close of a bar, then a position, then a result.

    Prices are signed: those of a sell are negative, so that up is good and the stop lies below for both. `signal` is
    the signal that is followed, None for an entry at random.
    """

    __slots__ = (
        "aimed",
        "close",
        "entry",
        "entry_index",
        "entry_ms",
        "is_open",
        "price",
        "random",
        "signal",
        "stop",
        "target",
    )

    # Set where the order is filled: with slippage, before slippage, on which bar.
    entry: float
    aimed: float
    entry_index: int
    entry_ms: int

    def __init__(  # all that an order says
        self, signal: Signal | None, random: RandomEntries, price: float, close: float, stop: float, target: float
    ) -> None:
        self.signal = signal
        self.random = random
        self.price = price
        self.close = close
        self.stop = stop
        self.target = target
        self.is_open = False

    def bare(self) -> Trade:
        """The same order, of no signal, which would be kept for long otherwise."""
        return Trade(None, self.random, self.price, self.close, self.stop, self.target)

    def moved(self, close: float) -> Trade:
        """The same order, given on another bar at random: all its distances from the close, as fractions, are kept."""
        scale = close / self.close
        price = close if self.price == self.close else self.price * scale
        return Trade(None, self.random, price, close, self.stop * scale, self.target * scale)


def order_of(signal: Signal, random: RandomEntries) -> Trade | None:
    """The order that a signal gives: None for an alert, or whatever else has no stop and target to be followed to."""
    stop, target = signal.stop_loss, signal.take_profit
    if stop is None or target is None:
        return None
    if signal.action == "buy":
        return Trade(signal, random, signal.price, signal.current_price, stop, target)
    if signal.action == "sell":
        return Trade(signal, random, -signal.price, -signal.current_price, -stop, -target)
    return None


@dataclass
class TradeRecord:
    """What became of a signal. Times are ISO 8601 in UTC; nothing changes a record once it is made.

    `fill_time` is the open of the bar that the order was filled in, `exit_time` the close of the bar that it ended in,
    by which all of it is known; prices are with slippage. `bars` is the number of bars held, that of the entry
    included. `r` is the result after costs in units of what the signal risked, ``|price - stop_loss|``; `gross_r` is
    the same without fees and slippage; `return_bps` is the result after costs in basis points of the fill price.
    An expired order has no fill and no result, and neither has one that was still waiting when the bars ended; a
    position that was open then has a fill and no result.
    """

    signal_id: str
    strategy_id: str
    symbol: str
    timeframe: str
    action: str
    timestamp: str
    price: float
    stop_loss: float | None
    take_profit: float | None
    reason: Reason
    fill_time: str | None = None
    fill_price: float | None = None
    exit_time: str | None = None
    exit_price: float | None = None
    bars: int | None = None
    r: float | None = None
    gross_r: float | None = None
    return_bps: float | None = None

    @property
    def sort_key(self) -> str:
        """Orders records by their ends; what has none comes last."""
        return f"trade {self.exit_time or '~'} {self.signal_id}"


def record_of(signal: Signal, reason: Reason) -> TradeRecord:
    """The record of a signal that was not filled, or as far as it is known before it was."""
    return TradeRecord(
        signal.signal_id,
        signal.strategy_id,
        signal.symbol,
        signal.timeframe,
        signal.action,
        signal.timestamp,
        signal.price,
        signal.stop_loss,
        signal.take_profit,
        reason,
    )
