"""The strategies as a library: candles in, signals out, without a flow around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Any, Protocol, runtime_checkable

from operators.analyzer import KeyAnalyzer
from operators.messages import parse_number
from operators.times import format_time, parse_message_time_ms, parse_time_ms
from state.bar import Bar, check_bar
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of
from state.timeframe import Timeframe, timeframe_named
from strategies.configuration import Configuration, configuration_of
from strategies.signal import Signal

_TIME_NAMES = ("open_time", "time", "timestamp")
_NUMBER_NAMES = ("open", "high", "low", "close", "volume")
_WIDTH = 1 + len(_NUMBER_NAMES)

# From the first on a number is nanoseconds; from the second on it is beyond the times that bars have.
_NS_FROM, _NS_END = 10**17, 10**20
_NS_PER_MS = 10**6


@runtime_checkable
class Frame(Protocol):
    """What a pandas or polars DataFrame has that is used here."""

    @property
    def columns(self) -> Any:
        """The names of the columns."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: Any, /) -> Any: ...


Row = Bar | Sequence[Any] | Mapping[str, Any]
Candles = Frame | Iterable[Row]


class SignalEngine:
    """Runs the strategies over candles that are at hand as a whole.

    The same bars and configuration give the same signals as in live trading and in replay.

    Either `configuration` says what to run with, or the defaults do, with some of the strategies' `parameters` (by
    strategy and name) and some engine `settings` (fields of `EngineSettings`) overridden.

    Raises:
        ValueError: a strategy, parameter or setting is unknown, a value is of the wrong type, out of range, or
            contradicts another, or there are both a configuration and overrides.

    >>> engine = SignalEngine(parameters={"momentum_pulse": {"rsi_min": 45.0}}, min_confidence=0.6, cooldown_bars=10)
    >>> engine.configuration.strategies["momentum_pulse"].applied.parameters
    {'rsi_min': 45.0}
    """

    def __init__(
        self,
        configuration: Configuration | None = None,
        *,
        parameters: Mapping[str, Mapping[str, Any]] | None = None,
        **settings: Any,
    ) -> None:
        if configuration is not None and (parameters or settings):
            raise ValueError("expected either a configuration or overrides, got both")
        self.configuration = configuration or _configuration(settings, parameters)

    def analyze_candles(
        self, candles: Candles, symbol: str, timeframe: str, *, every_bar: bool = False
    ) -> list[Signal]:
        """The signals that are emitted on the last of `candles`, or with `every_bar` on any of them, oldest first.

        Candles are closed bars of one symbol and timeframe, oldest first. They are a pandas or polars DataFrame with
        the columns open, high, low, close, volume and one of open_time, time and timestamp, or a DataFrame whose index
        is a DatetimeIndex or has one of these names; or they are `Bar` objects, or dicts with these names, or tuples of
        open time, open, high, low, close and volume. Names may be in any case, other columns are ignored.

        Open times are datetimes, ISO 8601 text, or numbers of seconds, milliseconds, microseconds or nanoseconds since
        1970, told apart by magnitude (those of a `Bar` are milliseconds); without a zone they are UTC. Prices are in
        the quote currency and above 0, volumes in the base currency and at least 0.

        All candles go through the emission rule, so a setup that held before the last one, or was emitted within the
        cooldown, is not emitted again. Missing bars are no error; no candles give no signals. `candles` is not changed.

        Raises:
            ValueError: columns are missing or doubled; a row, counted from 0, is not a possible bar or does not come
                after the one before; the symbol is not possible or the timeframe not known.

        >>> start = 1704067200  # 2024-01-01 UTC
        >>> falls = [(start + i * 900, 100.0 - i, 100.5 - i, 98.5 - i, 99.0 - i, 10.0) for i in range(20)]
        >>> hammer = {"time": "2024-01-01T05:00Z", "open": 78.9, "high": 79.3, "low": 77.0, "close": 79.3, "volume": 30}
        >>> signals = SignalEngine().analyze_candles([*falls, hammer], "BTCUSDT", "15m")
        >>> [(signal.strategy_id, signal.action, signal.stop_loss) for signal in signals]
        [('hammer_reversal_pattern', 'buy', 77.0)]
        """
        span = timeframe_named(timeframe)
        analyzer = KeyAnalyzer(key_of(check_symbol(symbol), span), self.configuration)
        emitted = [analyzer.on_bar(bar) for bar in _checked_bars(candles, span)]
        return list(chain.from_iterable(emitted if every_bar else emitted[-1:]))


def _configuration(settings: Mapping[str, Any], parameters: Mapping[str, Mapping[str, Any]] | None) -> Configuration:
    try:
        return configuration_of(settings, parameters)
    except StopProgram as error:  # a library's caller is not to be stopped
        raise ValueError(str(error)) from error


