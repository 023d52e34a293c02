"""All indicators of one key: made on request, shared between equal requests, updated bar by bar."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from math import isnan, nan
from typing import Any, Literal, NamedTuple, TypeVar, cast

from state.bar import Bar
from state.errors import WarmUpAgain
from state.indicators.adx import ADX
from state.indicators.atr import ATR
from state.indicators.base import BoundedIndicator, Series, WindowIndicator, overlay
from state.indicators.bollinger import BollingerBands
from state.indicators.ema import EMA
from state.indicators.extremes import Highest, Lowest
from state.indicators.higher_timeframe import HigherTimeframe
from state.indicators.ichimoku import Ichimoku
from state.indicators.macd import MACD
from state.indicators.rsi import RSI
from state.indicators.sma import SMA
from state.indicators.volume import BoughtVolume, VolumeRatio
from state.indicators.vwap import DailyVWAP
from state.timeframe import Timeframe

# Series are cut back every so many bars instead of on every bar: cheaper, and still bounded.
TRIM_EVERY_BARS = 16

Field = Literal["open", "high", "low", "close", "volume"]
_FIELDS: tuple[Field, ...] = ("open", "high", "low", "close", "volume")

I = TypeVar("I", bound=BoundedIndicator)  # noqa: E741


class Bands(NamedTuple):
    """Bollinger Bands as series."""

    lower: Series
    middle: Series
    upper: Series


class Cloud(NamedTuple):
    """Ichimoku lines as series; the spans are those over the bar."""

    tenkan: Series
    kijun: Series
    span_a: Series
    span_b: Series


class HigherBars(NamedTuple):
    """Closes of the last completed higher bar and their EMAs, as series over this timeframe's bars."""

    closes: Series
    fast: Series
    slow: Series


