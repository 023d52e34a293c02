"""Which configuration holds for which bar, whatever comes first."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.config_book import NewConfiguration
from operators.timeline import Timeline
from state.errors import WarmUpAgain
from strategies.configuration import Configuration, configuration_of


def version(number: int) -> Configuration:
    return configuration_of({"cooldown_bars": number})


def number_of(configuration: Configuration) -> int:
    return configuration.engine.cooldown_bars


class Key:
    """A key that writes down which configuration each bar met."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.current = version(0)
        self.timeline.begin(self.current)
        self.met: dict[int, int] = {}

    def told(self, number: int, stored_ns: int) -> None:
        self._go(self.timeline.plan(NewConfiguration(version(number), stored_ns)))

    def bar(self, stored_ns: int) -> None:
        self._go(self.timeline.due(stored_ns))
        self.met[stored_ns] = number_of(self.current)

    def restart(self) -> None:
        packed = pickle.loads(pickle.dumps(self.timeline.pack()))  # noqa: S301  # our own bytes
        self.timeline = Timeline()
        self.timeline.load({"timeline": packed})
        self.timeline.begin(self.current)

    def _go(self, due: list[NewConfiguration]) -> None:
        for item in due:
            self.current = item.configuration


def test_a_bar_meets_what_was_announced_before_it_was_stored() -> None:
    key = Key()
    key.told(1, 10)
    key.told(2, 20)
    for stored_ns in (5, 10, 15, 25):
        key.bar(stored_ns)

    assert key.met == {5: 0, 10: 1, 15: 1, 25: 2}


def test_what_comes_too_late_holds_from_the_next_bar_on() -> None:
    key = Key()
    key.bar(30)
    key.told(1, 20)
    key.bar(31)

    assert key.met == {30: 0, 31: 1}


def test_what_has_no_time_holds_at_once_and_in_the_end() -> None:
    key = Key()
    key.told(1, 50)
    key.told(2, 0)
    key.bar(10)
    key.bar(60)

    assert key.met == {10: 2, 60: 2}


def test_the_same_again_changes_nothing() -> None:
    key = Key()
    key.told(0, 10)
    assert key.timeline.to_come == []
    key.told(1, 20)
    key.told(1, 30)

    assert len(key.timeline.to_come) == 1


def test_when_it_is_quiet_the_last_one_holds() -> None:
    key = Key()
    key.told(1, 10)
    key.told(2, 20)

    assert [number_of(one.configuration) for one in key.timeline.all_due()] == [2]
    assert key.timeline.to_come == []


Events = list[tuple[str, int]]


@given(
    gaps=st.lists(st.integers(1, 3), min_size=1, max_size=30),
    kinds=st.data(),
    order=st.randoms(use_true_random=False),
    stops=st.sets(st.integers(0, 60)),
)
def test_the_order_in_which_both_come_does_not_matter(gaps: list[int], kinds: Any, order: Any, stops: set[int]) -> None:
    """As long as a change comes before the bars after it; bars and changes each come in their own order."""
    now_ns = 0
    bars: list[int] = []
    changes: list[int] = []
    for gap in gaps:
        now_ns += gap
        (changes if kinds.draw(st.booleans()) else bars).append(now_ns)
    expected = {bar: sum(change <= bar for change in changes) for bar in bars}
    key, told = Key(), 0
    for step, bar in enumerate(bars):
        ahead = sum(change <= bar for change in changes)
        wanted = max(told, ahead, order.randint(ahead, len(changes)))
        while told < wanted:
            key.told(told + 1, changes[told])
            told += 1
        if step in stops:
            key.restart()
        key.bar(bar)

    assert key.met == expected


@pytest.mark.parametrize(
    "snapshot",
    [
        {},
        None,
        {"timeline": None},
        {"timeline": {"newest_ns": 1}},
        {"timeline": {"newest_ns": "x", "to_come": []}},
        {"timeline": {"newest_ns": 1, "to_come": [(b"{}", 1)]}},
        {"timeline": {"newest_ns": 1, "to_come": [(b"x", 1)]}},
        {"timeline": {"newest_ns": 1, "to_come": [7]}},
    ],
)
def test_what_is_no_timeline_is_refused(snapshot: object) -> None:
    with pytest.raises(WarmUpAgain):
        Timeline().load(snapshot)
