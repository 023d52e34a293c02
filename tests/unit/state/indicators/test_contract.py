"""What every indicator promises: when it is warm, the same values however it is asked, and bounded memory."""

from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Iterator
from itertools import combinations
from math import isnan
from types import BuiltinFunctionType, FunctionType, ModuleType

import pytest
from talipp.exceptions import TalippException

from state import indicator_set
from state.bar import Bar
from state.indicator_set import IndicatorSet
from state.indicators.base import BoundedIndicator
from state.timeframe import TIMEFRAMES
from tests.kit import real_bars
from tests.unit.state.indicators.requests import (
    EVERY,
    Request,
    exactly,
    from_midnight,
    newest,
    values_of,
)

every_request = pytest.mark.parametrize("request_", EVERY, ids=[request.name for request in EVERY])


@pytest.fixture
def bars() -> list[Bar]:
    return from_midnight(real_bars("BTCUSDT")[:3_000])


def empty_set() -> IndicatorSet:
    return IndicatorSet(TIMEFRAMES["15m"])


def test_every_request_that_the_set_takes_is_among_those_tested() -> None:
    asked: set[str] = set()

    class Listening(IndicatorSet):
        def __getattribute__(self, name: str) -> object:
            asked.add(name)
            return super().__getattribute__(name)

    for request in EVERY:
        request.ask(Listening(TIMEFRAMES["15m"]), 2)
    public = {name for name, value in vars(IndicatorSet).items() if callable(value) and not name.startswith("_")}

    others = {"update", "dump", "load", "names", "cold", "indicator_of", "requests", "take_over"}
    assert public - others <= asked


@every_request
def test_it_is_undefined_until_it_is_warm_and_defined_from_then_on(request_: Request, bars: list[Bar]) -> None:
    columns = zip(*values_of(request_, bars[:600]), strict=True)

    first = [[isnan(value) for value in column].index(False) + 1 for column in columns]

    assert tuple(first) == request_.warm_on
    for column, warm_on in zip(zip(*values_of(request_, bars[:600]), strict=True), request_.warm_on, strict=True):
        assert not any(isnan(value) for value in column[warm_on - 1 :])


@every_request
def test_the_same_bars_give_the_same_values(request_: Request, bars: list[Bar]) -> None:
    assert exactly(values_of(request_, bars[:600])) == exactly(values_of(request_, bars[:600]))


@every_request
def test_among_all_others_it_has_the_values_that_it_has_alone(request_: Request, bars: list[Bar]) -> None:
    need = empty_set()
    before = [other.ask(need, 3) for other in EVERY]
    series = request_.ask(need, 2)
    values = []
    for bar in bars[:600]:
        need.update(bar)
        values.append(newest(series))

    assert len(before) == len(EVERY)
    assert exactly(values) == exactly(values_of(request_, bars[:600]))


@every_request
def test_asking_deeper_gives_the_same_values_and_those_before(request_: Request, bars: list[Bar]) -> None:
    need, depth = empty_set(), 40
    series = request_.ask(need, depth)
    shallow = values_of(request_, bars[:400])
    depths = [depth if len(one) >= depth else 2 for one in series]
    for i, bar in enumerate(bars[:400]):
        need.update(bar)
        for k, one in enumerate(series):
            wanted = [shallow[j][k] for j in range(max(0, i + 1 - depths[k]), i + 1)]
            assert repr(one[-len(wanted) :]) == repr(wanted)


@every_request
@pytest.mark.parametrize("every_bars", [1, 7, 1_000_000])
def test_how_often_series_are_cut_back_changes_no_value(
    request_: Request, bars: list[Bar], every_bars: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = exactly(values_of(request_, bars[:600]))
    monkeypatch.setattr(indicator_set, "TRIM_EVERY_BARS", every_bars)

    assert exactly(values_of(request_, bars[:600])) == usual


def reachable(root: object) -> Iterator[object]:
    """Every object that `root` refers to, directly or not, code left out."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, type | ModuleType | FunctionType | BuiltinFunctionType):
            continue
        seen.add(id(item))
        yield item
        waiting += gc.get_referents(item)


def numbers_kept(need: IndicatorSet) -> int:
    return sum(len(item) for item in reachable(need) if isinstance(item, list))


def bytes_kept(need: IndicatorSet) -> int:
    """Of floats: containers Python over-allocates as it likes."""
    return sum(sys.getsizeof(item) for item in reachable(need) if isinstance(item, float))


@every_request
def test_memory_does_not_grow_with_the_bars(request_: Request, bars: list[Bar]) -> None:
    need = empty_set()
    request_.ask(need, 3)
    kept, sizes, dumps = [], [], set()
    for i, bar in enumerate(bars[:2_400]):
        need.update(bar)
        if i % 3 == 0:
            kept.append(numbers_kept(need))
            sizes.append(bytes_kept(need))
            dumps.add(len(pickle.dumps(need.dump())))

    # Windows and cutting back have phases of their own, which may meet later than in the first half.
    assert max(kept[400:]) <= max(kept[:400]) + indicator_set.TRIM_EVERY_BARS
    # Some numbers are the same object in two places, or not, as the prices will have it.
    assert max(sizes[400:]) <= max(sizes[:400]) + 8 * sys.getsizeof(0.5)
    assert len(dumps) == 1


def test_the_measure_of_memory_sees_a_series_that_is_never_cut_back(
    bars: list[Bar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indicator_set, "TRIM_EVERY_BARS", 1_000_000)
    need = empty_set()
    need.ema(5)
    kept = []
    for bar in bars[:100]:
        need.update(bar)
        kept.append(numbers_kept(need))

    assert kept[-1] - kept[0] == 99 * 6  # five fields and the EMA


@every_request
def test_equal_requests_share_one_indicator(request_: Request) -> None:
    need = empty_set()
    first, names = request_.ask(need, 2), need.names()
    second = request_.ask(need, 5)

    assert need.names() == names
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_different_requests_share_nothing() -> None:
    need = empty_set()
    asked = {request.name: request.ask(need, 2) for request in EVERY}

    for one, other in combinations(asked, 2):
        assert not {id(series) for series in asked[one]} & {id(series) for series in asked[other]}, (one, other)


def test_parts_are_shared_with_those_who_ask_for_them() -> None:
    need = empty_set()
    need.macd_histogram(12, 26, 9)
    need.adx(14)
    need.volume_ratio(20)
    need.ichimoku(9, 26, 52, 26)
    names = need.names()
    need.ema(12), need.ema(26), need.atr(14), need.sma(20, "volume"), need.highest("high", 26), need.lowest("low", 52)

    assert need.names() == names


def test_fields_are_the_bars_own_as_deep_as_asked(bars: list[Bar]) -> None:
    need = empty_set()
    closes, volumes = need.field("close", 50), need.field("volume")
    for i, bar in enumerate(bars[:200]):
        need.update(bar)
        seen = bars[max(0, i - 49) : i + 1]
        assert closes[-len(seen) :] == [one.close for one in seen]
        assert volumes[-1] == bar.volume


@pytest.mark.parametrize("refused", [("update", 1.0), ("remove",), ("purge_oldest", 1)])
def test_closed_bars_are_final(refused: tuple[str, ...]) -> None:
    name, *arguments = refused

    with pytest.raises(TalippException):
        getattr(BoundedIndicator(), name)(*arguments)
