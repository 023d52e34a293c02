"""How bars follow each other: in tables of open times, as multiples of the span from a start."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from operators.order import Arrival, BarOrder
from state.timeframe import TIMEFRAMES

QUARTER_MS = 900_000
NEXT, GAP, REPEATED, LATE = Arrival.NEXT, Arrival.AFTER_GAP, Arrival.REPEATED, Arrival.OUT_OF_ORDER

TABLES: dict[str, list[tuple[int, Arrival, int]]] = {
    "in order": [(7, NEXT, 0), (8, NEXT, 0), (9, NEXT, 0)],
    "repeated": [(7, NEXT, 0), (7, REPEATED, 0), (7, REPEATED, 0), (8, NEXT, 0), (8, REPEATED, 0)],
    "one missing": [(7, NEXT, 0), (9, GAP, 1), (10, NEXT, 0)],
    "many missing": [(7, NEXT, 0), (1_007, GAP, 999), (1_008, NEXT, 0)],
    "a missing one comes late": [(7, NEXT, 0), (9, GAP, 1), (8, LATE, 0), (10, NEXT, 0)],
    "a repeated one after a gap": [(7, NEXT, 0), (9, GAP, 1), (9, REPEATED, 0), (7, LATE, 0), (10, NEXT, 0)],
    "dropped ones leave no trace": [(7, NEXT, 0), (3, LATE, 0), (4, LATE, 0), (6, LATE, 0), (8, NEXT, 0)],
    "two gaps": [(0, NEXT, 0), (2, GAP, 1), (5, GAP, 2), (6, NEXT, 0)],
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_how_bars_follow(table: list[tuple[int, Arrival, int]]) -> None:
    order = BarOrder(TIMEFRAMES["15m"])

    for multiple, arrival, missing in table:
        open_time_ms = multiple * QUARTER_MS
        assert order.missing_before(open_time_ms) == missing
        assert order.see(open_time_ms) is arrival


def test_the_first_bar_is_the_next_whenever_it_opens() -> None:
    order = BarOrder(TIMEFRAMES["15m"])

    assert order.missing_before(5 * QUARTER_MS) == 0
    assert order.see(5 * QUARTER_MS) is NEXT
    assert (order.last_open_ms, order.expected_ms) == (5 * QUARTER_MS, 6 * QUARTER_MS)


@pytest.mark.parametrize(
    ("multiple", "arrival", "missing"), [(8, NEXT, 0), (7, REPEATED, 0), (6, LATE, 0), (10, GAP, 2)]
)
def test_it_goes_on_from_the_last_bar(multiple: int, arrival: Arrival, missing: int) -> None:
    order = BarOrder(TIMEFRAMES["15m"], last_open_ms=7 * QUARTER_MS)

    assert order.missing_before(multiple * QUARTER_MS) == missing
    assert order.see(multiple * QUARTER_MS) is arrival


def ms(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("timeframe", "last", "now", "arrival", "missing"),
    [
        ("1M", "2024-01-01", "2024-02-01", NEXT, 0),
        ("1M", "2024-02-01", "2024-03-01", NEXT, 0),
        ("1M", "2024-01-01", "2024-03-01", GAP, 1),
        ("1M", "2023-11-01", "2024-03-01", GAP, 3),
        ("1M", "2023-12-01", "2024-01-01", NEXT, 0),
        ("1M", "2024-03-01", "2024-02-01", LATE, 0),
        ("1w", "2024-01-01", "2024-01-08", NEXT, 0),
        ("1w", "2024-01-01", "2024-01-22", GAP, 2),
        ("3d", "2024-02-27", "2024-03-01", NEXT, 0),
        ("3d", "2024-02-27", "2024-03-07", GAP, 2),
        ("3d", "2024-02-28", "2024-03-08", GAP, 2),
        ("3d", "2024-02-29", "2024-03-09", GAP, 2),
        ("1d", "2024-02-28", "2024-02-29", NEXT, 0),
        ("1d", "2024-02-28", "2024-03-02", GAP, 2),
    ],
)
def test_long_bars_follow_by_the_calendar(timeframe: str, last: str, now: str, arrival: Arrival, missing: int) -> None:
    order = BarOrder(TIMEFRAMES[timeframe], last_open_ms=ms(last))

    assert order.missing_before(ms(now)) == missing
    assert order.see(ms(now)) is arrival
