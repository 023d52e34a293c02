"""Times as other programs write them, turned into milliseconds since the Unix epoch, UTC."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from state.errors import SkipInput
from state.timeframe import DAY_MS, HOUR_MS, MINUTE_MS

# Below the first a number is seconds, below the second milliseconds, below the third microseconds.
_MS_FROM, _US_FROM, _NS_FROM = 10**11, 10**14, 10**17

# Whatever the unit, times go up to 5138-11-16.
_END_MS = _US_FROM

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()

_LONGEST_TEXT = 40
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = re.compile(
    r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d{1,3})0*)?)?(?:[zZ]|([+-])([01]\d|2[0-3]):?([0-5]\d))?", re.ASCII
)
_NUMBER = re.compile(r"\d+(?:\.\d*)?(?:[eE]\+?\d{1,2})?", re.ASCII)


def parse_time_ms(value: str | int | float | datetime) -> int:
    """`value` as milliseconds since the Unix epoch, from 1970 up to the year 5138.

    Text is ISO 8601 (a date, or a date and a time; without a zone it is UTC) or a number. Numbers are told apart by
    magnitude: seconds below 1e11, milliseconds below 1e14, microseconds from there on.

    Raises:
        SkipInput: it is none of these, or not a whole millisecond.

    >>> parse_time_ms("2024-01-01 00:15:00") == parse_time_ms("1704068100") == parse_time_ms(1704068100000000)
    True
    """
    if isinstance(value, str):
        # Called once per row. A file has few days and fewer times of day, so both halves mostly come from a cache.
        if 10 < len(value) <= _LONGEST_TEXT and value[10] in " T":
            try:
                time_ms = _day_ms(value[:10]) + _clock_ms(value[11:])
            except ValueError as error:
                raise _unusable(value) from error
            if 0 <= time_ms < _END_MS:
                return time_ms
            raise _unusable(value)
        return _number_ms(int(value)) if _is_integer(value) else _odd_text_ms(value)
    if isinstance(value, datetime):
        return _moment_ms(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _number_ms(value)
    if isinstance(value, float):
        return _decimal_ms(repr(value))
    raise _unusable(value)


def parse_message_time_ms(value: object) -> int:
    """As `parse_time_ms`, for messages: by contract numbers are milliseconds (microseconds from 1e14), never seconds.

    Raises:
        SkipInput: it is not a time, or not a whole millisecond.

    >>> parse_message_time_ms(900_000), parse_message_time_ms("1970-01-01T00:15:00Z")
    (900000, 900000)
    """
    if isinstance(value, str):
        return _message_number_ms(int(value)) if _is_integer(value) else parse_time_ms(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return _message_number_ms(value)
    if isinstance(value, float) and value.is_integer():
        return _message_number_ms(int(value))
    raise _unusable(value)


@lru_cache(maxsize=4096)  # many signals share one bar
def format_time(time_ms: int) -> str:
    """A time in milliseconds as ISO 8601 in UTC.

    >>> format_time(1704068100000)
    '2024-01-01T00:15:00.000Z'
    """
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def _is_integer(text: str) -> bool:
    return len(text) < 19 and text.isdigit() and text.isascii()


def _odd_text_ms(text: str) -> int:
    stripped = text.strip()
    if stripped != text:
        return parse_time_ms(stripped)
    if len(text) > _LONGEST_TEXT:
        raise _unusable(text)
    if _DAY.fullmatch(text):
        return parse_time_ms(f"{text}T00:00")
    return _decimal_ms(text)


@lru_cache(maxsize=4096)
def _day_ms(text: str) -> int:
    if not _DAY.fullmatch(text):
        raise ValueError(f"not a date: {text!r}")
    return (date.fromisoformat(text).toordinal() - _EPOCH_DAY) * DAY_MS


@lru_cache(maxsize=4096)
def _clock_ms(text: str) -> int:
    parts = _CLOCK.fullmatch(text)
    if parts is None:
        raise ValueError(f"not a time of day in whole milliseconds: {text!r}")
    hours, minutes, seconds, fraction, sign, zone_hours, zone_minutes = parts.groups(default="0")
    offset_ms = int(zone_hours) * HOUR_MS + int(zone_minutes) * MINUTE_MS
    clock_ms = int(hours) * HOUR_MS + int(minutes) * MINUTE_MS + int(seconds) * 1000 + int(f"{fraction:0<3}")
    return clock_ms + (offset_ms if sign == "-" else -offset_ms)


def _moment_ms(moment: datetime) -> int:
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    time_ms, rest = divmod(aware - _EPOCH, timedelta(milliseconds=1))
    if rest or not 0 <= time_ms < _END_MS:
        raise _unusable(moment.isoformat())
    return time_ms


def _number_ms(number: int) -> int:
    if 0 <= number < _MS_FROM:
        return number * 1000
    if _MS_FROM <= number < _US_FROM:
        return number
    if _US_FROM <= number < _NS_FROM and number % 1000 == 0:
        return number // 1000
    raise _unusable(number)


def _message_number_ms(number: int) -> int:
    return number if 0 <= number < _US_FROM else _number_ms(number)


def _decimal_ms(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise _unusable(text)
    number = Fraction(text)
    if number < _MS_FROM:
        number *= 1000
    elif number >= _US_FROM:
        number /= 1000
    if number.denominator != 1 or number >= _END_MS:
        raise _unusable(text)
    return int(number)


def _unusable(value: object) -> SkipInput:
    # Python refuses to write out huge integers.
    shown = "an integer too large" if isinstance(value, int) and value.bit_length() > 200 else repr(value)
    return SkipInput(f"expected a time in whole milliseconds (ISO 8601, or s, ms or µs since 1970), got {shown[:60]}")
