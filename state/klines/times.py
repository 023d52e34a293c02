"""Open times as databases have them: milliseconds, or a date and time in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from state.errors import SkipInput

START_MS = 0
END_MS = 253_402_300_799_999
"""The last millisecond of the year 9999: the latest time that databases know."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def time_of(value: object) -> int:
    """What a time column holds, in milliseconds since 1970.

    Raises:
        SkipInput: it is not a time, or not a whole millisecond.

    >>> time_of(900_000), time_of("1970-01-01 00:15:00")
    (900000, 900000)
    """
    if type(value) is int:
        return value
    if isinstance(value, str):
        return _time_of_text(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise SkipInput(f"expected a time, got {value!r:.60}")


def text_of_time(time_ms: int) -> str:
    """A time as databases write it.

    >>> text_of_time(900_001)
    '1970-01-01 00:15:00.001'
    """
    moment = _EPOCH + timedelta(milliseconds=min(max(time_ms, START_MS), END_MS))
    text = moment.replace(tzinfo=None).isoformat(" ", "milliseconds")
    return text.removesuffix(".000")


@lru_cache(maxsize=65_536)  # the bars of many symbols open at the same times
def _time_of_text(text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise SkipInput(f"expected a time, got {text[:60]!r}") from error
    time_ms, rest = divmod((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH, _MS)
    if rest:
        raise SkipInput(f"expected a time in whole milliseconds, got {text[:60]!r}")
    return time_ms
