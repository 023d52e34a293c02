"""Packed numbers: what comes out is what went in, to the digits that were asked for."""

from __future__ import annotations

from math import isfinite, log10

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.report.packing import pack, unpack

NUMBERS = st.floats(min_value=-1e12, max_value=1e12) | st.none() | st.just(float("nan")) | st.just(float("inf"))


@given(st.lists(NUMBERS, max_size=60), st.integers(2, 12))
def test_numbers_come_back_to_their_digits(values: list[float | None], digits: int) -> None:
    found = unpack(pack(values, digits))
    assert len(found) == len(values)
    defined = [value for value in values if value is not None and isfinite(value)]
    largest = max(map(abs, defined), default=1.0)
    # Half a unit of the last digit kept; never less than what twelve decimals can say, and no finer than an integer.
    step = max(10 ** (log10(largest) - digits + 1) if largest else 0.0, 1e-12)
    for value, one in zip(values, found, strict=True):
        if value is None or not isfinite(value):
            assert one is None
        else:
            assert one == pytest.approx(value, abs=min(max(step, 1e-12), 1.0))


@given(st.lists(st.integers(-(10**9), 10**9), max_size=60), st.integers(0, 6))
def test_prices_of_few_decimals_are_exact(ticks: list[int], decimals: int) -> None:
    prices = [tick / 10**decimals for tick in ticks]
    column = pack(prices, 11)
    assert unpack(column) == prices
    assert column.decimals <= decimals


def test_what_runs_straight_costs_next_to_nothing() -> None:
    times = [1_700_000_000 + 900 * place for place in range(35_000)]
    column = pack(times, 11)
    assert unpack(column) == times
    assert len(column.data) < 200
