"""A key whose bars, notices and answers come in any order: once all is answered it is as if it had had every bar."""

from __future__ import annotations

import pickle
from collections import deque
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from operators.analyzer import KeyAnalyzer
from operators.backfill import Backfill, BackfillPolicy
from operators.config_book import NewConfiguration
from operators.messages import Notice
from operators.requests import HistoryAnswer, HistoryRequest, Wake
from operators.times import format_time
from state.bar import Bar
from state.timeframe import TIMEFRAMES
from strategies.configuration import Configuration, configuration_of
from strategies.signal import Signal
from tests.kit import real_bars

KEY = "BTCUSDT|15m"
NOTICE = Notice(("BTCUSDT",), TIMEFRAMES["15m"])

# Few and quick strategies that give a signal on every third bar.
SHORT = {"ema_period": 8, "min_data_points": 10}
ENGINE: dict[str, Any] = {
    "cooldown_bars": 5,
    "enabled_strategies": (
        *("bear_trap_buy", "bear_trap_sell", "doji_reversal", "ema_momentum_reversal"),
        *("ema_slope_reversal_sell", "hammer_reversal_pattern"),
    ),
}
PARAMETERS: dict[str, dict[str, Any]] = {
    "bear_trap_buy": SHORT,
    "bear_trap_sell": SHORT,
    "ema_momentum_reversal": {"min_data_points": 10},
    "ema_slope_reversal_sell": {"min_data_points": 10},
}
CONFIGURATION = configuration_of(ENGINE, PARAMETERS)

# One asks for the same indicators, the others for some that take more bars than a key keeps, and than there are.
OTHERS = tuple(
    configuration_of(ENGINE, {**PARAMETERS, **more})
    for more in (
        {"doji_reversal": {"min_trend_atr": 0.5}},
        {"ema_slope_reversal_sell": {"ema_period": 60, "min_data_points": 10}},
        {"ema_slope_reversal_sell": {"ema_period": 70, "min_data_points": 20}},
    )
)

OWN_BARS = 30

KNOWN = 40
"""Bars that history has before the first one arrives."""

MOST = 150

Step = tuple[str, int]


def all_bars() -> tuple[Bar, ...]:
    return real_bars("BTCUSDT")[:MOST]


class Market:
    """A key, its history and what is under way between them, moved on step by step."""

    def __init__(self, ahead: int, *, there: bool) -> None:
        self.bars = all_bars()
        self.written = KNOWN + ahead
        self.there = there
        self.asked: deque[HistoryRequest | Wake] = deque()
        self.read: deque[Any] = deque()
        self.owed: HistoryRequest | None = None
        self.next = KNOWN
        self.noticed = 0
        self.late: list[int] = []
        self.sent: list[Signal] = []
        self.settled: set[int] = set()
        self.unsettled: set[int] = set()
        self.configured = CONFIGURATION
        self.key = self.new_key()

    def new_key(self) -> Backfill:
        policy = BackfillPolicy(self.asked.append)
        return Backfill(lambda configuration: KeyAnalyzer(KEY, configuration, OWN_BARS), policy, CONFIGURATION)

    def do(self, step: Step) -> None:
        name, number = step
        getattr(self, name)(number)

    def bar(self, skipped: int) -> None:
        """The next bar arrives, after some that do not; those at least are in history."""
        index = self.next + (skipped if self.next > KNOWN else 0)
        if index >= MOST:
            return
        self.late += range(self.next, index)
        self.written = max(self.written, index)
        self.next = index + 1
        last_ms, cold = self.key.analyzer.order.last_open_ms, self.key.state == "cold"
        is_news = last_ms is None or self.key.untouched or self.bars[index].open_time_ms > last_ms
        if is_news and not cold:
            self.unsettled.add(index)
        self.give(self.bars[index])

    def repeat(self, back: int) -> None:
        """A bar that arrived arrives again, with other numbers."""
        if self.next > KNOWN:
            again = self.bars[max(KNOWN, self.next - 1 - back)]
            if again.open_time_ms not in {self.bars[i].open_time_ms for i in self.late}:
                self.give(again._replace(volume=again.volume + 1.0))

    def tardy(self, number: int) -> None:
        """One of those that did not arrive does, out of order."""
        if self.late:
            self.give(self.bars[self.late.pop(number % len(self.late))])

    def notice(self, more: int) -> None:
        """Some bars are written, and that is told."""
        if self.next > KNOWN:
            self.written = self.noticed = min(MOST, max(self.written, self.next) + more)
            self.give(NOTICE)

    def wake(self, _: int) -> None:
        self.asked.append(Wake())

    def configure(self, number: int) -> None:
        """The key is to go by another configuration."""
        self.configured = (CONFIGURATION, *OTHERS)[number]
        self.give(NewConfiguration(self.configured))

    def look(self, _: int) -> None:
        """History does the first thing that was asked of it."""
        if not self.asked:
            return
        request = self.asked.popleft()
        if isinstance(request, Wake):
            self.read.append(request)
            return
        bars = self.content(request) if self.there else None
        self.owed = request if bars is None else None
        self.read.append(HistoryAnswer(request, bars))

    def answer(self, _: int) -> None:
        """The first thing that history has for the key reaches it."""
        if self.read:
            self.give(self.read.popleft())

    def serve(self, _: int) -> None:
        """All that was asked is answered."""
        for _ in range(10_000):
            if not self.asked and not self.read:
                return
            self.look(0)
            self.answer(0)
        raise AssertionError("never comes to an end")

    def away(self, _: int) -> None:
        self.there = False

    def back(self, _: int) -> None:
        self.there = True
        if self.owed is not None:
            self.asked.append(self.owed)

    def restart(self, _: int) -> None:
        """Whatever is under way is lost."""
        snapshot = pickle.loads(pickle.dumps(self.key.snapshot()))  # noqa: S301  # our own bytes
        self.asked.clear()
        self.read.clear()
        self.owed = None
        self.key = self.new_key()
        self.key.resume(snapshot)
        self.wake(0)

    def content(self, request: HistoryRequest) -> list[Bar]:
        _, after_ms, before_ms, limit, _ = request
        found = [
            bar
            for bar in self.bars[: self.written]
            if (after_ms is None or bar.open_time_ms > after_ms) and (before_ms is None or bar.open_time_ms < before_ms)
        ]
        return found[len(found) - min(limit, len(found)) :]

    def give(self, item: Any) -> None:
        self.sent += self.key.take(item)
        if self.key.state == "cold":
            self.unsettled.clear()
        elif not self.key.waiting:
            self.settled |= self.unsettled
            self.unsettled.clear()

    def settle(self) -> None:
        """History is there, and everything is answered."""
        self.bar(0)
        self.back(0)
        self.serve(0)