class IndicatorSet:
    """The bars and indicators of one key.

    Whoever needs a series asks for it once, before the first bar, saying how many values back it looks
    (`depth`, this bar included). Indicators are updated feed by feed, in the order in which feeds were first
    asked for, and within a feed in the order of their making: what builds on others is made after them, and fed
    from one of them or from the same feed.
    """

    def __init__(self, timeframe: Timeframe) -> None:
        self.timeframe = timeframe
        self._fields: dict[str, Series] = {field: [nan, nan] for field in _FIELDS}
        self._field_depths: dict[str, int] = dict.fromkeys(_FIELDS, 2)
        self._bars: list[Bar] = []
        self._indicators: dict[str, BoundedIndicator] = {}
        self._updates: list[tuple[list[Any], list[Callable[[Any], None]]]] = []
        self._until_trim = TRIM_EVERY_BARS
        self._kept: list[tuple[Series, int]] = []
        self._open, self._high, self._low, self._close, self._volume = self._fields.values()

    def field(self, name: Field, depth: int = 2) -> Series:
        """Opens, highs, lows, closes or volumes."""
        series = self._fields[name]
        missing = depth - self._field_depths[name]
        if missing > 0:
            series[:0] = [nan] * missing
            self._field_depths[name] = depth
        return series

    def ema(self, period: int, depth: int = 2) -> Series:
        """EMA of the close."""
        return self._shared(f"ema({period})", lambda: EMA(period), self._close, depth).output_values

    def sma(self, period: int, source: Field = "close", depth: int = 2) -> Series:
        """SMA of a field of the bar."""
        values = self.field(source, period)
        return self._shared(f"sma({source},{period})", lambda: SMA(values, period), values, depth).output_values

    def volume_ratio(self, period: int, depth: int = 2) -> Series:
        """Volume over its SMA."""
        average = self.sma(period, "volume")
        return self._shared(f"volume_ratio({period})", lambda: VolumeRatio(average), self._volume, depth).output_values

    def bought_volume_sma(self, period: int, depth: int = 2) -> Series:
        """SMA of the volume that was bought."""
        bought = self._shared("bought_volume", BoughtVolume, self._bars, period).output_values
        return self._shared(f"bought_volume_sma({period})", lambda: SMA(bought, period), bought, depth).output_values

    def rsi(self, period: int, depth: int = 2) -> Series:
        """RSI of the close, 0..100."""
        return self._shared(f"rsi({period})", lambda: RSI(period), self._close, depth).output_values

    def macd_histogram(self, fast: int, slow: int, signal: int, depth: int = 2) -> Series:
        """Histogram of the MACD of the close."""
        averages = self.ema(fast), self.ema(slow)
        name = f"macd({fast},{slow},{signal})"
        return self._shared(name, lambda: MACD(*averages, signal), self._close, depth).output_values

    def atr(self, period: int = 14, depth: int = 2) -> Series:
        """ATR, in units of the price."""
        return self._shared(f"atr({period})", lambda: ATR(period), self._bars, depth).output_values

    def adx(self, period: int, depth: int = 2) -> Series:
        """ADX, 0..100."""
        atr = self.atr(period)
        return self._shared(f"adx({period})", lambda: ADX(atr, period), self._bars, depth).output_values

    def bollinger(self, period: int, width: float, depth: int = 2) -> Bands:
        """Bollinger Bands of the close, `width` standard deviations wide to each side."""
        closes = self.field("close", period)
        name = f"bollinger({period},{width!r})"
        bands = self._shared(name, lambda: BollingerBands(closes, period, width), closes, depth)
        return Bands(bands.lower, bands.middle, bands.upper)

    def vwap(self, depth: int = 2) -> Series:
        """VWAP since 00:00 UTC."""
        return self._shared("vwap", DailyVWAP, self._bars, depth).output_values

    def highest(self, source: Field, period: int, depth: int = 2, *, partial: bool = False) -> Series:
        """Highest of a field over the last `period` bars; with `partial`, of those seen while there are fewer."""
        values = self.field(source, period)
        name = f"highest({source},{period}{',partial' if partial else ''})"
        return self._shared(name, lambda: Highest(values, period, partial=partial), values, depth).output_values

    def lowest(self, source: Field, period: int, depth: int = 2, *, partial: bool = False) -> Series:
        """Lowest of a field over the last `period` bars; with `partial`, of those seen while there are fewer."""
        values = self.field(source, period)
        name = f"lowest({source},{period}{',partial' if partial else ''})"
        return self._shared(name, lambda: Lowest(values, period, partial=partial), values, depth).output_values

    def ichimoku(self, tenkan: int, kijun: int, senkou_b: int, displacement: int) -> Cloud:
        """Ichimoku lines; the spans are those over the bar, computed `displacement` bars ago."""
        parts = [(self.highest("high", period), self.lowest("low", period)) for period in (tenkan, kijun, senkou_b)]
        name = f"ichimoku({tenkan},{kijun},{senkou_b},{displacement})"
        # Fed from the last of its parts, so that it comes after all of them.
        feed = parts[2][1]
        lines = self._shared(name, lambda: Ichimoku(parts[0], parts[1], parts[2], displacement), feed, 2)
        return Cloud(lines.tenkan, lines.kijun, lines.span_a, lines.span_b)

    def higher_timeframe(self, multiplier: int, fast: int, slow: int) -> HigherBars:
        """Closes of bars `multiplier` times as long, and two EMAs over them."""
        name = f"higher_timeframe({multiplier},{fast},{slow})"
        bars = self._shared(name, lambda: HigherTimeframe(self.timeframe, multiplier, fast, slow), self._bars, 2)
        return HigherBars(bars.closes, bars.fast, bars.slow)

    def _shared(self, name: str, make: Callable[[], I], feed: list[Any], depth: int) -> I:
        """The indicator called `name`, made if this is the first request for it, fed the last of `feed`."""
        indicator = self._indicators.get(name)
        if indicator is None:
            self._indicators[name] = indicator = make()
            self._updates_from(feed).append(indicator.add)
        indicator.keep(depth)
        return cast(I, indicator)  # equal names are of equal type

    def _updates_from(self, feed: list[Any]) -> list[Callable[[Any], None]]:
        """What is updated from `feed`, after whatever the feed itself is updated from."""
        for known, adds in self._updates:
            if known is feed:
                return adds
        adds = []
        self._updates.append((feed, adds))
        return adds

    def update(self, bar: Bar) -> None:
        """Take the next closed bar into every series."""
        _, open_, high, low, close, volume = bar
        self._open.append(open_)
        self._high.append(high)
        self._low.append(low)
        self._close.append(close)
        self._volume.append(volume)
        self._bars[:] = (bar,)
        for feed, adds in self._updates:
            value = feed[-1]
            for add in adds:
                add(value)
        self._until_trim -= 1
        if not self._until_trim:
            self._trim()

    def _trim(self) -> None:
        self._until_trim = TRIM_EVERY_BARS
        for series, depth in self._kept or self._all_kept():
            del series[:-depth]

    def _all_kept(self) -> list[tuple[Series, int]]:
        """Every series with the number of values to keep, once all requests have been made."""
        self._kept = [(series, self._field_depths[name]) for name, series in self._fields.items()]
        for indicator in self._indicators.values():
            self._kept += indicator.kept()
        return self._kept

    def cold(self) -> set[str]:
        """The names of those series whose newest value is undefined, and of the windows that are not full yet."""
        names = {name for name, series in self._fields.items() if isnan(series[-1])}
        return names | {name for name, one in self._indicators.items() if _is_cold(one)}

    def names(self) -> list[str]:
        """Names of the indicators, in the order of their making."""
        return list(self._indicators)

    def indicator_of(self, series: Series) -> str | None:
        """The name of the indicator that a series is an output of; None for a field of the bar."""
        for name, indicator in self._indicators.items():
            if any(kept is series for kept, _ in indicator.kept()):
                return name
        return None

    def requests(self) -> dict[str, int]:
        """What was asked for, fields too, and how many values back whoever asked looks."""
        return {**self._field_depths, **{name: one.depth for name, one in self._indicators.items()}}

    def take_over(self, other: IndicatorSet, only: Collection[str] | None = None) -> None:
        """Go on exactly from where another set of this timeframe is, in all that both have, or in some of that.

        Where this one goes further back, the oldest values stay what they were: sets that were warmed up over the same
        bars complete each other.
        """
        for name, series in self._fields.items():
            if only is None or name in only:
                overlay(series, other._fields[name][-other._field_depths[name] :])
        for name, indicator in self._indicators.items():
            if name in other._indicators and (only is None or name in only):
                indicator.take_over(other._indicators[name])
        self._until_trim = TRIM_EVERY_BARS

    def dump(self) -> dict[str, bytes]:
        """Every series' and indicator's numbers by name, packed as doubles."""
        packed = {
            name: array("d", series[-self._field_depths[name] :]).tobytes() for name, series in self._fields.items()
        }
        for name, indicator in self._indicators.items():
            packed[name] = array("d", indicator.dump()).tobytes()
        return packed

    def load(self, packed: dict[str, bytes]) -> None:
        """Go on exactly from what `dump` of a set with the same requests returned.

        Raises:
            WarmUpAgain: something that was requested is not in `packed`, or not as long as it must be.
        """
        for name, series in self._fields.items():
            series[:] = _unpack(packed, name)
            if len(series) != self._field_depths[name]:
                raise WarmUpAgain(f"expected {self._field_depths[name]} values of {name}, got {len(series)}")
        for name, indicator in self._indicators.items():
            indicator.load(_unpack(packed, name))
        self._until_trim = TRIM_EVERY_BARS


def _is_cold(indicator: BoundedIndicator) -> bool:
    is_filling = isinstance(indicator, WindowIndicator) and not indicator.warm
    return is_filling or any(isnan(series[-1]) for series, _ in indicator.kept())


def _unpack(packed: dict[str, bytes], name: str) -> list[float]:
    numbers = array("d")
    try:
        numbers.frombytes(packed[name])
    except (KeyError, TypeError, ValueError) as error:
        raise WarmUpAgain(f"no usable numbers of {name}") from error
    return numbers.tolist()
