"""Bars that break naive arithmetic: every value stays undefined or finite and in its range, and nothing raises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite, isnan, nan
from random import Random
from statistics import fmean, pstdev

import pytest

from state.bar import Bar, check_bar
from state.timeframe import TIMEFRAMES
from tests.kit import Candle, bars_of, real_bars
from tests.unit.state.indicators import requests as ask
from tests.unit.state.indicators.requests import EVERY, Request, values_of

DAY = 96  # bars of 15m
SMALLEST = 5e-324
ROUNDING = 1e-13  # 100 * a / a may be above 100 in its last digit


def flat(price: float, count: int, volume: float = 1.0) -> list[Candle]:
    return [(price, price, price, price, volume)] * count


def spike(price: float) -> Candle:
    return (price, 1_000.0 * price, price / 1_000.0, 500.0 * price, 1e9)


def walk(scale: float, volume: float, count: int = 600) -> list[Candle]:
    """Random candles between 1 and 9 times `scale`."""
    random = Random(7)
    candles, close = [], 5.0
    for _ in range(count):
        open_, close = close, min(9.0, max(1.0, close + random.uniform(-0.5, 0.5)))
        high, low = max(open_, close) + random.uniform(0.0, 0.1), min(open_, close) - random.uniform(0.0, 0.1)
        prices = [price * scale for price in (open_, high, low, close)]
        candles.append((prices[0], prices[1], prices[2], prices[3], volume * random.randrange(10)))
    return candles


def real(count: int) -> list[Candle]:
    return [(bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in real_bars("BTCUSDT")[:count]]


def steps(unit: float) -> list[Candle]:
    """Prices of few units each, in which hardly a quotient is exact."""
    random = Random(3)
    candles = []
    for _ in range(600):
        low = random.randrange(1, 9)
        high = low + random.randrange(5)
        open_, close = random.randint(low, high), random.randint(low, high)
        candles.append((open_ * unit, high * unit, low * unit, close * unit, random.randrange(3) * unit))
    return candles


def quiet_then_back(count: int) -> list[Candle]:
    """Bars as usual, then without a trade at the last close, then as usual again."""
    candles = real(700)
    close = candles[299][3]
    return candles[:300] + flat(close, count, 0.0) + candles[300:]


HARD: dict[str, Callable[[], list[Candle]]] = {
    "flat": lambda: flat(100.1, 600),
    "flat, nothing traded": lambda: flat(0.1, 600, 0.0),
    "flat after a spike": lambda: [*real(300), spike(67_000.1), *flat(67_000.1, 600)],
    "flat after a spike from the start": lambda: [spike(0.07), *flat(0.07, 600)],
    "nothing traded for more than a day": lambda: [(*candle[:4], 0.0) for candle in real(300)],
    "nothing traded for more than a day in between": lambda: quiet_then_back(2 * DAY + 5),
    "an hour without a trade": lambda: quiet_then_back(4),
    "one trade in a day": lambda: [*flat(3.3, DAY, 0.0), (3.3, 3.3, 3.3, 3.3, 1.0), *flat(3.3, 5 * DAY, 0.0)],
    "tiny prices": lambda: walk(1e-300, 1e-300),
    "the tiniest prices": lambda: walk(SMALLEST * 4, SMALLEST),
    "steps of the smallest number": lambda: steps(SMALLEST),
    "steps of a tick": lambda: steps(1e-8),
    "huge prices": lambda: walk(1e150, 1e150),
    "tiny prices, huge volumes": lambda: walk(1e-150, 1e300),
    "huge prices, tiny volumes": lambda: walk(1e150, SMALLEST),
    "up only": lambda: [(float(i), float(i + 1), float(i), float(i + 1), 1.0) for i in range(1, 600)],
    "down only": lambda: [(float(i + 1), float(i + 1), float(i), float(i), 1.0) for i in range(600, 1, -1)],
}

every_request = pytest.mark.parametrize("request_", EVERY, ids=[request.name for request in EVERY])
every_hard = pytest.mark.parametrize("hard", HARD.values(), ids=HARD)


def only(request: Request, bars: Iterable[Bar]) -> list[float]:
    """The values of a request for one series."""
    return [value for (value,) in values_of(request, bars)]


def hard_bars(candles: list[Candle]) -> list[Bar]:
    bars = bars_of(candles)
    for bar in bars:
        check_bar(bar, TIMEFRAMES["15m"])
    return bars


@every_request
@every_hard
def test_every_value_is_undefined_or_finite(request_: Request, hard: Callable[[], list[Candle]]) -> None:
    values = values_of(request_, hard_bars(hard()))

    assert [(i, row) for i, row in enumerate(values) if not all(isnan(v) or isfinite(v) for v in row)][:3] == []


@every_hard
@pytest.mark.parametrize(
    "request_", [ask.rsi(2), ask.rsi(14), ask.adx(1), ask.adx(3), ask.adx(14)], ids=lambda request: request.name
)
def test_oscillators_stay_between_0_and_100(request_: Request, hard: Callable[[], list[Candle]]) -> None:
    values = only(request_, hard_bars(hard()))[request_.warm_on[0] - 1 :]

    assert len(values) > 200
    assert [(i, value) for i, value in enumerate(values) if not 0.0 <= value <= 100.0 + ROUNDING][:3] == []


@every_hard
@pytest.mark.parametrize("request_", [ask.bollinger(2, 0.5), ask.bollinger(20, 2.0)], ids=lambda request: request.name)
def test_bands_lie_in_order_around_the_window(request_: Request, hard: Callable[[], list[Candle]]) -> None:
    bars, n = hard_bars(hard()), request_.warm_on[0]
    values = values_of(request_, bars)[n - 1 :]
    closes = [bar.close for bar in bars]

    assert len(values) > 200
    for i, (lower, middle, upper) in enumerate(values):
        window = closes[i : i + n]
        slack = max(window) * 1e-12 + SMALLEST
        assert lower <= middle <= upper
        assert min(window) - slack <= middle <= max(window) + slack
        if min(window) == max(window):
            assert (lower, middle, upper) == (window[0],) * 3


BAND_PERIOD = 20
PLACES = range(60, 60 + BAND_PERIOD)


def after_a_move(place: int, price: float, factor: float) -> list[Bar]:
    """Flat bars, one with a close `factor` times as high at the index `place`, flat bars again."""
    return hard_bars([*flat(price, place), *flat(price * factor, 1), *flat(price, 4 * BAND_PERIOD)])


@pytest.mark.parametrize("factor", [0.5, 0.999, 1.1, 500.0])
@pytest.mark.parametrize("price", [67_000.1, 1.1, 0.07])
def test_bands_collapse_onto_a_flat_window_wherever_the_move_before_it_lies(price: float, factor: float) -> None:
    for place in PLACES:
        values = values_of(ask.bollinger(BAND_PERIOD, 2.0), after_a_move(place, price, factor))
        flat_windows = values[place + BAND_PERIOD :]
        assert len(flat_windows) > 2 * BAND_PERIOD
        assert set(flat_windows) == {(price,) * 3}, f"move at bar {place}"


@pytest.mark.parametrize("factor", [0.5, 1.1, 500.0])
@pytest.mark.parametrize("n", [2, 3, BAND_PERIOD])
def test_bands_keep_their_digits_wherever_a_move_lies(n: int, factor: float) -> None:
    for place in PLACES:
        candles = real(place + 2 * n)
        candles[place] = flat(candles[place][3] * factor, 1)[0]
        closes = [candle[3] for candle in candles]
        values = values_of(ask.bollinger(n, 2.0), hard_bars(candles))
        for i in range(place + 1, len(closes)):
            window = closes[i - n + 1 : i + 1]
            middle, width = fmean(window), 2.0 * pstdev(window)
            expected = (middle - width, middle, middle + width)
            assert values[i] == pytest.approx(expected, rel=1e-9, abs=0.0), f"move at bar {place}, bands at bar {i}"


@every_hard
@pytest.mark.parametrize(
    ("top", "bottom"), [(ask.highest(20), ask.lowest(20)), (ask.highest_so_far(252), ask.lowest_so_far(252))]
)
def test_the_highest_is_never_below_the_lowest(top: Request, bottom: Request, hard: Callable[[], list[Candle]]) -> None:
    bars = hard_bars(hard())
    pairs = list(zip(only(top, bars), only(bottom, bars), bars, strict=True))[top.warm_on[0] - 1 :]

    assert len(pairs) > 200
    assert all(highest >= bar.high >= bar.low >= lowest for highest, lowest, bar in pairs)


@every_hard
@pytest.mark.parametrize("request_", [ask.atr(1), ask.atr(14)], ids=lambda request: request.name)
def test_a_true_range_is_never_negative(request_: Request, hard: Callable[[], list[Candle]]) -> None:
    values = only(request_, hard_bars(hard()))[request_.warm_on[0] - 1 :]

    assert len(values) > 200
    assert min(values) >= 0.0


@every_hard
@pytest.mark.parametrize("request_", [ask.ema(21), ask.sma(20)], ids=lambda request: request.name)
def test_a_mean_lies_between_the_lowest_and_the_highest_close(
    request_: Request, hard: Callable[[], list[Candle]]
) -> None:
    bars = hard_bars(hard())
    closes = [bar.close for bar in bars]
    values = only(request_, bars)[request_.warm_on[0] - 1 :]

    assert len(values) > 200
    slack = max(closes) * 1e-12 + 20 * SMALLEST
    assert min(closes) - slack <= min(values)
    assert max(values) <= max(closes) + slack


def test_the_mean_of_no_volume_is_exactly_zero_and_the_ratio_undefined() -> None:
    bars = hard_bars([*real(300), *flat(67_000.1, 3 * DAY, 0.0)])

    assert only(ask.volume_sma(20), bars)[319:] == [0.0] * (3 * DAY - 19)
    assert only(ask.bought_volume_sma(10), bars)[309:] == [0.0] * (3 * DAY - 9)
    assert all(isnan(value) for value in only(ask.volume_ratio(20), bars)[319:])
    assert only(ask.volume_ratio(20), bars)[318] == 0.0


def test_vwap_is_undefined_until_something_is_traded_that_day() -> None:
    day = [*flat(9.0, 10, 0.0), (1.0, 4.0, 1.0, 1.0, 5.0), *flat(5.0, 2, 5.0), *flat(7.0, DAY - 13, 0.0)]

    values = only(ask.vwap(), hard_bars([*day, *day]))

    expected = [nan] * 10 + [2.0, 3.5, 4.0] + [4.0] * (DAY - 13)
    assert list(map(repr, values)) == list(map(repr, expected * 2))


def test_a_volume_ratio_is_at_most_its_period() -> None:
    bars = hard_bars([*flat(5.0, 30, 0.0), (5.0, 5.0, 5.0, 5.0, 12.0), *flat(5.0, 30, 0.0)])

    assert only(ask.volume_ratio(20), bars)[30:50] == [20.0, *[0.0] * 19]
    assert isnan(only(ask.volume_ratio(20), bars)[50])


def test_half_of_the_volume_is_bought_where_the_price_stands() -> None:
    bars = hard_bars([(4.0, 8.0, 4.0, 7.0, 10.0), (5.0, 5.0, 5.0, 5.0, 10.0), (4.0, 8.0, 4.0, 4.0, 10.0)])

    assert only(ask.bought_volume_sma(1), bars) == [7.5, 5.0, 0.0]