STEP = (
    st.tuples(st.just("bar"), st.sampled_from([0, 0, 0, 1, 2, 5])),
    st.tuples(st.just("bar"), st.sampled_from([0, 0, 0, 1, 2, 5])),
    st.tuples(st.sampled_from(["repeat", "tardy", "notice", "notice"]), st.integers(0, 3)),
    st.tuples(st.just("look"), st.just(0)),
    st.tuples(st.just("answer"), st.just(0)),
    st.tuples(st.just("serve"), st.just(0)),
    st.tuples(st.just("serve"), st.just(0)),
    st.tuples(st.sampled_from(["away", "back", "restart", "wake"]), st.just(0)),
)
STEPS = st.lists(st.one_of(*STEP), min_size=20, max_size=80)
STEPS_AND_CHANGES = st.lists(
    st.one_of(*STEP, st.tuples(st.just("configure"), st.integers(0, len(OTHERS)))), min_size=20, max_size=80
)


def uninterrupted(
    last: int, configuration: Configuration = CONFIGURATION
) -> tuple[dict[str, Any], dict[int, list[str]]]:
    """The snapshot, and by bar the signals, of an analyzer that had all bars in order."""
    analyzer = KeyAnalyzer(KEY, configuration, OWN_BARS)
    bars = all_bars()
    analyzer.warm_up(bars[:KNOWN])
    signals = {i: [signal.to_json().decode() for signal in analyzer.on_bar(bars[i])] for i in range(KNOWN, last + 1)}
    return analyzer.snapshot(), signals


def without_counts(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in snapshot.items() if name != "tally"}


@settings(max_examples=300, deadline=None)
@given(ahead=st.integers(0, 3), there=st.booleans(), woken=st.booleans(), steps=STEPS)
def test_in_the_end_all_is_as_if_nothing_had_happened(ahead: int, there: bool, woken: bool, steps: list[Step]) -> None:
    market = Market(ahead, there=there)
    if woken:
        market.wake(0)
    for step in steps:
        market.do(step)
    market.settle()

    last_ms = market.key.analyzer.order.last_open_ms
    last = next(i for i, bar in enumerate(market.bars) if bar.open_time_ms == last_ms)
    assert last >= max(market.next, market.noticed) - 1
    snapshot, signals = uninterrupted(last)
    assert without_counts(market.key.snapshot()) == without_counts(snapshot)
    assert market.key.state == "seeded"

    ids = [signal.signal_id for signal in market.sent]
    assert len(ids) == len(set(ids))
    opened = [format_time(bar.open_time_ms) for bar in market.bars]
    by_bar: dict[int, list[str]] = {}
    for signal in market.sent:
        index = opened.index(signal.metadata.bar_open_time)
        by_bar.setdefault(index, []).append(signal.to_json().decode())
    for i in market.settled:
        assert by_bar.get(i, []) == signals[i], i


@settings(max_examples=300, deadline=None)
@given(ahead=st.integers(0, 3), there=st.booleans(), woken=st.booleans(), steps=STEPS_AND_CHANGES)
def test_in_the_end_it_goes_by_what_it_was_told_last(ahead: int, there: bool, woken: bool, steps: list[Step]) -> None:
    """Indicators are those of a key that has gone by it all along, whatever history was asked for in between."""
    market = Market(ahead, there=there)
    if woken:
        market.wake(0)
    for step in steps:
        market.do(step)
    market.settle()

    found = market.key.snapshot()
    last = next(i for i, bar in enumerate(market.bars) if bar.open_time_ms == found["last_open_ms"])
    assert last >= max(market.next, market.noticed) - 1
    snapshot, _ = uninterrupted(last, market.configured)
    assert {name: found[name] for name in COMPARED} == {name: snapshot[name] for name in COMPARED}
    assert market.key.state == "seeded"
    ids = [signal.signal_id for signal in market.sent]
    assert len(ids) == len(set(ids))


COMPARED = ("configuration", "indicators", "recent", "bars_seen", "last_open_ms")
