"""The baseline: what the same orders would have come to on bars of no meaning."""

from __future__ import annotations

from hashlib import blake2b

from operators.evaluation.trade import Trade
from state.timeframe import DAY_MS

ENTRIES = 5
"""Random entries for each signal."""

DAYS_APART = 6
"""One random entry falls into each of the first, second... so many days after its signal."""

Due = tuple[int, bytes, int, Trade]
"""The close of an order's signal, what it draws from, how many entries there were, and the order."""


class Baseline:
    """The random entries that are still to come for one key.

    Each order is given again, at the same distances from the close, on `ENTRIES` later bars that close at the same time
    of the day: on one day drawn from each `DAYS_APART` days after the signal, 30 days in all. The draw is a hash of the
    signal's id and the seed, so it is the same in any order and in any process. Where bars are missing the next one
    after them is taken; entries beyond the end of the bars do not happen.

    What is drawn lies after the signal, so that nothing but the orders of 30 days need be kept; nothing of it goes
    back into the signal's own result.
    """

    def __init__(self, seed: int, span_ms: int) -> None:
        self.key = str(seed).encode()
        self.dues: dict[int, list[Due]] = {}
        """By when they are due."""
        self.on_closes = span_ms <= DAY_MS
        """Whether that is when a bar closes, unless bars are missing."""
        self.last_ms = 0

    def draw(self, order: Trade, signal_id: str, close_ms: int) -> None:
        """Have an order given again later."""
        digest = blake2b(signal_id.encode(), digest_size=ENTRIES, key=self.key).digest()
        self.dues.setdefault(_due_ms(close_ms, digest, 0), []).append((close_ms, digest, 0, order.bare()))

    def due(self, open_ms: int, close_ms: int, close: float) -> list[Trade]:
        """The orders to be given on the next bar, which closes at `close` in unsigned prices."""
        found = self._take(open_ms, close_ms)
        orders: list[Trade] = []
        for signal_ms, digest, done, order in found:
            orders.append(order.moved(close if order.close > 0.0 else -close))
            following = done + 1
            if following < ENTRIES:
                due_ms = _due_ms(signal_ms, digest, following)
                # Where the bars of days are missing, several of an order's entries are due at once.
                later = found if due_ms <= close_ms else self.dues.setdefault(due_ms, [])
                later.append((signal_ms, digest, following, order))
        return orders

    def _take(self, open_ms: int, close_ms: int) -> list[Due]:
        """What is due by now."""
        last_ms, self.last_ms = self.last_ms, close_ms
        dues = self.dues
        if open_ms == last_ms and self.on_closes:
            return dues.pop(close_ms, [])
        return [due for due_ms in sorted(dues) if due_ms <= close_ms for due in dues.pop(due_ms)]

    def waiting(self) -> int:
        """How many orders are still to be given."""
        return sum(map(len, self.dues.values()))


def _due_ms(signal_ms: int, digest: bytes, done: int) -> int:
    return signal_ms + (1 + DAYS_APART * done + digest[done] % DAYS_APART) * DAY_MS
