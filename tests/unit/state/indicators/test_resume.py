"""Going on from a dump: at whatever bar, every indicator is as if it had never stopped, to the last bit."""

from __future__ import annotations

import pickle
import re
from array import array
from collections.abc import Callable, Sequence
from math import inf, nan
from random import Random

import pytest

from state.bar import Bar
from state.errors import WarmUpAgain
from state.indicator_set import IndicatorSet
from state.indicators.base import Series
from state.timeframe import TIMEFRAMES
from tests.kit import real_bars
from tests.unit.state.indicators import requests as ask
from tests.unit.state.indicators.requests import EVERY, Request, exactly, from_midnight, newest, values_of

DEPTH = 3

COUNTING = [ask.ema(9), ask.sma(5), ask.bollinger(5, 2.0), ask.vwap(), ask.higher_timeframe(2, 1, 3)]
"""Of each kind that counts something one."""

every_request = pytest.mark.parametrize("request_", EVERY, ids=[request.name for request in EVERY])


@pytest.fixture
def bars() -> list[Bar]:
    return from_midnight(real_bars("BTCUSDT")[:2_400])


def fresh(request: Request) -> tuple[IndicatorSet, Sequence[Series]]:
    need = IndicatorSet(TIMEFRAMES["15m"])
    return need, request.ask(need, DEPTH)


def gone_on(request: Request, need: IndicatorSet) -> tuple[IndicatorSet, Sequence[Series]]:
    """A new set that goes on from the dump of `need`, which was stored in between."""
    other, series = fresh(request)
    other.load(pickle.loads(pickle.dumps(need.dump())))  # noqa: S301  # our own bytes
    return other, series


def longest(request: Request) -> int:
    return max(request.warm_on)


@every_request
def test_stopping_after_every_single_bar_changes_no_value(request_: Request, bars: list[Bar]) -> None:
    bars = bars[: 3 * longest(request_) + 40]
    need, series = fresh(request_)
    values = []
    for bar in bars:
        need, series = gone_on(request_, need)
        need.update(bar)
        values.append(newest(series))

    assert exactly(values) == exactly(values_of(request_, bars))


@every_request
def test_going_on_from_any_of_the_first_bars_changes_no_later_value(request_: Request, bars: list[Bar]) -> None:
    """From every state in which a window can be: filling, full, and each phase of the blocks that it is made of."""
    stretch, phases = min(longest(request_), 60) + 20, min(3 * longest(request_), 400)
    never_stopped = exactly(values_of(request_, bars[: phases + stretch]))
    need, _ = fresh(request_)
    for i in range(phases):
        other, series = gone_on(request_, need)
        values = []
        for bar in bars[i : i + stretch]:
            other.update(bar)
            values.append(newest(series))
        assert exactly(values) == never_stopped[i : i + stretch], f"resumed before bar {i}"
        need.update(bars[i])


@every_request
def test_stopping_at_random_bars_changes_no_value(request_: Request, bars: list[Bar]) -> None:
    random = Random(request_.name)
    stops = set(random.sample(range(len(bars)), 80))
    need, series = fresh(request_)
    values = []
    for i, bar in enumerate(bars):
        if i in stops:
            need, series = gone_on(request_, need)
        need.update(bar)
        values.append(newest(series))

    assert exactly(values) == exactly(values_of(request_, bars))


@every_request
def test_what_was_loaded_is_dumped_again(request_: Request, bars: list[Bar]) -> None:
    need, _ = fresh(request_)
    for bar in bars[: longest(request_) + 7]:
        need.update(bar)

    assert gone_on(request_, need)[0].dump() == need.dump()


def test_a_dump_does_not_change_when_more_bars_come(bars: list[Bar]) -> None:
    need = IndicatorSet(TIMEFRAMES["15m"])
    for request in EVERY:
        request.ask(need, DEPTH)
    for bar in bars[:300]:
        need.update(bar)
    dumped = need.dump()
    copy = pickle.loads(pickle.dumps(dumped))  # noqa: S301  # our own bytes
    for bar in bars[300:340]:
        need.update(bar)

    assert dumped == copy
    assert need.dump() != copy


def warm(request: Request, bars: list[Bar]) -> dict[str, bytes]:
    need, _ = fresh(request)
    for bar in bars[: longest(request) + 7]:
        need.update(bar)
    return need.dump()


SPOILED: dict[str, Callable[[bytes], object]] = {
    "a number less": lambda packed: packed[:-8],
    "a number more": lambda packed: packed + bytes(8),
    "nothing": lambda packed: b"",
    "half a number": lambda packed: packed[:-3],
    "text": lambda packed: "garbage",
    "nothing at all": lambda packed: None,
    "a number": lambda packed: 7,
    "a list": lambda packed: [1.0, 2.0],
}


@every_request
@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_numbers_that_are_no_dump_are_refused(
    request_: Request, spoil: Callable[[bytes], object], bars: list[Bar]
) -> None:
    dump = warm(request_, bars)
    need, _ = fresh(request_)
    for name in dump:
        spoiled = dict(dump) | {name: spoil(dump[name])}
        with pytest.raises(WarmUpAgain):
            need.load(spoiled)  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [nan, inf])
@pytest.mark.parametrize("request_", COUNTING, ids=[request.name for request in COUNTING])
def test_a_count_that_is_no_number_is_refused(request_: Request, number: float, bars: list[Bar]) -> None:
    dump = warm(request_, bars)
    need, _ = fresh(request_)
    name = need.names()[-1]
    dump[name] = array("d", [number] * (len(dump[name]) // 8)).tobytes()

    with pytest.raises(WarmUpAgain):
        need.load(dump)


@every_request
def test_a_dump_without_something_that_was_asked_for_is_refused(request_: Request, bars: list[Bar]) -> None:
    dump = warm(request_, bars)
    need, _ = fresh(request_)
    for name in dump:
        with pytest.raises(WarmUpAgain, match=re.escape(f"no usable numbers of {name}")):
            need.load({other: packed for other, packed in dump.items() if other != name})


def test_a_dump_that_was_asked_less_deep_is_refused(bars: list[Bar]) -> None:
    shallow, deep = IndicatorSet(TIMEFRAMES["15m"]), IndicatorSet(TIMEFRAMES["15m"])
    shallow.ema(9, 2)
    deep.ema(9, 5)

    with pytest.raises(WarmUpAgain, match="EMA expects 7 numbers, got 4"):
        deep.load(shallow.dump())


def test_a_dump_with_more_than_was_asked_for_is_taken(bars: list[Bar]) -> None:
    """So that switching a strategy off costs no warm-up."""
    more, less = IndicatorSet(TIMEFRAMES["15m"]), IndicatorSet(TIMEFRAMES["15m"])
    more.rsi(14)
    more.ema(9)
    expected = less.ema(9)
    for bar in bars[:50]:
        more.update(bar)
    less.load(more.dump())

    assert expected[-1] == more.ema(9)[-1]
