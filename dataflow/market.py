"""A synthetic market for the demo: seeded candles that look like a market's, of symbols that plainly are none.

Bars are the same bit by bit for a seed on every platform: the walk uses nothing but `random.Random.random()`,
whose sequence Python guarantees, arithmetic and the square root, and goes on from prices rounded to the symbol's tick.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import sqrt
from pathlib import Path
from random import Random
from typing import NamedTuple

from operators.times import format_time
from state.bar import Bar
from state.errors import StopProgram
from state.timeframe import DAY_MS, HOUR_MS, TIMEFRAMES

START_MS = 1_704_067_200_000
"""The open time of the first bar: 2024-01-01 UTC."""

DAYS = 120
SEED = 7

_QUARTER_MS = TIMEFRAMES["15m"].span_ms
_QUARTERS = HOUR_MS // _QUARTER_MS


class SyntheticSymbol(NamedTuple):
    """What tells one synthetic symbol from another.

    `volatility` is the typical standard deviation of a 15m return, `volume` the typical volume of a 15m bar in the
    base currency. Prices and volumes are rounded to their decimals.
    """

    name: str
    start_price: float
    volatility: float
    volume: float
    price_decimals: int
    volume_decimals: int


SYNTHETIC_SYMBOLS = {
    symbol.name: symbol
    for symbol in (
        SyntheticSymbol("SYNTHAUSDT", 40_000.0, 0.0025, 400.0, 1, 3),
        SyntheticSymbol("SYNTHBUSDT", 2_500.0, 0.0035, 5_000.0, 2, 2),
        SyntheticSymbol("SYNTHCUSDT", 1.25, 0.0045, 900_000.0, 5, 0),
    )
}
"""The symbols of the market by name."""


class _Regime(NamedTuple):
    """How the market behaves for a while: on average for `bars` bars.

    `drift` is the mean return of a bar in typical volatilities, `volatility` and `volume` are multiples of the typical
    ones, `pull` is the share of the distance from the price at the regime's start that a bar takes back.
    `then` weighs what follows.
    """

    drift: float
    volatility: float
    volume: float
    bars: int
    pull: float
    then: dict[str, int]


_REGIMES = {
    "trend up": _Regime(0.13, 0.95, 1.1, 90, 0.0, {"range": 4, "squeeze": 2, "trend down": 2, "panic": 2}),
    "trend down": _Regime(-0.13, 1.05, 1.1, 80, 0.0, {"range": 4, "squeeze": 2, "trend up": 2, "panic": 1}),
    "range": _Regime(0.0, 0.9, 0.9, 110, 0.04, {"trend up": 3, "trend down": 3, "squeeze": 3}),
    # What was compressed breaks out.
    "squeeze": _Regime(0.0, 0.4, 0.6, 50, 0.02, {"trend up": 4, "trend down": 3, "panic": 1}),
    "panic": _Regime(-0.6, 2.2, 2.5, 8, 0.0, {"trend up": 2, "range": 2, "trend down": 1}),
}
_FIRST_REGIME = "range"

# The walk is drawn back to the start price by this share of the distance per bar, lest trends add up for ever.
_HOME_PULL = 0.0003

# GARCH(1,1) around the regime's variance: calm and wild bars come in clusters.
_NEW_WEIGHT, _OLD_WEIGHT = 0.20, 0.72
_MAX_VARIANCE = 20.0  # in typical ones

# A bar in so many brings news: it moves and trades this much more.
_NEWS_CHANCE, _NEWS_VOLATILITY, _NEWS_VOLUME = 1 / 100, 3.0, 1.5

# Steps of the walk inside a bar. The prices seen there swing around the walk, by this share of the bar's standard
# deviation, and so leave wicks. The typical range is in standard deviations too.
_STEPS, _SWING = 6, 0.32
_TYPICAL_RANGE = 1.5

# Volume by the hour of the day, UTC, as a multiple of the day's mean: most when both Europe and America are awake.
_CYCLE = (
    *(0.86, 0.82, 0.80, 0.76, 0.72, 0.70, 0.74, 0.84, 0.94, 0.98, 0.96, 0.94),
    *(1.02, 1.22, 1.46, 1.50, 1.42, 1.30, 1.18, 1.10, 1.02, 0.96, 0.90, 0.86),
)


def synthetic_bars(symbol: str, *, days: int = DAYS, seed: int = SEED) -> Iterator[Bar]:
    """The 15m bars of one of `SYNTHETIC_SYMBOLS`, oldest first and without gaps, from `START_MS` on.

    More days go on where fewer end.

    Raises:
        StopProgram: there is no such symbol, or `days` is below 1.

    >>> sum(1 for _ in synthetic_bars("SYNTHAUSDT", days=2))
    192
    """
    found = SYNTHETIC_SYMBOLS.get(symbol)
    if found is None:
        raise StopProgram(f"unknown synthetic symbol {symbol!r}: expected one of {', '.join(SYNTHETIC_SYMBOLS)}")
    if days < 1:
        raise StopProgram(f"days: expected at least 1, got {days}")
    walk = _Walk(found, Random(f"{seed} {symbol}"))
    return map(walk.next_bar, range(START_MS, START_MS + days * DAY_MS, _QUARTER_MS))


def hourly_bars(bars: Iterable[Bar], *, volume_decimals: int = 8) -> Iterator[Bar]:
    """The 1h bars that 15m `bars` add up to, which must be whole hours without gaps; volumes are rounded."""
    quarters = iter(bars)
    for hour in zip(*[quarters] * _QUARTERS, strict=True):
        yield Bar(
            hour[0].open_time_ms,
            hour[0].open,
            max(bar.high for bar in hour),
            min(bar.low for bar in hour),
            hour[-1].close,
            round(sum(bar.volume for bar in hour), volume_decimals),
        )


def write_market(folder: Path, *, days: int = DAYS, seed: int = SEED) -> list[Path]:
    """Write the 15m and 1h bars of all synthetic symbols to CSV files such as `SYNTHAUSDT-15m.csv` in `folder`.

    The folder is made where there is none; files of the same names are replaced. The files are the same byte by byte
    for the same `days` and `seed`.

    Raises:
        StopProgram: `days` is below 1, or a file cannot be written.
    """
    written = []
    for symbol in SYNTHETIC_SYMBOLS.values():
        quarters = list(synthetic_bars(symbol.name, days=days, seed=seed))
        hours = hourly_bars(quarters, volume_decimals=symbol.volume_decimals)
        written.append(_write(folder / f"{symbol.name}-15m.csv", quarters, symbol))
        written.append(_write(folder / f"{symbol.name}-1h.csv", hours, symbol))
    return written


def _write(path: Path, bars: Iterable[Bar], symbol: SyntheticSymbol) -> Path:
    price, volume = f".{symbol.price_decimals}f", f".{symbol.volume_decimals}f"
    rows = ["time,open,high,low,close,volume"]
    rows += [
        f"{format_time(bar.open_time_ms)},{bar.open:{price}},{bar.high:{price}},{bar.low:{price}},{bar.close:{price}},"
        f"{bar.volume:{volume}}"
        for bar in bars
    ]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("\n".join([*rows, ""]).encode())
    except OSError as error:
        raise StopProgram(f"{path}: cannot be written: {error.strerror or error}") from error
    return path


class _Walk:
    """One symbol's walk through the regimes. Returns and variances are in the symbol's typical ones."""

    def __init__(self, symbol: SyntheticSymbol, random: Random) -> None:
        self.symbol = symbol
        self.uniform = random.random
        self.price = symbol.start_price
        self.variance = 1.0
        self.regime = _REGIMES[_FIRST_REGIME]
        self.regime_price = self.price

    def next_bar(self, open_time_ms: int) -> Bar:
        symbol, open_ = self.symbol, self.price
        if self.uniform() * self.regime.bars < 1.0:
            self.regime, self.regime_price = _REGIMES[self._next_regime()], open_
        news = self.uniform() < _NEWS_CHANCE
        deviation = sqrt(self.variance) * (_NEWS_VOLATILITY if news else 1.0)
        prices = self._path(deviation)
        high, low, close = (round(price, symbol.price_decimals) for price in (max(prices), min(prices), prices[-1]))
        self._remember((close / open_ - 1.0) / symbol.volatility)
        spread = (high - low) / open_ / symbol.volatility / _TYPICAL_RANGE
        volume = self._volume(spread, open_time_ms) * (_NEWS_VOLUME if news else 1.0)
        self.price = close
        return Bar(open_time_ms, open_, high, low, close, round(volume, symbol.volume_decimals))

    def _next_regime(self) -> str:
        then = self.regime.then
        mark = self.uniform() * sum(then.values())
        for name, weight in then.items():
            mark -= weight
            if mark < 0.0:
                return name
        return _FIRST_REGIME

    def _path(self, deviation: float) -> list[float]:
        """The prices inside a bar, from its open to its close, for a standard deviation of its return."""
        price, volatility, normal = self.price, self.symbol.volatility, self._normal
        mean, step = self._mean() * volatility / _STEPS, deviation * volatility / sqrt(_STEPS)
        swing = deviation * volatility * _SWING
        path = [price]
        for _ in range(_STEPS):
            path.append(price * (1.0 + swing * normal()))
            price *= 1.0 + mean + step * normal()
        return [*path, price]

    def _mean(self) -> float:
        regime, price, volatility = self.regime, self.price, self.symbol.volatility
        from_regime = (price / self.regime_price - 1.0) / volatility
        from_home = (price / self.symbol.start_price - 1.0) / volatility
        return regime.drift - regime.pull * from_regime - _HOME_PULL * from_home

    def _normal(self) -> float:
        """Close to a standard normal number, within ±3.5: the sum of four uniform ones."""
        uniform = self.uniform
        return (uniform() + uniform() + uniform() + uniform() - 2.0) * 1.7320508075688772

    def _remember(self, change: float) -> None:
        usual = self.regime.volatility * self.regime.volatility
        variance = (1.0 - _NEW_WEIGHT - _OLD_WEIGHT) * usual + _NEW_WEIGHT * change * change
        self.variance = min(_MAX_VARIANCE, variance + _OLD_WEIGHT * self.variance)

    def _volume(self, spread: float, open_time_ms: int) -> float:
        """Volume grows with the bar's range; `spread` is that in typical ones."""
        luck = 0.6 + 1.6 * self.uniform() * self.uniform()
        cycle = _CYCLE[open_time_ms // HOUR_MS % 24]
        return self.symbol.volume * self.regime.volume * cycle * luck * (0.15 + 0.85 * spread)
