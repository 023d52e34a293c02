"""What is kept of the market, and what is said of how far behind it is."""

from __future__ import annotations

import time

import pytest

from config_api.live.heard import Heard, Newest
from config_api.live.market import lags_of
from state.bar import Bar
from state.key import split_key
from tests.databases import some_bars


def newest(key: str, age_secs: float, heard_secs_ago: float) -> Newest:
    """A bar of a key that closed so long ago, about, and was heard so long ago."""
    span_ms = split_key(key)[1].span_ms
    close_ms = int((time.time() - age_secs) * 1000) // span_ms * span_ms
    return Newest(key, Bar(close_ms - span_ms, 1.0, 1.0, 1.0, 1.0, 1.0), time.monotonic() - heard_secs_ago)


@pytest.mark.parametrize(
    ("age_secs", "heard_secs_ago", "late"),
    [
        (60, 60, False),
        (3_600, 3_600, True),
        (10**8, 1, False),  # a market that is fed from records
        (10**8, 3_600, True),
    ],
)
def test_a_market_is_late_when_bars_have_stopped_coming(age_secs: float, heard_secs_ago: float, late: bool) -> None:
    (lag,) = lags_of([newest("BTCUSDT|15m", age_secs, heard_secs_ago)])
    assert lag.late is late
    assert 0 <= lag.age_secs - age_secs < 901
    assert lag.heard_secs_ago == pytest.approx(heard_secs_ago, abs=30)


def test_who_lags_behind_others_of_the_timeframe_is_named() -> None:
    keys = {"AUSDT|1h": 10, "BUSDT|1h": 10 + 3_600, "CUSDT|1h": 10 + 7_200, "DUSDT|5m": 10**6}
    found = lags_of(newest(key, age_secs, 5) for key, age_secs in keys.items())
    assert [(lag.timeframe, lag.keys, lag.behind) for lag in found] == [("5m", 1, []), ("1h", 3, ["CUSDT"])]


def test_bars_are_kept_once_and_the_first_heard_are_forgotten_first() -> None:
    heard, bars = Heard(most_bars=5), some_bars(8)
    assert [heard.take_bar("A|15m", bar) for bar in (*bars[:3], bars[1])] == [True, True, True, False]
    for bar in bars[:4]:
        heard.take_bar("B|15m", bar)
    assert sorted(heard.bars("A|15m").values()) == bars[2:3]
    assert sorted(heard.bars("B|15m").values()) == bars[:4]
    for bar in bars[4:]:
        heard.take_bar("B|15m", bar)
    assert heard.bars("A|15m") == {}
    assert {one.key: one.bar for one in heard.newest()} == {"A|15m": bars[2], "B|15m": bars[7]}
