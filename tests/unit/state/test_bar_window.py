"""The last bars of a key, packed."""

from __future__ import annotations

import pytest

from state.bar import Bar
from state.bar_window import BarWindow
from state.errors import WarmUpAgain
from tests.kit import real_bars


@pytest.mark.parametrize("count", [0, 1, 4, 5, 6, 10, 11, 234])
def test_it_keeps_the_last_bars_as_they_were(count: int) -> None:
    window, bars = BarWindow(5), list(real_bars("BTCUSDT")[:count])
    for bar in bars:
        window.append(bar)

    assert window.bars() == bars[-5:]
    assert all(type(bar) is Bar and type(bar.open_time_ms) is int for bar in window.bars())
    assert len(window) == min(count, 5)


def test_it_goes_on_from_what_it_dumped() -> None:
    window, resumed, bars = BarWindow(5), BarWindow(5), real_bars("BTCUSDT")
    for bar in bars[:8]:
        window.append(bar)
    resumed.load(window.dump())
    resumed.append(bars[8])

    assert resumed.bars() == list(bars[4:9])
    assert len(window.dump()) == 5 * 6 * 8


def test_of_more_bars_than_fit_the_newest_count() -> None:
    window, smaller, bars = BarWindow(5), BarWindow(2), real_bars("BTCUSDT")
    for bar in bars[:5]:
        window.append(bar)
    smaller.load(window.dump())

    assert smaller.bars() == list(bars[3:5])


@pytest.mark.parametrize("packed", [b"1234567", b"12345678", "text", None, 7])
def test_what_is_no_window_is_refused(packed: object) -> None:
    with pytest.raises(WarmUpAgain):
        BarWindow(5).load(packed)  # type: ignore[arg-type]


def test_a_window_of_nothing_keeps_nothing() -> None:
    window = BarWindow(0)
    window.append(real_bars("BTCUSDT")[0])

    assert window.bars() == []
    assert window.dump() == b""
