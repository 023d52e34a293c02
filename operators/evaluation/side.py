"""The trades of one direction on one key, followed bar by bar.

What can be known of a bar are its four prices, not their order. So where they leave it open, the worse is assumed:

- an order at the close is filled at the next bar's open, a market order: with slippage;
- an order beyond the close is a stop order: filled when the price is reached, or at the open beyond it, with slippage;
- an order before the close is a limit order: filled at its price and never better, without slippage;
- a position whose bar holds both stop and target was stopped;
- a stop is a market order: filled at its price, or at the open where that lies beyond it, with slippage;
- a target is a limit order: filled at its price and never better, without slippage;
- on the bar that fills an order in its course, a stop that the bar holds was hit after the entry, and a target counts
  only for a stop order, whose price lies before the target;
- an entry whose open lies beyond its stop or target already is closed again at that open;
- what is left at the horizon is sold at that bar's close, with slippage.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush

from operators.evaluation.rules import Rules
from operators.evaluation.trade import Reason, Trade

Level = tuple[float, int, Trade]

Settle = Callable[[Trade, float, float, Reason], None]
"""Hears of a trade's end: at which price, what it was aimed at before slippage, and why."""

# Levels of trades that have ended stay in the heaps until they are so many more than those of the others.
SPARE_LEVELS = 64


class Side:
    """Buys, or in signed prices sells; see the module.

    A bar costs constant work, and a trade the logarithm of how many there are.
    """

    def __init__(self, rules: Rules, settle: Settle, expire: Callable[[Trade], None]) -> None:
        self.slippage = rules.slippage_bps / 10_000.0
        self.horizon_bars = rules.horizon_bars
        self.entry_bars = rules.entry_bars
        self.settle = settle
        self.expire = expire
        self.index = 0
        self.time_ms = 0
        self.at_open: list[Trade] = []
        self.waiting: list[tuple[Trade, int]] = []
        """Orders away from the close, and the last bar that they wait for."""
        self.stops: list[Level] = []
        self.targets: list[Level] = []
        self.held: deque[Trade] = deque()
        """In the order of their entries; those that have ended too, up to their horizon."""
        self.open_count = 0
        self.number = 0

    def place(self, trade: Trade) -> None:
        """Give an order at the close of the bar that was followed last."""
        if trade.price == trade.close:
            self.at_open.append(trade)
        else:
            self.waiting.append((trade, self.index + self.entry_bars))

    def follow(  # a bar, without the cost of a tuple
        self, index: int, time_ms: int, open_: float, best: float, worst: float, close: float
    ) -> None:
        """Follow all trades through a bar with its number, its open time and its signed prices."""
        self.index, self.time_ms = index, time_ms
        if self.at_open:
            self._enter_at_open(self.at_open, open_)
            self.at_open.clear()
        inside = self._fill_waiting(open_, best, worst) if self.waiting else ()
        stops, targets = self.stops, self.targets
        if (stops and -stops[0][0] >= worst) or (targets and targets[0][0] <= best):
            self._stop_and_take(open_, best, worst)
        for trade in inside:
            self._follow_entry_bar(trade, best, worst)
        last_entry = index - self.horizon_bars + 1
        held = self.held
        while held and held[0].entry_index <= last_entry:
            trade = held.popleft()
            if trade.is_open:
                self._close_at_market(trade, close, "horizon")
        if len(stops) + len(targets) > 2 * (2 * self.open_count + SPARE_LEVELS):
            self._forget_ended()

    def left(self) -> tuple[list[Trade], list[Trade]]:
        """The orders that wait, and the positions that are open."""
        return [*self.at_open, *(trade for trade, _ in self.waiting)], [trade for trade in self.held if trade.is_open]

    def _fill_waiting(self, open_: float, best: float, worst: float) -> list[Trade]:
        """Fill the orders whose price is reached; those filled in the course of the bar are returned."""
        inside: list[Trade] = []
        still: list[tuple[Trade, int]] = []
        for trade, last in self.waiting:
            price = trade.price
            if price > trade.close:
                if open_ >= price:
                    self._enter_at_open((trade,), open_)
                    continue
                if best >= price:
                    self._enter(trade, price, price + abs(price) * self.slippage)
                    inside.append(trade)
                    continue
            elif worst <= price:
                self._enter(trade, price, price)
                if open_ <= price:
                    self._hold(trade)
                else:
                    inside.append(trade)
                continue
            if self.index >= last:
                self.expire(trade)
            else:
                still.append((trade, last))
        self.waiting = still
        return inside

    def _enter_at_open(self, trades: Iterable[Trade], open_: float) -> None:
        entry = open_ + abs(open_) * self.slippage
        for trade in trades:
            self._enter(trade, open_, entry)
            if trade.stop < open_ < trade.target:
                self._hold(trade)
            elif open_ <= trade.stop:
                self._close_at_market(trade, open_, "stop")
            else:
                self._close(trade, open_, open_, "target")

    def _enter(self, trade: Trade, aimed: float, entry: float) -> None:
        trade.aimed, trade.entry = aimed, entry
        trade.entry_index, trade.entry_ms = self.index, self.time_ms
        trade.is_open = True
        self.open_count += 1

    def _hold(self, trade: Trade) -> None:
        self.number = number = self.number + 1
        heappush(self.stops, (-trade.stop, number, trade))
        heappush(self.targets, (trade.target, number, trade))
        self.held.append(trade)

    def _stop_and_take(self, open_: float, best: float, worst: float) -> None:
        stops, targets = self.stops, self.targets
        while stops and -stops[0][0] >= worst:
            trade = heappop(stops)[2]
            if trade.is_open:
                self._close_at_market(trade, trade.stop if trade.stop < open_ else open_, "stop")
        while targets and targets[0][0] <= best:
            trade = heappop(targets)[2]
            if trade.is_open:
                self._close(trade, trade.target, trade.target, "target")

    def _follow_entry_bar(self, trade: Trade, best: float, worst: float) -> None:
        if worst <= trade.stop:
            self._close_at_market(trade, trade.stop, "stop")
        elif best >= trade.target and trade.price > trade.close:
            self._close(trade, trade.target, trade.target, "target")
        else:
            self._hold(trade)

    def _close_at_market(self, trade: Trade, aimed: float, reason: Reason) -> None:
        self._close(trade, aimed - abs(aimed) * self.slippage, aimed, reason)

    def _close(self, trade: Trade, price: float, aimed: float, reason: Reason) -> None:
        trade.is_open = False
        self.open_count -= 1
        self.settle(trade, price, aimed, reason)

    def _forget_ended(self) -> None:
        for levels in (self.stops, self.targets):
            levels[:] = [level for level in levels if level[2].is_open]
            heapify(levels)
