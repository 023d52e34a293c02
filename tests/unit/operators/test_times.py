"""Times in all the ways other programs write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.times import format_time, parse_message_time_ms, parse_time_ms
from state.errors import SkipInput

# 2024-01-01T00:15:00Z, by `date -u -d 2024-01-01T00:15:00Z +%s`.
QUARTER_PAST_MS = 1_704_068_100_000

SAME_TIME = [
    "2024-01-01 00:15:00",
    "2024-01-01T00:15:00",
    "2024-01-01T00:15",
    "2024-01-01T00:15:00Z",
    "2024-01-01T00:15:00z",
    "2024-01-01 00:15:00.000",
    "2024-01-01 00:15:00,0",
    "2024-01-01T00:15:00.000000000Z",
    "2024-01-01 00:15:00+00:00",
    "2024-01-01T02:45:00+0230",
    "2023-12-31T19:15:00-05:00",
    " 2024-01-01 00:15:00\r",
    "1704068100",
    "1704068100.0",
    "1704068100000",
    "1704068100000.0",
    "1704068100000000",
    "1704068100000000.0",
    "1.7040681e9",
    "1.7040681E+12",
    1_704_068_100,
    1_704_068_100_000,
    1_704_068_100_000_000,
    1_704_068_100.0,
    1_704_068_100_000.0,
    datetime(2024, 1, 1, 0, 15),  # noqa: DTZ001 - a time without a zone is UTC
    datetime(2024, 1, 1, 0, 15, tzinfo=UTC),
    datetime(2024, 1, 1, 2, 15, tzinfo=timezone(timedelta(hours=2))),
]

UNUSABLE = [
    "",
    " ",
    "time",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "1e99",
    "1_704_068_100",
    "\uff11\uff17\uff10\uff14\uff10\uff16\uff18\uff11\uff10\uff10",
    "²",
    "-1704068100",
    "+1704068100",
    "0x10",
    "99999999999999999999",
    "1704068100000000000",  # nanoseconds
    "1" * 100_000,
    "2024-13-01",
    "2024-02-30 00:00:00",
    "2023-02-29T00:00:00Z",
    "2024-01-01x00:00:00",
    "2024-01-01T24:00:00",
    "2024-01-01T00:60:00",
    "2024-01-01T00:00:60",
    "2024-01-01 00:00:00 +00:00 UTC",
    "2024-01-01T",
    "2024-W01-1T00:00:00",
    "20240101T000000",
    "01/02/2024 00:00",
    "1969-12-31T23:59:59Z",
    "1970-01-01T00:00:00+01:00",
    "9999-12-31",
    "2024-01-01\x0000:00:00",
    "\udcff",
    -1,
    10**17,
    10**5000,
    -1.0,
    float("nan"),
    float("inf"),
    1e300,
    True,
    datetime(1969, 12, 31, tzinfo=UTC),
    datetime(9999, 12, 31, tzinfo=UTC),
]

NOT_WHOLE_MS = [
    "1704068100.0005",
    "1704068100000.5",
    "1704068100000001",
    "2024-01-01T00:15:00.0005",
    "2024-01-01T00:15:00.0000001Z",
    1704068100000.5,
    1_704_068_100_000_001,
    datetime(2024, 1, 1, 0, 15, 0, 500, tzinfo=UTC),
]


@pytest.mark.parametrize("value", SAME_TIME, ids=repr)
def test_one_time_in_all_its_forms(value: str | float | datetime) -> None:
    assert parse_time_ms(value) == QUARTER_PAST_MS


@pytest.mark.parametrize(
    ("value", "expected_ms"),
    [
        ("2024-01-01", 1_704_067_200_000),
        ("1970-01-01", 0),
        ("0", 0),
        ("2024-02-29T12:34:56.789Z", 1_709_210_096_789),
        ("1709210096.789", 1_709_210_096_789),
        (1709210096.789, 1_709_210_096_789),
        ("1709210096789000", 1_709_210_096_789),
        ("99999999999", 99_999_999_999_000),
        ("100000000000", 100_000_000_000),
        ("99999999999999", 99_999_999_999_999),
        ("100000000000000", 100_000_000_000),
    ],
)
def test_time_and_the_edges_of_magnitude(value: str | float, expected_ms: int) -> None:
    assert parse_time_ms(value) == expected_ms


@pytest.mark.parametrize(
    "value", UNUSABLE + NOT_WHOLE_MS, ids=lambda value: ascii(value)[:30] if value != 10**5000 else "huge"
)
def test_unusable_time_is_named_in_short(value: str | float | datetime) -> None:
    with pytest.raises(SkipInput, match=r"expected a time .*, got ") as caught:
        parse_time_ms(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("value", "expected_ms"),
    [
        (900_000, 900_000),
        ("900000", 900_000),
        (900_000.0, 900_000),
        (QUARTER_PAST_MS, QUARTER_PAST_MS),
        (QUARTER_PAST_MS * 1000, QUARTER_PAST_MS),
        ("2024-01-01T00:15:00Z", QUARTER_PAST_MS),
    ],
)
def test_numbers_in_messages_are_never_seconds(value: object, expected_ms: int) -> None:
    assert parse_message_time_ms(value) == expected_ms


@pytest.mark.parametrize("value", [None, True, [], {}, 0.5, -900_000, "soon", float("nan"), 10**17])
def test_unusable_time_in_a_message(value: object) -> None:
    with pytest.raises(SkipInput, match="expected a time"):
        parse_message_time_ms(value)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(5138, 1, 1)))  # noqa: DTZ001 - hypothesis wants it so
def test_formatted_time_is_read_back(moment: datetime) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    text = moment.isoformat(timespec="milliseconds") + "Z"
    assert format_time(parse_time_ms(text)) == text


@given(st.one_of(st.text(), st.from_regex(r"[0-9TZ:.eE+ -]{0,45}"), st.integers(), st.floats(), st.datetimes()))
def test_nothing_else_is_raised_and_no_time_out_of_range_comes_out(value: str | float | datetime) -> None:
    try:
        time_ms = parse_time_ms(value)
    except SkipInput:
        return
    assert 0 <= time_ms < 10**14
