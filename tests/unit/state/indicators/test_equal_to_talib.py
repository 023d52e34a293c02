"""The indicators that TA-Lib has too, against TA-Lib, after every bar of a year.

Windows have no memory, and an EMA starts with the mean of its first values in TA-Lib as well: these are equal from
their first value on. The others are seeded differently: TA-Lib's MACD starts its fast EMA late, its RSI, ATR and ADX
take their first means over other bars. What is left of a difference in the seed shrinks by a factor per bar, for an
EMA ``1 - 2/(n+1)`` and for Wilder's smoothing ``1 - 1/n``; these are compared once that is below 1e-12, so that even a
difference as large as the value does not show. MACD and ADX smooth what is smoothed already, which takes twice as long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, log

import numpy as np
import numpy.typing as npt
import pytest
import talib

from state.bar import Bar
from tests.kit import real_bars
from tests.unit.state.indicators import requests as ask
from tests.unit.state.indicators.requests import Request, values_of

TOLERANCE = 1e-9
NOTHING_LEFT = 1e-12
SYMBOLS = ("BTCUSDT", "1000SHIBUSDT")  # prices near 100,000 and near 0.01

Floats = npt.NDArray[np.float64]


class Columns:
    """Bars as arrays."""

    def __init__(self, bars: Sequence[Bar]) -> None:
        _, self.open, self.high, self.low, self.close, self.volume = np.array(bars, dtype=np.float64).T.copy()


Reference = Callable[[Columns], Sequence[Floats]]


def ema_bars(n: int) -> int:
    """How many bars until nothing is left of an EMA's seed."""
    return ceil(log(NOTHING_LEFT) / log(1.0 - 2.0 / (n + 1.0)))


def wilder_bars(n: int) -> int:
    """How many bars until nothing is left of the seed of Wilder's smoothing."""
    return ceil(log(NOTHING_LEFT) / log(1.0 - 1.0 / n))


def bands(closes: Floats, n: int, width: float) -> Sequence[Floats]:
    """TA-Lib's deviation is the population's; its bands come in the other order."""
    upper, middle, lower = talib.BBANDS(closes, n, width, width)
    return lower, middle, upper


FROM_THE_FIRST: list[tuple[Request, Reference]] = [
    *[(ask.ema(n), lambda c, n=n: [talib.EMA(c.close, n)]) for n in (8, 9, 12, 20, 21, 26, 30, 50, 80, 200)],
    *[(ask.sma(n), lambda c, n=n: [talib.SMA(c.close, n)]) for n in (10, 20, 33)],
    *[(ask.volume_sma(n), lambda c, n=n: [talib.SMA(c.volume, n)]) for n in (5, 10, 20)],
    *[(ask.bollinger(*p), lambda c, p=p: bands(c.close, *p)) for p in ((20, 2.0), (2, 0.5), (17, 3.0))],
    *[(ask.highest(n), lambda c, n=n: [talib.MAX(c.high, n)]) for n in (2, 10, 20, 252)],
    *[(ask.lowest(n), lambda c, n=n: [talib.MIN(c.low, n)]) for n in (2, 10, 20, 252)],
    (ask.highest_volume(3), lambda c: [talib.MAX(c.volume, 3)]),
]

ONCE_WARM: list[tuple[Request, Reference, int]] = [
    *[(ask.rsi(n), lambda c, n=n: [talib.RSI(c.close, n)], wilder_bars(n)) for n in (2, 7, 14)],
    *[(ask.atr(n), lambda c, n=n: [talib.ATR(c.high, c.low, c.close, n)], wilder_bars(n)) for n in (5, 14)],
    *[(ask.adx(n), lambda c, n=n: [talib.ADX(c.high, c.low, c.close, n)], 2 * wilder_bars(n)) for n in (3, 14)],
]


def ours(request: Request, symbol: str) -> Floats:
    """A row per series."""
    return np.array(values_of(request, real_bars(symbol))).T


def equal(a: Floats, b: Floats, *, scale: Floats | float = 0.0) -> bool:
    """Whether values are within the tolerance of each other, or of the scale if one is given."""
    assert len(b) > 30_000
    return bool(np.all(np.isfinite(b)) and np.all(np.abs(a - b) <= TOLERANCE * np.maximum(np.abs(b), scale)))


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("request_", "reference"), FROM_THE_FIRST, ids=[case[0].name for case in FROM_THE_FIRST])
def test_equal_from_the_first_value_on(symbol: str, request_: Request, reference: Reference) -> None:
    expected = reference(Columns(real_bars(symbol)))

    for series, theirs, warm_on in zip(ours(request_, symbol), expected, request_.warm_on, strict=True):
        assert np.all(np.isnan(series[: warm_on - 1]))
        assert np.all(np.isnan(theirs[: warm_on - 1]))
        assert equal(series[warm_on - 1 :], theirs[warm_on - 1 :])


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize(("request_", "reference", "bars"), ONCE_WARM, ids=[case[0].name for case in ONCE_WARM])
def test_equal_once_nothing_is_left_of_the_seed(
    symbol: str, request_: Request, reference: Reference, bars: int
) -> None:
    (series,), (theirs,) = ours(request_, symbol), reference(Columns(real_bars(symbol)))
    start = request_.warm_on[0] + bars

    assert equal(series[start:], theirs[start:])


@pytest.mark.parametrize("symbol", SYMBOLS)
@pytest.mark.parametrize("periods", [(12, 26, 9), (5, 7, 13)])
def test_macd_is_equal_on_the_scale_of_its_own_averages(symbol: str, periods: tuple[int, int, int]) -> None:
    """The histogram crosses zero, where a difference of prices has few digits left: 1e-9 of its usual size is asked."""
    columns = Columns(real_bars(symbol))
    (series,), theirs = ours(ask.macd(*periods), symbol), talib.MACD(columns.close, *periods)[2]
    start = ask.macd(*periods).warm_on[0] + ema_bars(periods[1]) + ema_bars(periods[2])

    assert equal(series[start:], theirs[start:], scale=float(np.mean(np.abs(theirs[start:]))))
