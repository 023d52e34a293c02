"""Timeframes: how long a bar lasts, where it may start, when it closes.

All times are UTC, in milliseconds since the Unix epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from state.errors import SkipInput

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

# 1970-01-05, the first Monday: the exchange's weekly bars start on Mondays.
_FIRST_MONDAY_MS = 4 * DAY_MS


@dataclass(frozen=True, slots=True)
class Timeframe:
    """The span of a bar, such as ``15m``.

    `span_ms` is exact for all timeframes but ``1M``, where it is the nominal 30 days: use
    `close_ms` and `ordinal`, which know the calendar.
    """

    name: str
    span_ms: int

    def is_aligned(self, open_time_ms: int) -> bool:
        """Whether a bar of this timeframe may open at `open_time_ms`.

        >>> TIMEFRAMES["15m"].is_aligned(900_000), TIMEFRAMES["15m"].is_aligned(900_001)
        (True, False)
        """
        if self.name == "1M":
            return open_time_ms % DAY_MS == 0 and _utc(open_time_ms).day == 1
        if self.name == "1w":
            return (open_time_ms - _FIRST_MONDAY_MS) % self.span_ms == 0
        if self.name == "3d":  # the exchange counts its 3-day bars from a day of its own
            return open_time_ms % DAY_MS == 0
        return open_time_ms % self.span_ms == 0

    def close_ms(self, open_time_ms: int) -> int:
        """The boundary at which the bar that opens at `open_time_ms` is complete.

        >>> TIMEFRAMES["15m"].close_ms(0)
        900000
        """
        if self.name != "1M":
            return open_time_ms + self.span_ms
        start = _utc(open_time_ms)
        year, month = (start.year + 1, 1) if start.month == 12 else (start.year, start.month + 1)
        return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000

    def ordinal(self, time_ms: int) -> int:
        """How many whole bars of this timeframe lie between the Unix epoch and `time_ms`."""
        if self.name != "1M":
            return time_ms // self.span_ms
        moment = _utc(time_ms)
        return (moment.year - 1970) * 12 + moment.month - 1


def _utc(time_ms: int) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, UTC)


TIMEFRAMES: dict[str, Timeframe] = {
    name: Timeframe(name, span_ms)
    for name, span_ms in {
        "1m": MINUTE_MS,
        "3m": 3 * MINUTE_MS,
        "5m": 5 * MINUTE_MS,
        "15m": 15 * MINUTE_MS,
        "30m": 30 * MINUTE_MS,
        "1h": HOUR_MS,
        "2h": 2 * HOUR_MS,
        "4h": 4 * HOUR_MS,
        "6h": 6 * HOUR_MS,
        "8h": 8 * HOUR_MS,
        "12h": 12 * HOUR_MS,
        "1d": DAY_MS,
        "3d": 3 * DAY_MS,
        "1w": 7 * DAY_MS,
        "1M": 30 * DAY_MS,
    }.items()
}


def timeframe_named(name: str) -> Timeframe:
    """The timeframe called `name`; `1mo`, as the exchange's file names say it, is `1M`.

    Raises:
        SkipInput: there is no such timeframe.
    """
    found = TIMEFRAMES.get("1M" if name == "1mo" else name)
    if found is None:
        raise SkipInput(f"unknown timeframe {name!r}: expected one of {', '.join(TIMEFRAMES)}")
    return found