def _checked_bars(candles: Candles, timeframe: Timeframe) -> list[Bar]:
    """All candles as bars, before any of them is analyzed."""
    bars: list[Bar] = []
    earliest_ms = 0
    for number, row in enumerate(_rows(candles)):
        try:
            bar = _bar(row)
            check_bar(bar, timeframe)
            _check_follows(bar, earliest_ms)
        except ValueError as error:
            raise ValueError(f"row {number}: {error}") from error
        bars.append(bar)
        earliest_ms = timeframe.close_ms(bar.open_time_ms)
    return bars


def _check_follows(bar: Bar, earliest_ms: int) -> None:
    if bar.open_time_ms < earliest_ms:
        expected, got = format_time(earliest_ms), format_time(bar.open_time_ms)
        raise SkipInput(f"expected an open time of {expected} or later, when the row before closes, got {got}")


def _rows(candles: Candles) -> Iterator[Any]:
    if not isinstance(candles, Frame):
        return iter(candles)
    if not len(candles):
        return iter(())
    columns = (column.to_list() for column in _columns(candles))  # plain values, in pandas as in polars
    return zip(*columns, strict=True)


def _columns(frame: Frame) -> list[Any]:
    """Open times, prices and volumes, each as the column or index they are in."""
    index = _index_times(frame)
    time, *numbers = _names_among(frame.columns, needs_time=index is None)
    return [index if time is None else frame[time], *(frame[name] for name in numbers)]


def _index_times(frame: Frame) -> Any:
    """The index of a DataFrame whose index holds times, else None; polars has none."""
    index = getattr(frame, "index", None)
    kind = getattr(getattr(index, "dtype", None), "kind", None)
    return index if kind == "M" or _folded(getattr(index, "name", None)) in _TIME_NAMES else None


def _names_among(names: Iterable[Any], *, needs_time: bool = True) -> list[Any]:
    """What open time, prices and volume are called among `names`; None for an open time that is not needed."""
    found = _by_folded_name(names)
    time = next((found[name] for name in _TIME_NAMES if name in found), None)
    missing = [name for name in _NUMBER_NAMES if name not in found]
    if time is None and needs_time:
        missing = [" or ".join(_TIME_NAMES), *missing]
    if missing:
        raise SkipInput(f"expected {', '.join(missing)} as well, got {list(names)!r:.120}")
    return [time, *(found[name] for name in _NUMBER_NAMES)]


def _by_folded_name(names: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in names:
        folded = _folded(name)
        if folded in found and folded in (*_TIME_NAMES, *_NUMBER_NAMES):
            raise SkipInput(f"expected {folded} once, got {found[folded]!r} and {name!r}")
        found[folded] = name
    return found


def _folded(name: object) -> str:
    return name.strip().lower().replace(" ", "_") if isinstance(name, str) else ""


def _bar(row: object) -> Bar:
    if isinstance(row, Bar):
        return Bar(parse_message_time_ms(_plain(row.open_time_ms)), *_numbers(row[1:]))
    fields: Sequence[Any]
    if isinstance(row, Mapping):
        fields = [row[name] for name in _names_among(row)]
    elif isinstance(row, (tuple, list)):
        fields = row
    else:
        raise SkipInput(f"expected a Bar, a tuple or a dict, got {row!r:.60}")
    if len(fields) != _WIDTH:
        raise SkipInput(f"expected open time, {', '.join(_NUMBER_NAMES)}, got {len(fields)} values")
    return Bar(_time_ms(fields[0]), *_numbers(fields[1:]))


def _numbers(values: Iterable[Any]) -> Iterator[float]:
    for name, value in zip(_NUMBER_NAMES, values, strict=True):
        plain = _plain(value)
        yield float(plain) if isinstance(plain, Decimal) else float(parse_number(plain, name))


def _time_ms(value: Any) -> int:
    plain = _plain(value)
    if isinstance(plain, datetime):
        if plain != plain:  # NaT is a datetime, too
            raise SkipInput("expected an open time, got NaT")
    elif isinstance(plain, date):
        plain = datetime(plain.year, plain.month, plain.day)  # noqa: DTZ001  # without a zone is UTC
    elif isinstance(plain, int) and _NS_FROM <= plain < _NS_END and plain % _NS_PER_MS == 0:
        plain //= _NS_PER_MS
    return int(parse_time_ms(plain))


def _plain(value: Any) -> Any:
    """A numpy scalar or pandas' Timestamp as Python's own type, anything else as it is."""
    if getattr(value, "nanosecond", None) == 0:  # else it is left as it is, to be refused
        return value.to_pydatetime()
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if kind == "M":
        return value.astype("datetime64[us]").item()
    return value.item() if kind else value
