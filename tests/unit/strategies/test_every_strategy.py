"""What holds for every strategy, whatever its parameters and whatever the bars."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from state.bar import Bar, check_bar
from state.indicator_set import IndicatorSet
from state.timeframe import TIMEFRAMES, Timeframe
from strategies.configuration import EngineSettings
from strategies.registry import STRATEGIES
from strategies.setup import Setup
from tests.kit import Candle

SMALLEST, LARGEST = 5e-324, 1e300
SMALL_PERIOD = 9
MIN_CONFIDENCE = EngineSettings().min_confidence

# The same examples in every run: what fails once fails again.
repeatable = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


@st.composite
def parameter_sets(draw: st.DrawFn, strategy_id: str) -> dict[str, float]:
    """Values inside the ranges, in the order they must have; periods are mostly small."""
    model = STRATEGIES[strategy_id].parameters
    values: dict[str, float] = {}
    for name, field in model.model_fields.items():
        limits = {type(limit).__name__: limit for limit in field.metadata}
        low, high = limits["Ge"].ge, limits["Le"].le
        if field.annotation is int:
            small = st.integers(low, min(high, SMALL_PERIOD))
            values[name] = draw(st.one_of(small, small, small, small, st.integers(low, high)))
        else:
            values[name] = draw(st.one_of(st.just(field.default), st.floats(low, high)))
    for names in (*model.ORDERED, *model.AT_MOST):
        values |= zip(names, sorted(values[name] for name in names), strict=True)
    assume(all(values[low] < values[high] for names in model.ORDERED for low, high in pairwise(names)))
    return values


def walk(random: Random, length: int, price: float, volatility: float, volume: float) -> Iterator[Candle]:
    """A walk of `length` bars from `price`, in steps that are a share `volatility` of it at most; some do not trade."""
    close = price
    for _ in range(length):
        open_, close = close, min(max(close * (1.0 + random.uniform(-volatility, volatility)), SMALLEST), LARGEST)
        shadows = [random.choice((0.0, volatility)) * random.random() for _ in range(2)]
        high, low = max(open_, close) * (1.0 + shadows[0]), min(open_, close) * max(1.0 - shadows[1], 0.0)
        traded = random.choice((0.0, 1.0, 1.0, 10.0)) * random.random() * volume
        yield open_, min(high, LARGEST), max(low, SMALLEST), close, traded


def scattered(random: Random, length: int) -> Iterator[Candle]:
    """Prices and volumes of any magnitude, one beside the other."""
    for _ in range(length):
        prices = sorted(max(SMALLEST, 10.0 ** random.uniform(-323.0, 300.0)) for _ in range(4))
        low, *body, high = prices
        random.shuffle(body)
        yield body[0], high, low, body[1], 10.0 ** random.uniform(-323.0, 300.0)


PRICES = st.one_of(
    st.floats(1e-12, 1e15),
    st.floats(1.0, 1e6),
    st.sampled_from((SMALLEST, 1e-300, 1e-12, 1.0, 100.0, 1e15, LARGEST)),
)
VOLUMES = st.sampled_from((0.0, SMALLEST, 1e-12, 1.0, 1e15, LARGEST))


@st.composite
def odd_candles(draw: st.DrawFn) -> Candle:
    """One candle of a few numbers, which makes equal ones likely."""
    low, *body, high = sorted(draw(st.lists(PRICES, min_size=4, max_size=4)))
    open_, close = draw(st.permutations(body))
    return open_, high, low, close, draw(VOLUMES)


@st.composite
def stretches(draw: st.DrawFn) -> list[Candle]:
    """Some candles of one kind."""
    random = Random(draw(st.integers(0, 2**32)))
    length = draw(st.one_of(st.integers(1, 70), st.integers(1, 70), st.just(520)))
    kind = draw(st.sampled_from(("walk", "walk", "walk", "flat", "scattered", "odd")))
    if kind == "flat":
        price = draw(PRICES)
        return [(price, price, price, price, draw(VOLUMES))] * length
    if kind == "scattered":
        return list(scattered(random, min(length, 70)))
    if kind == "odd":
        return draw(st.lists(odd_candles(), min_size=1, max_size=5))
    volatility = draw(st.sampled_from((1e-15, 1e-4, 1e-2, 0.1, 0.99)))
    return list(walk(random, length, draw(PRICES), volatility, draw(VOLUMES)))


def timed(random: Random, timeframe: Timeframe, candles: list[Candle], gaps: float) -> Iterator[Bar]:
    """The candles one after the other, with bars missing before a share `gaps` of them."""
    open_time_ms = 0 if timeframe.is_aligned(0) else 4 * TIMEFRAMES["1d"].span_ms
    for candle in candles:
        for _ in range(random.randrange(50) if random.random() < gaps else 0):
            open_time_ms = timeframe.close_ms(open_time_ms)
        yield Bar(open_time_ms, *candle)
        open_time_ms = timeframe.close_ms(open_time_ms)


@st.composite
def markets(draw: st.DrawFn) -> tuple[Timeframe, list[Bar]]:
    """A timeframe and possible bars of it."""
    timeframe = TIMEFRAMES[draw(st.sampled_from(sorted(TIMEFRAMES)))]
    candles = [candle for stretch in draw(st.lists(stretches(), min_size=1, max_size=3)) for candle in stretch]
    random, gaps = Random(draw(st.integers(0, 2**32))), draw(st.sampled_from((0.0, 0.0, 0.05, 0.5)))
    bars = list(timed(random, timeframe, candles, gaps))
    for bar in bars:
        check_bar(bar, timeframe)
    return timeframe, bars


def answers(
    strategy_id: str, parameters: dict[str, Any], timeframe: Timeframe, bars: list[Bar]
) -> Iterator[tuple[Setup | None, dict[str, float]]]:
    """What a strategy says on every bar, and the values it gives as a reason."""
    kind = STRATEGIES[strategy_id]
    need = IndicatorSet(timeframe)
    strategy = kind(kind.parameters(**parameters), need)
    for bar in bars:
        need.update(bar)
        yield strategy.setup(), strategy.indicators()


def holds(setup: Setup | None) -> bool:
    return setup is not None and setup.confidence >= MIN_CONFIDENCE and setup.makes_sense()


def check_sides(setup: Setup) -> None:
    """Neither stop nor target is on the wrong side, although one may lie on the price, or be undefined."""
    if setup.action == "hold":
        assert (setup.stop, setup.target) == (None, None)
        return
    assert setup.stop is not None
    assert setup.target is not None
    low, high = (setup.stop, setup.target) if setup.action == "buy" else (setup.target, setup.stop)
    assert not low > setup.price
    assert not high < setup.price


def check_levels(setup: Setup) -> None:
    """All numbers are finite, and a trade's stop and target lie apart from the price."""
    assert isfinite(min(1.0, max(0.0, setup.confidence)))
    assert isfinite(setup.price)
    assert setup.price > 0.0
    if setup.action == "hold":
        return
    assert setup.stop is not None
    assert setup.target is not None
    assert isfinite(setup.stop)
    assert isfinite(setup.target)
    assert min(setup.stop, setup.target) > 0.0
    if setup.action == "buy":
        assert setup.stop < setup.price < setup.target
    else:
        assert setup.target < setup.price < setup.stop


