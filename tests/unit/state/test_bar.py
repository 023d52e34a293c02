"""Which bars are possible."""

from __future__ import annotations

from math import inf, nan

import pytest

from state.bar import Bar, check_bar
from state.errors import SkipInput
from state.timeframe import TIMEFRAMES

GOOD = Bar(900_000, 10.0, 12.0, 9.0, 11.0, 5.0)

POSSIBLE = [
    {},
    {"volume": 0.0},
    {"open": 12.0, "close": 9.0},
    {"open": 9.0, "close": 12.0},
    {"open": 7.0, "high": 7.0, "low": 7.0, "close": 7.0, "volume": 0.0},
    {"low": 5e-324},
    {"high": 1.7e308, "volume": 1.7e308},
    {"open_time_ms": 0},
]

IMPOSSIBLE = [
    ({"open": nan}, "open must be a finite number above 0, got nan"),
    ({"open": 0.0}, "open must be a finite number above 0, got 0.0"),
    ({"high": inf}, "high must be a finite number above 0, got inf"),
    ({"high": nan}, "high must be a finite number above 0, got nan"),
    ({"low": 0.0}, "low must be a finite number above 0, got 0.0"),
    ({"low": -9.0}, "low must be a finite number above 0, got -9.0"),
    ({"low": nan}, "low must be a finite number above 0, got nan"),
    ({"close": -inf}, "close must be a finite number above 0, got -inf"),
    ({"close": nan}, "close must be a finite number above 0, got nan"),
    ({"volume": -1.0}, "volume must be a finite number of at least 0, got -1.0"),
    ({"volume": nan}, "volume must be a finite number of at least 0, got nan"),
    ({"volume": inf}, "volume must be a finite number of at least 0, got inf"),
    ({"low": 13.0, "open": 13.0, "close": 13.0}, "low 13.0 is above high 12.0"),
    ({"open": 12.1}, "open 12.1 lies outside low 9.0 .. high 12.0"),
    ({"open": 8.9}, "open 8.9 lies outside low 9.0 .. high 12.0"),
    ({"close": 12.1}, "close 12.1 lies outside low 9.0 .. high 12.0"),
    ({"close": 8.9}, "close 8.9 lies outside low 9.0 .. high 12.0"),
    ({"open_time_ms": 900_001}, "open time 900001 ms is not a multiple of the timeframe 15m"),
]


@pytest.mark.parametrize("changed", POSSIBLE, ids=str)
def test_a_possible_bar_passes(changed: dict[str, float]) -> None:
    check_bar(GOOD._replace(**changed), TIMEFRAMES["15m"])  # type: ignore[arg-type]


@pytest.mark.parametrize(("changed", "reason"), IMPOSSIBLE, ids=[str(changed) for changed, _ in IMPOSSIBLE])
def test_an_impossible_bar_is_to_be_skipped_for_a_reason(changed: dict[str, float], reason: str) -> None:
    with pytest.raises(SkipInput) as error:
        check_bar(GOOD._replace(**changed), TIMEFRAMES["15m"])  # type: ignore[arg-type]

    assert str(error.value) == reason
