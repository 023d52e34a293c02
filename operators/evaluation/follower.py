"""All signals of one key, followed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from operators.evaluation.baseline import Baseline
from operators.evaluation.rules import Rules
from operators.evaluation.side import Side
from operators.evaluation.trade import RandomEntries, Reason, Trade, TradeRecord, order_of, record_of
from operators.times import format_time
from state.bar import Bar
from state.key import split_key
from strategies.configuration import Configuration
from strategies.signal import Signal


@dataclass
class KeyBaseline:
    """The baseline of a key, by strategy and then by action."""

    key: str
    entries: dict[str, dict[str, RandomEntries]] = field(default_factory=dict)

    @property
    def sort_key(self) -> str:
        """Orders baselines by key, before all trades."""
        return f"baseline {self.key}"

    def of(self, strategy_id: str, action: str) -> RandomEntries:
        """The entries of a strategy and an action."""
        return self.entries.setdefault(strategy_id, {}).setdefault(action, RandomEntries())


class Follower:
    """Follows the signals of one key through the bars after them.

    Trades are independent of each other: overlapping ones are each followed. Memory is bounded by the orders of the
    last 30 days, which the baseline keeps, and the positions of the last `horizon_bars` bars.
    """

    passes_signals_on = False

    def __init__(self, key: str, _: Configuration, rules: Rules) -> None:
        self.timeframe = split_key(key)[1]
        self.baseline = Baseline(rules.seed, self.timeframe.span_ms)
        self.random = KeyBaseline(key)
        self.fee = rules.fee_bps / 10_000.0
        self.index = 0
        self.close_ms = 0
        self.records: list[TradeRecord] = []
        self.buys = Side(rules, self._settle, self._expire)
        self.sells = Side(rules, self._settle, self._expire)

    def take(self, bar: Bar, signals: Iterable[Signal]) -> list[TradeRecord]:
        """Follow all trades through the next bar, then take the signals that come at its close; what has ended."""
        open_ms, open_, high, low, close, _ = bar
        self.index += 1
        self.close_ms = close_ms = self.timeframe.close_ms(open_ms)
        self.buys.follow(self.index, open_ms, open_, high, low, close)
        self.sells.follow(self.index, open_ms, -open_, -low, -high, -close)
        for order in self.baseline.due(open_ms, close_ms, close):
            order.random.placed += 1
            self._place(order)
        for signal in signals:
            self._take_signal(signal)
        records, self.records = self.records, []
        return records

    def left(self) -> list[TradeRecord | KeyBaseline]:
        """Where the bars end: what is still open, and the baseline."""
        records: list[TradeRecord] = []
        for side in (self.buys, self.sells):
            waiting, open_ = side.left()
            records += [record_of(trade.signal, "open") for trade in waiting if trade.signal]
            for trade in open_:
                if trade.signal:
                    record = record_of(trade.signal, "open")
                    record.fill_time, record.fill_price = format_time(trade.entry_ms), abs(trade.entry)
                    record.bars = self.index - trade.entry_index + 1
                    records.append(record)
        return [*records, self.random]

    def _take_signal(self, signal: Signal) -> None:
        if signal.is_alert:
            return
        random = self.random.of(signal.strategy_id, signal.action)
        order = order_of(signal, random)
        if order is not None:
            self._place(order)
            self.baseline.draw(order, signal.signal_id, self.close_ms)

    def _place(self, order: Trade) -> None:
        (self.buys if order.close > 0.0 else self.sells).place(order)

    def _expire(self, trade: Trade) -> None:
        if trade.signal:
            record = record_of(trade.signal, "expired")
            record.exit_time = format_time(self.close_ms)
            self.records.append(record)

    def _settle(self, trade: Trade, exit_price: float, aimed: float, reason: Reason) -> None:
        entry = trade.entry
        risk = trade.price - trade.stop
        gain = exit_price - entry - self.fee * (abs(entry) + abs(exit_price))
        signal = trade.signal
        if signal is None:
            random = trade.random
            random.closed += 1
            random.r += gain / risk
            if gain > 0.0:
                random.wins += 1
            return
        record = record_of(signal, reason)
        record.fill_time, record.fill_price = format_time(trade.entry_ms), abs(entry)
        record.exit_time, record.exit_price = format_time(self.close_ms), abs(exit_price)
        record.bars = self.index - trade.entry_index + 1
        record.r = gain / risk
        record.gross_r = (aimed - trade.aimed) / risk
        record.return_bps = gain / abs(entry) * 10_000.0
        self.records.append(record)
