"""The order of a key's bars: what is repeated, late or missing."""

from __future__ import annotations

from enum import Enum

from state.timeframe import Timeframe


class Arrival(Enum):
    """How a bar follows the one before it."""

    NEXT = "next"
    AFTER_GAP = "after_gap"
    REPEATED = "repeated"
    OUT_OF_ORDER = "out_of_order"


IN_ORDER = (Arrival.NEXT, Arrival.AFTER_GAP)
"""How bars that are analyzed arrive."""


class BarOrder:
    """Watches the open times of one key."""

    def __init__(self, timeframe: Timeframe, last_open_ms: int | None = None) -> None:
        self.timeframe = timeframe
        self.last_open_ms: int | None = None
        self.expected_ms: int | None = None
        if last_open_ms is not None:
            self.advance(last_open_ms)

    def see(self, open_time_ms: int) -> Arrival:
        """How the bar that opens at `open_time_ms` follows; dropped ones leave no trace."""
        expected_ms = self.expected_ms
        if open_time_ms == expected_ms or expected_ms is None:
            arrival = Arrival.NEXT
        elif open_time_ms > expected_ms:
            arrival = Arrival.AFTER_GAP
        else:
            return Arrival.REPEATED if open_time_ms == self.last_open_ms else Arrival.OUT_OF_ORDER
        self.advance(open_time_ms)
        return arrival

    def advance(self, open_time_ms: int) -> None:
        """Take the bar that opens at `open_time_ms` as the last one."""
        self.last_open_ms = open_time_ms
        self.expected_ms = self.timeframe.close_ms(open_time_ms)

    def missing_before(self, open_time_ms: int) -> int:
        """How many bars are missing between the last one and the one that opens at `open_time_ms`."""
        if self.expected_ms is None or open_time_ms <= self.expected_ms:
            return 0
        return self.timeframe.ordinal(open_time_ms) - self.timeframe.ordinal(self.expected_ms)
