"""One key's bars as arrays, with every indicator computed at most once."""

import csv
import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from tests.oracle import indicators
from tests.oracle.arrays import Floats, Ints, floats, mean, ratio
from tests.oracle.indicators import Bands, Cloud, HigherBars

T = TypeVar("T")


class Market:
    """Closed bars of one symbol and timeframe, oldest first, in the letters of the definitions.

    Times are open times in milliseconds since the Unix epoch; `span_ms` is the timeframe's length.
    """

    def __init__(
        self,
        open_time_ms: npt.ArrayLike,
        open_: npt.ArrayLike,
        high: npt.ArrayLike,
        low: npt.ArrayLike,
        close: npt.ArrayLike,
        volume: npt.ArrayLike,
        span_ms: int,
    ) -> None:
        """Take one value per bar for each array."""
        self.open_time_ms: Ints = np.asarray(open_time_ms, dtype=np.int64)
        self.O, self.H, self.L, self.C = floats(open_), floats(high), floats(low), floats(close)
        self.V = floats(volume)
        self.span_ms = span_ms
        self.body = np.abs(self.C - self.O)
        self.range = self.H - self.L
        self.lower = np.minimum(self.O, self.C) - self.L
        self.upper = self.H - np.maximum(self.O, self.C)
        self._computed: dict[tuple[str | float, ...], object] = {}

    def __len__(self) -> int:
        """Return the number of bars."""
        return len(self.C)

    def _once(self, key: tuple[str | float, ...], compute: Callable[[], T]) -> T:
        if key not in self._computed:
            self._computed[key] = compute()
        return self._computed[key]  # type: ignore[return-value]

    def ema(self, n: int) -> Floats:
        """EMA of closes."""
        return self._once(("ema", n), lambda: indicators.ema(self.C, n))

    def sma(self, n: int) -> Floats:
        """Mean of closes."""
        return self._once(("sma", n), lambda: mean(self.C, n))

    def vsma(self, n: int) -> Floats:
        """Mean of volume."""
        return self._once(("vsma", n), lambda: mean(self.V, n))

    def volume_ratio(self, n: int) -> Floats:
        """V / VSMA(n), undefined where VSMA(n) is 0."""
        return ratio(self.V, self.vsma(n))

    def rsi(self, n: int) -> Floats:
        """RSI of closes, 0..100."""
        return self._once(("rsi", n), lambda: indicators.rsi(self.C, n))

    def atr(self, n: int = 14) -> Floats:
        """Average true range, in price units."""
        return self._once(("atr", n), lambda: indicators.atr(self.H, self.L, self.C, n))

    def adx(self, n: int) -> Floats:
        """Average directional index, 0..100."""
        return self._once(("adx", n), lambda: indicators.adx(self.H, self.L, self.C, n))

    def macd_hist(self, fast: int, slow: int, signal: int) -> Floats:
        """MACD histogram of closes."""
        return self._once(("hist", fast, slow, signal), lambda: indicators.macd_hist(self.C, fast, slow, signal))

    def bb(self, n: int, k: float) -> Bands:
        """Bollinger Bands of closes."""
        return self._once(("bb", n, k), lambda: indicators.bollinger(self.C, n, k))

    def ichimoku(self, tenkan: int, kijun: int, senkou_b: int, displacement: int) -> Cloud:
        """Ichimoku lines and the cloud over each bar."""
        periods = (tenkan, kijun, senkou_b, displacement)
        return self._once(("ichimoku", *periods), lambda: indicators.ichimoku(self.H, self.L, *periods))

    def vwap(self) -> Floats:
        """VWAP since 00:00 UTC."""
        return self._once(("vwap",), lambda: indicators.vwap(self.open_time_ms, self.H, self.L, self.C, self.V))

    def _higher_bars(self, multiplier: int) -> HigherBars:
        return self._once(
            ("higher_bars", multiplier),
            lambda: indicators.higher_bars(self.open_time_ms, self.C, self.span_ms, multiplier),
        )

    def higher_close(self, multiplier: int) -> Floats:
        """Close of the latest completed higher bar."""
        bars = self._higher_bars(multiplier)
        return self._once(("higher_close", multiplier), lambda: indicators.spread(bars, bars.close, len(self)))

    def higher_ema(self, multiplier: int, n: int) -> Floats:
        """EMA over the closes of completed higher bars."""
        bars = self._higher_bars(multiplier)
        return self._once(
            ("higher_ema", multiplier, n),
            lambda: indicators.spread(bars, indicators.ema(bars.close, n), len(self)),
        )


def _milliseconds(time: str) -> int:
    return int(datetime.strptime(time, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1000


def read_market(path: Path) -> Market:
    """Read a CSV (also .gz) of time, open, high, low, close, volume; times are UTC open times.

    The timeframe is the smallest distance between two bars.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    times = np.asarray([_milliseconds(row["time"]) for row in rows], dtype=np.int64)
    o, h, lo, c, v = ([float(row[name]) for row in rows] for name in ("open", "high", "low", "close", "volume"))
    return Market(times, o, h, lo, c, v, span_ms=int(np.min(np.diff(times))))
