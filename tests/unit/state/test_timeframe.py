"""Where bars start and close, and how they are counted, on a calendar."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from state.errors import SkipInput
from state.timeframe import TIMEFRAMES, timeframe_named

NAMES = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"]

SPANS = {
    "1m": timedelta(minutes=1),
    "3m": timedelta(minutes=3),
    "5m": timedelta(minutes=5),
    "15m": timedelta(minutes=15),
    "30m": timedelta(minutes=30),
    "1h": timedelta(hours=1),
    "2h": timedelta(hours=2),
    "4h": timedelta(hours=4),
    "6h": timedelta(hours=6),
    "8h": timedelta(hours=8),
    "12h": timedelta(hours=12),
    "1d": timedelta(days=1),
    "3d": timedelta(days=3),
    "1w": timedelta(weeks=1),
}


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def test_there_are_the_exchanges_timeframes() -> None:
    assert list(TIMEFRAMES) == NAMES
    assert [timeframe.name for timeframe in TIMEFRAMES.values()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_timeframe_is_found_by_name(name: str) -> None:
    assert timeframe_named(name) is TIMEFRAMES[name]


def test_file_names_say_1mo_for_a_month() -> None:
    assert timeframe_named("1mo") is TIMEFRAMES["1M"]


@pytest.mark.parametrize("name", ["", "7m", "15", "15M", "1H", "1D", "1W", "60m", " 15m", "m15"])
def test_any_other_name_is_to_be_skipped(name: str) -> None:
    with pytest.raises(SkipInput, match=f"unknown timeframe {name!r}: expected one of 1m, 3m, .*, 1w, 1M"):
        timeframe_named(name)


@pytest.mark.parametrize("name", SPANS)
def test_a_bar_closes_a_span_after_it_opens(name: str) -> None:
    opened = ms("2024-02-26")  # a Monday

    assert TIMEFRAMES[name].span_ms == milliseconds(SPANS[name])
    assert TIMEFRAMES[name].close_ms(opened) == opened + milliseconds(SPANS[name])


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("2023-01-01", "2023-02-01"),
        ("2023-02-01", "2023-03-01"),
        ("2024-02-01", "2024-03-01"),
        ("2024-04-01", "2024-05-01"),
        ("2024-12-01", "2025-01-01"),
        ("1970-01-01", "1970-02-01"),
        ("2100-02-01", "2100-03-01"),
    ],
)
def test_a_month_closes_where_the_next_begins(opens: str, closes: str) -> None:
    month = TIMEFRAMES["1M"]

    assert month.close_ms(ms(opens)) == ms(closes)
    assert month.ordinal(ms(closes)) == month.ordinal(ms(opens)) + 1
    assert month.ordinal(ms(closes) - 1) == month.ordinal(ms(opens))


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("1m", "2024-01-01T00:07"),
        ("3m", "2024-01-01T00:57"),
        ("5m", "2024-01-01T23:55"),
        ("15m", "2024-01-01T00:45"),
        ("30m", "2024-01-01T00:30"),
        ("1h", "2024-01-01T23:00"),
        ("2h", "2024-01-01T22:00"),
        ("4h", "2024-01-01T20:00"),
        ("6h", "2024-01-01T18:00"),
        ("8h", "2024-01-01T16:00"),
        ("12h", "2024-01-01T12:00"),
        ("1d", "2024-02-29"),
        ("3d", "2024-02-28"),
        ("3d", "2024-02-29"),
        ("3d", "2024-03-01"),
        ("1w", "2024-01-01"),
        ("1w", "2024-02-26"),
        ("1w", "1970-01-05"),
        ("1M", "2024-02-01"),
        ("1M", "1970-01-01"),
    ],
)
def test_where_a_bar_may_open(name: str, opens: str) -> None:
    assert TIMEFRAMES[name].is_aligned(ms(opens))
    assert not TIMEFRAMES[name].is_aligned(ms(opens) + 1)
    assert not TIMEFRAMES[name].is_aligned(ms(opens) - 1)


@pytest.mark.parametrize(
    ("name", "opens"),
    [
        ("3m", "2024-01-01T00:01"),
        ("15m", "2024-01-01T00:10"),
        ("1h", "2024-01-01T00:30"),
        ("4h", "2024-01-01T02:00"),
        ("8h", "2024-01-01T12:00"),
        ("1d", "2024-01-01T12:00"),
        ("3d", "2024-01-01T12:00"),
        ("1w", "2024-02-25"),  # a Sunday
        ("1w", "2024-02-29"),  # a Thursday, as the Unix epoch
        ("1w", "2024-02-26T12:00"),
        ("1M", "2024-02-02"),
        ("1M", "2024-01-31"),
        ("1M", "2024-02-01T00:15"),
    ],
)
def test_where_no_bar_may_open(name: str, opens: str) -> None:
    assert not TIMEFRAMES[name].is_aligned(ms(opens))


@pytest.mark.parametrize(
    ("name", "time", "ordinal"),
    [
        ("15m", "1970-01-01T00:14:59.999", 0),
        ("15m", "1970-01-01T00:15", 1),
        ("1h", "1970-01-02T01:00", 25),
        ("1d", "1970-02-01", 31),
        ("1M", "1970-01-31T23:59:59.999", 0),
        ("1M", "1970-02-01", 1),
        ("1M", "2024-03-15", 54 * 12 + 2),
    ],
)
def test_bars_are_counted_from_the_epoch(name: str, time: str, ordinal: int) -> None:
    assert TIMEFRAMES[name].ordinal(ms(time)) == ordinal


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("start", ["2024-02-26", "2024-02-01"])
def test_each_bar_counts_one_more_than_the_one_before(name: str, start: str) -> None:
    timeframe, time = TIMEFRAMES[name], ms(start)
    ordinals = []
    for _ in range(40):
        ordinals.append(timeframe.ordinal(time))
        time = timeframe.close_ms(time)

    assert ordinals == list(range(ordinals[0], ordinals[0] + 40))
