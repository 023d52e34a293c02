"""What is counted when NATS has stored a message for the first time."""

from __future__ import annotations

from dataflow.nats import counts
from state.errors import SkipInput
from state.timeframe import timeframe_named
from strategies.signal import SignalPlace, place_in

MOST_SYMBOLS = 100
"""So many symbols have series of their own; the others share one, called `OTHER`."""

OTHER = "other"

LIVE_MS = 300_000
"""What is stored later than that after its bar's close is no latency but a backlog, as after an outage.

So is what is stored when the next bar has closed: both are counted, and kept out of the latencies, which would tell of
the outage for hours.
"""

_SIGNALS, _LATE, _DEAD_LETTERS = ("ta.signals.", "ta.alerts."), "ta.late.", "ta.deadletter"

_symbols: dict[str, str] = {}


def count_stored(subject: str, message_id: str, now_ms: int) -> None:
    """Count a message that NATS has stored on a subject and had not stored before."""
    if subject == _DEAD_LETTERS:
        counts.DEAD_LETTERS.inc()
    elif subject.startswith((*_SIGNALS, _LATE)):
        try:
            place = place_in(message_id)
            is_live = _count_latency(place, now_ms)
        except SkipInput:
            return  # somebody else's, on our subjects
        if not subject.startswith(_LATE):
            counts.SIGNALS.labels(place.strategy_id, _label(place.symbol), place.timeframe, place.action).inc()
        if not is_live:
            counts.OVERDUE.inc()


def _count_latency(place: SignalPlace, now_ms: int) -> bool:
    """Count how long a signal took, if it was of the newest bar; whether it was."""
    timeframe = timeframe_named(place.timeframe)
    close_ms = timeframe.close_ms(place.open_time_ms)
    is_live = now_ms < min(timeframe.close_ms(close_ms), close_ms + LIVE_MS)
    if is_live:
        counts.LATENCY.observe(max(0, now_ms - close_ms) / 1000)
    return is_live


def _label(symbol: str) -> str:
    if symbol in _symbols or len(_symbols) < MOST_SYMBOLS:
        return _symbols.setdefault(symbol, symbol)
    return OTHER
