"""The check of the warm-up: what seeded keys say otherwise."""

from __future__ import annotations

from functools import cache

import pytest

from dataflow.market import synthetic_bars
from operators.analyzer import KeyAnalyzer
from operators.evaluation.seeding import WINDOW_BARS, Differences, KeySeeding, SeedingCheck
from state.bar import Bar
from strategies.configuration import Configuration, configuration_of
from strategies.signal import Signal

KEY = "SYNTHAUSDT|15m"


@cache
def market() -> tuple[Bar, ...]:
    return tuple(synthetic_bars("SYNTHAUSDT", days=15))


def checked(configuration: Configuration, bars: int, live_from_ms: int = 0) -> KeySeeding:
    analyzer, check = KeyAnalyzer(KEY, configuration), SeedingCheck(KEY, configuration, bars, live_from_ms)
    for bar in market():
        check.take(bar, analyzer.on_bar(bar))
    (found,) = check.left()
    return found


def by_hand(configuration: Configuration, bars: int) -> list[tuple[set[str], set[str]]]:
    """For each window the ids of a whole key's signals, and of one that was warmed up with so many bars before it."""
    whole = KeyAnalyzer(KEY, configuration)
    of_bar: list[list[Signal]] = [whole.on_bar(bar) for bar in market()]
    windows = []
    for start in range(2 * bars, len(market()), WINDOW_BARS):
        seeded = KeyAnalyzer(KEY, configuration)
        seeded.warm_up(market()[start - bars : start])
        theirs = {one.signal_id for bar in market()[start : start + WINDOW_BARS] for one in seeded.on_bar(bar)}
        windows.append(({one.signal_id for some in of_bar[start : start + WINDOW_BARS] for one in some}, theirs))
    return windows


@pytest.mark.parametrize("cooldown_bars", [0, 64])
def test_differences_are_those_of_keys_warmed_up_by_hand(cooldown_bars: int) -> None:
    configuration = configuration_of({"cooldown_bars": cooldown_bars})
    found = checked(configuration, 60)
    windows = by_hand(configuration, 60)
    counts = found.emitted.values()
    assert sum(each.both for each in counts) == sum(len(whole & seeded) for whole, seeded in windows)
    assert sum(each.only_whole for each in counts) == sum(len(whole - seeded) for whole, seeded in windows) > 0
    assert sum(each.only_seeded for each in counts) == sum(len(seeded - whole) for whole, seeded in windows)
    if not cooldown_bars:
        assert found.begun == found.emitted


def test_what_needs_few_bars_is_the_same_after_few() -> None:
    configuration = configuration_of({"enabled_strategies": ("range_break_pop", "ema_alignment_bullish")})
    begun = checked(configuration, 60).begun
    # Its window is of 20 bars; the slow one's EMA over 80 bars is not even defined after 60.
    assert begun["range_break_pop"].share == begun["range_break_pop"].confidence == 0.0
    assert begun["ema_alignment_bullish"].share > 0.0


def test_more_bars_differ_less() -> None:
    configuration = configuration_of({"enabled_strategies": ("ema_alignment_bullish",)})
    few, many = (checked(configuration, bars).begun["ema_alignment_bullish"] for bars in (120, 400))
    assert few.confidence > 10.0 * many.confidence > 0.0
    assert few.levels_bps > 10.0 * many.levels_bps > 0.0


def test_bars_that_only_warm_up_are_not_compared() -> None:
    middle_ms = market()[1000].open_time_ms
    some, all_ = checked(configuration_of(), 60, live_from_ms=middle_ms), checked(configuration_of(), 60)
    assert 0 < sum(each.both for each in some.begun.values()) < sum(each.both for each in all_.begun.values())


def test_differences_of_keys_add_up() -> None:
    one, other = Differences(2, 1, 0, 0.5, 3.0), Differences(3, 0, 4, 0.1, 7.0)
    one.add(other)
    assert one == Differences(5, 1, 4, 0.5, 7.0)
    assert one.share == 0.5