@pytest.mark.parametrize("strategy_id", STRATEGIES)
@settings(repeatable, max_examples=30)
@given(data=st.data())
def test_no_bars_and_parameters_break_it(strategy_id: str, data: st.DataObject) -> None:
    parameters, (timeframe, bars) = data.draw(parameter_sets(strategy_id)), data.draw(markets())
    for setup, values in answers(strategy_id, parameters, timeframe, bars):
        assert all(isfinite(value) for value in values.values())
        if setup is None:
            continue
        check_sides(setup)
        if holds(setup):
            check_levels(setup)


@pytest.mark.parametrize("strategy_id", STRATEGIES)
@settings(repeatable, max_examples=4)
@given(data=st.data())
def test_says_the_same_on_the_same_bars(strategy_id: str, data: st.DataObject) -> None:
    parameters, (timeframe, bars) = data.draw(parameter_sets(strategy_id)), data.draw(markets())
    first, second = (list(answers(strategy_id, parameters, timeframe, bars)) for _ in range(2))
    assert repr(first) == repr(second)  # where even undefined values are equal


@pytest.mark.parametrize("strategy_id", STRATEGIES)
def test_holds_somewhere_on_a_walk(strategy_id: str) -> None:
    timeframe = TIMEFRAMES["15m"]
    bars = list(timed(Random(1), timeframe, list(walk(Random(2), 2000, 100.0, 0.01, 1000.0)), 0.0))
    assert any(holds(setup) for setup, _ in answers(strategy_id, {}, timeframe, bars))
