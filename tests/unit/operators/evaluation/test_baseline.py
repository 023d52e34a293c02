"""Entries at random: the same orders, at the same hours, drawn the same way every time."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable
from random import Random

import pytest

from operators.evaluation.baseline import DAYS_APART, ENTRIES, Baseline
from operators.evaluation.follower import Follower
from operators.evaluation.side import SPARE_LEVELS, Side
from operators.evaluation.trade import RandomEntries, Trade
from state.bar import Bar
from state.timeframe import DAY_MS
from tests.unit.operators.evaluation.orders import SPAN_MS, Prices, bars_from, follower, signal_at

DAYS = ENTRIES * DAYS_APART
HOURS = DAYS * 24


def _days(signal_id: str, seed: int = 0) -> list[int]:
    """The days after a signal at time 0 on which its order is given again."""
    baseline = Baseline(seed, SPAN_MS)
    baseline.draw(Trade(None, RandomEntries(), 100.0, 100.0, 95.0, 110.0), signal_id, 0)
    return [day for day in range(2 * DAYS) for _ in baseline.due(day * DAY_MS - SPAN_MS, day * DAY_MS, 50.0)]


def test_one_entry_falls_into_each_stretch_of_days() -> None:
    for number in range(200):
        days = _days(f"signal {number}")
        assert [(day - 1) // DAYS_APART for day in days] == list(range(ENTRIES))


def test_all_days_are_drawn_about_as_often() -> None:
    counts = Counter(day for number in range(3000) for day in _days(f"signal {number}"))
    assert sorted(counts) == list(range(1, DAYS + 1))
    assert min(counts.values()) > 0.8 * 3000 / DAYS_APART
    assert max(counts.values()) < 1.2 * 3000 / DAYS_APART


def test_the_draw_is_the_signals_and_the_seeds() -> None:
    assert _days("one") == _days("one") != _days("other")
    assert _days("one", seed=1) != _days("one", seed=2)


def test_entries_are_at_the_signals_hour_where_bars_are_missing_at_the_next_bar() -> None:
    baseline = Baseline(0, SPAN_MS)
    baseline.draw(Trade(None, RandomEntries(), 100.0, 100.0, 95.0, 110.0), "one", 5 * SPAN_MS)
    first, *_ = _days("one")
    hour_ms = first * DAY_MS + 5 * SPAN_MS
    assert baseline.due(hour_ms - 2 * SPAN_MS, hour_ms - SPAN_MS, 50.0) == []
    assert len(baseline.due(hour_ms + 3 * SPAN_MS, hour_ms + 4 * SPAN_MS, 50.0)) == 1


def test_entries_that_fall_into_a_long_gap_come_after_it() -> None:
    baseline = Baseline(0, SPAN_MS)
    baseline.draw(Trade(None, RandomEntries(), 100.0, 100.0, 95.0, 110.0), "one", 0)
    before = sum(day <= DAYS_APART for day in _days("one"))
    assert len(baseline.due(DAYS_APART * DAY_MS, DAYS_APART * DAY_MS + SPAN_MS, 50.0)) == before == 1
    assert len(baseline.due(2 * DAYS * DAY_MS, 2 * DAYS * DAY_MS + SPAN_MS, 50.0)) == ENTRIES - 1
    assert baseline.waiting() == 0


def test_entries_on_bars_longer_than_days_come_on_the_next_one() -> None:
    week_ms = 7 * DAY_MS
    baseline = Baseline(0, week_ms)
    baseline.draw(Trade(None, RandomEntries(), 100.0, 100.0, 95.0, 110.0), "one", week_ms)
    counts = [len(baseline.due(week * week_ms, (week + 1) * week_ms, 50.0)) for week in range(1, 7)]
    assert counts == [sum(7 * week - 7 < day <= 7 * week for day in _days("one")) for week in range(1, 7)]
    assert sum(counts) == ENTRIES


@pytest.mark.parametrize(("sign", "price"), [(1, 100.0), (1, 105.0), (-1, 98.0)])
def test_an_order_keeps_its_distances(sign: int, price: float) -> None:
    baseline = Baseline(0, SPAN_MS)
    order = Trade(None, RandomEntries(), sign * price, sign * 100.0, sign * 95.0, sign * 110.0)
    baseline.draw(order, "one", 0)
    moved = baseline.due(DAYS * DAY_MS - SPAN_MS, DAYS * DAY_MS, 50.0)[0]
    assert moved.close == sign * 50.0
    assert [moved.price, moved.stop, moved.target] == pytest.approx([sign * price / 2, sign * 47.5, sign * 55.0])


def test_an_order_at_the_close_stays_one() -> None:
    random = Random(3)
    for _ in range(1000):
        close, other = random.uniform(1e-5, 1e5), random.uniform(1e-5, 1e5)
        moved = Trade(None, RandomEntries(), close, close, close / 2, close * 2).moved(other)
        assert moved.price == moved.close == other


def _entries(key: Follower, bars: Iterable[Bar]) -> RandomEntries:
    for bar in bars:
        key.take(bar, [])
    return key.random.of("doji_reversal", "buy")


def test_what_always_rises_is_won_by_chance_too() -> None:
    # From open to open it gains 1 %, and never falls below an open: every target 5 % above is reached in time.
    prices: list[Prices] = [
        (100 * 1.01**i, 100 * 1.01 ** (i + 1), 100 * 1.01**i, 100 * 1.01 ** (i + 1)) for i in range(HOURS)
    ]
    first, *rest = bars_from([(100.0, 100.0, 100.0, 100.0), *prices])
    key = follower()
    key.take(first, [signal_at("buy", 100.0, 99.0, 105.0)])
    entries = _entries(key, rest)
    assert entries.placed == ENTRIES
    assert entries.closed == entries.wins >= ENTRIES - 1  # the last may be given on the last bar
    # Each is entered at its bar's close, which is the next open: it gains 5 of the 1 that it risks.
    assert entries.mean_r == pytest.approx(5.0)


def test_what_never_moves_is_lost_to_costs() -> None:
    # Out at the horizon where it came in: twice 4 bps of fees and 1 bp of slippage, of 100, over a risk of 1.
    first, *rest = bars_from([(100.0, 100.0, 100.0, 100.0)] * (HOURS + 5))
    key = follower(fee_bps=4.0, slippage_bps=1.0, horizon_bars=2)
    key.take(first, [signal_at("buy", 100.0, 99.0, 105.0)])
    entries = _entries(key, rest)
    assert (entries.placed, entries.closed, entries.wins) == (ENTRIES, ENTRIES, 0)
    assert entries.mean_r == pytest.approx(-0.1, abs=1e-3)


def test_entries_at_random_change_no_trade() -> None:
    random = Random(5)
    closes = [100.0]
    for _ in range(2 * HOURS):
        closes.append(closes[-1] * (1 + random.gauss(0, 0.01)))
    bars = [
        Bar(i * SPAN_MS, a, max(a, b) * 1.002, min(a, b) * 0.998, b, 1.0)
        for i, (a, b) in enumerate(itertools.pairwise(closes))
    ]
    signals = {
        i: signal_at("buy", bars[i].close, bars[i].close * 0.98, bars[i].close * 1.03, bars[i].close, i)
        for i in range(0, len(bars), 7)
    }
    runs = []
    for seed in (1, 2):
        key = follower(seed=seed)
        records = [
            record for i, bar in enumerate(bars) for record in key.take(bar, [signals[i]] if i in signals else [])
        ]
        runs.append((records, key.random.of("doji_reversal", "buy")))
    (ours, luck), (theirs, other_luck) = runs
    assert ours == theirs
    assert luck != other_luck
    assert luck.placed > 3 * len(signals)


def test_memory_is_bounded_by_what_is_open() -> None:
    """Trades that all end at their horizon leave levels behind that no price reaches."""
    key = follower(horizon_bars=5)
    for bar in bars_from([(100.0, 100.0, 100.0, 100.0)] * 3000):
        index = bar.open_time_ms // SPAN_MS
        key.take(
            bar, [signal_at("buy", 100.0, 1.0, 1000.0, index=index), signal_at("sell", 100.0, 1000.0, 1.0, index=index)]
        )
    sides: list[Side] = [key.buys, key.sells]
    for side in sides:
        most = 5 * (1 + ENTRIES)  # signals and entries of the last five bars
        assert side.open_count <= len(side.held) <= most
        assert len(side.stops) + len(side.targets) <= 2 * (2 * most + SPARE_LEVELS)
    assert key.baseline.waiting() <= 2 * HOURS
