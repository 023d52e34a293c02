"""The strategies as a library: the same signals whatever the candles come in, and clear errors."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from dataflow.market import hourly_bars, synthetic_bars
from operators.analyzer import KeyAnalyzer
from operators.engine import SignalEngine
from operators.times import format_time
from state.bar import Bar
from state.timeframe import DAY_MS
from strategies.configuration import configuration_of
from strategies.signal import Signal
from tests.kit import bars_of, still

SYMBOL = "SYNTHAUSDT"
NAMES = ["time", "open", "high", "low", "close", "volume"]
BARS = list(synthetic_bars(SYMBOL, days=4, seed=5))
TIMES = [bar.open_time_ms for bar in BARS]
TEXTS = [format_time(time_ms) for time_ms in TIMES]
MOMENTS = [datetime.fromtimestamp(time_ms // 1000, UTC) for time_ms in TIMES]


def pandas_frame(times: Any = TIMES, bars: list[Bar] = BARS) -> pd.DataFrame:
    frame = pd.DataFrame(bars).drop(columns="open_time_ms")
    frame.insert(0, "time", times)
    return frame


def indexed(index: Any) -> pd.DataFrame:
    return pandas_frame().drop(columns="time").set_index(index)


def polars_frame(times: Any = TIMES) -> pl.DataFrame:
    columns = dict(zip(NAMES[1:], zip(*(bar[1:] for bar in BARS), strict=True), strict=True))
    return pl.DataFrame({"time": times, **columns})


def tuples(times: Any = TIMES) -> list[tuple[Any, ...]]:
    return [(time, *bar[1:]) for time, bar in zip(times, BARS, strict=True)]


def analyze(candles: Any, timeframe: str = "15m") -> list[Signal]:
    return SignalEngine().analyze_candles(candles, SYMBOL, timeframe, every_bar=True)


def fed(bars: list[Bar], key: str, **engine: Any) -> list[list[Signal]]:
    """What a key's analyzer emits on each bar."""
    analyzer = KeyAnalyzer(key, configuration_of(engine))
    return [analyzer.on_bar(bar) for bar in bars]


@pytest.fixture(scope="module")
def expected() -> list[Signal]:
    return list(chain.from_iterable(fed(BARS, f"{SYMBOL}|15m")))


FORMS: dict[str, Callable[[], Any]] = {
    "bars": lambda: BARS,
    "generator": lambda: iter(BARS),
    "bars of numpy values": lambda: [Bar(np.int64(bar[0]), *map(np.float64, bar[1:])) for bar in BARS],  # type: ignore[arg-type]
    "tuples": tuples,
    "lists": lambda: [list(row) for row in tuples()],
    "tuples of text": lambda: [tuple(map(str, row)) for row in tuples(TEXTS)],
    "tuples of decimals": lambda: [(bar[0], *(Decimal(repr(value)) for value in bar[1:])) for bar in BARS],
    "tuples of numpy times": lambda: tuples(np.array(TIMES, dtype="datetime64[ms]").astype("datetime64[ns]")),
    "dicts": lambda: [dict(zip(NAMES, row, strict=True)) for row in tuples()],
    "dicts with other names": lambda: [
        dict(zip(["Open Time", "Open", "HIGH", "low", "Close", "Volume", "Trades"], [*row, "many"], strict=True))
        for row in tuples(TEXTS)
    ],
    "seconds": lambda: pandas_frame([time_ms // 1000 for time_ms in TIMES]),
    "milliseconds": pandas_frame,
    "milliseconds as floats": lambda: pandas_frame([float(time_ms) for time_ms in TIMES]),
    "microseconds": lambda: pandas_frame([time_ms * 1000 for time_ms in TIMES]),
    "nanoseconds": lambda: pandas_frame([time_ms * 1_000_000 for time_ms in TIMES]),
    "text": lambda: pandas_frame(TEXTS),
    "text without a zone": lambda: pandas_frame([text[:19].replace("T", " ") for text in TEXTS]),
    "pandas naive": lambda: pandas_frame(pd.to_datetime(TIMES, unit="ms")),
    "pandas aware": lambda: pandas_frame(pd.to_datetime(TIMES, unit="ms", utc=True)),
    "pandas seconds": lambda: pandas_frame(pd.to_datetime(TIMES, unit="ms").astype("datetime64[s]")),
    "pandas elsewhere": lambda: pandas_frame(pd.to_datetime(TIMES, unit="ms", utc=True).tz_convert("Asia/Tokyo")),
    "pandas objects": lambda: pandas_frame(MOMENTS).astype(object),
    "pandas index naive": lambda: indexed(pd.to_datetime(TIMES, unit="ms")),
    "pandas index aware": lambda: indexed(pd.to_datetime(TIMES, unit="ms", utc=True).tz_convert("America/New_York")),
    "pandas index by name": lambda: indexed(pd.Index(TIMES, name="Open Time")),
    "pandas column before index": lambda: pandas_frame().set_index(
        pd.to_datetime(TIMES, unit="ms") + timedelta(days=9)
    ),
    "pandas other order": lambda: pandas_frame()[NAMES[::-1]].assign(symbol="?"),
    "pandas doubled others": lambda: pd.concat([pandas_frame().assign(x=1), pandas_frame().assign(x=2)["x"]], axis=1),
    "pandas other names": lambda: pandas_frame().rename(columns=str.title).rename(columns={"Time": "TIMESTAMP "}),
    "polars": polars_frame,
    "polars naive": lambda: polars_frame([moment.replace(tzinfo=None) for moment in MOMENTS]),
    "polars aware": lambda: polars_frame(MOMENTS),
    "polars text": lambda: polars_frame(TEXTS),
    "polars nanoseconds": lambda: polars_frame(MOMENTS).with_columns(pl.col("time").dt.cast_time_unit("ns")),
    "polars elsewhere": lambda: polars_frame([moment.astimezone(timezone(timedelta(hours=-3))) for moment in MOMENTS]),
    "polars other names": lambda: polars_frame().rename({"time": "Timestamp", "close": "CLOSE"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_candles_in_any_form_give_the_signals_of_the_analyzer(form: str, expected: list[Signal]) -> None:
    assert analyze(FORMS[form]()) == expected != []


def test_only_what_the_last_bar_emits_unless_asked_for_every_bar() -> None:
    by_bar = fed(BARS, f"{SYMBOL}|15m")
    quiet = next(i for i, signals in enumerate(by_bar) if i > 150 and not signals)
    loud = next(i for i, signals in enumerate(by_bar) if i > 150 and len(signals) > 1)
    for last in (quiet, loud):
        assert SignalEngine().analyze_candles(BARS[: last + 1], SYMBOL, "15m") == by_bar[last]


def test_an_engine_starts_afresh_on_every_call(expected: list[Signal]) -> None:
    engine = SignalEngine()
    for _ in range(2):
        assert engine.analyze_candles(BARS, SYMBOL, "15m", every_bar=True) == expected


def test_symbol_and_timeframe_are_those_asked_for() -> None:
    hours = list(hourly_bars(synthetic_bars("SYNTHBUSDT", days=8)))
    signals = SignalEngine().analyze_candles(hours, " synthbusdt", "1h", every_bar=True)
    assert signals == list(chain.from_iterable(fed(hours, "SYNTHBUSDT|1h")))
    assert {(signal.symbol, signal.timeframe) for signal in signals} == {("SYNTHBUSDT", "1h")}


def test_signals_are_json(expected: list[Signal]) -> None:
    candles = [tuple(map(np.float64, row)) for row in tuples()]
    assert [signal.to_json() for signal in analyze(candles)] == [signal.to_json() for signal in expected]


def test_a_gap_is_no_error() -> None:
    bars = BARS[:100] + BARS[110:]
    assert analyze(bars) == list(chain.from_iterable(fed(bars, f"{SYMBOL}|15m")))


def test_days_may_be_dates() -> None:
    bars = bars_of(still(*range(100, 60, -1)), "1d", start_ms=TIMES[0])
    days = [(date(2024, 1, 1) + timedelta(days=i), *bar[1:]) for i, bar in enumerate(bars)]
    frame = pl.DataFrame(days, schema=NAMES, orient="row")
    assert analyze(frame, "1d") == analyze(days, "1d") == analyze(bars, "1d") != []


@pytest.mark.parametrize(
    "nothing", [[], (), iter(()), pd.DataFrame(), pandas_frame().head(0), pl.DataFrame(), polars_frame().head(0)]
)
def test_no_candles_give_no_signals(nothing: Any) -> None:
    assert analyze(nothing) == []


def test_candles_are_not_changed() -> None:
    frame, other = indexed(pd.to_datetime(TIMES, unit="ms")), polars_frame(MOMENTS)
    rows = [dict(zip(NAMES, row, strict=True)) for row in tuples()]
    before = frame.copy(deep=True), other.clone(), json.dumps(rows)
    for candles in (frame, other, rows):
        analyze(candles)
    pd.testing.assert_frame_equal(frame, before[0])
    assert other.equals(before[1])
    assert json.dumps(rows) == before[2]


def test_overrides_are_in_force() -> None:
    settings: dict[str, Any] = {"min_confidence": 0.7, "cooldown_bars": 10, "enabled_strategies": ("momentum_pulse",)}
    engine = SignalEngine(parameters={"momentum_pulse": {"rsi_min": 45.0}}, **settings)
    assert engine.configuration == configuration_of(settings, {"momentum_pulse": {"rsi_min": 45.0}})
    assert SignalEngine(engine.configuration).configuration == engine.configuration
    assert SignalEngine().configuration == configuration_of()
    signals = SignalEngine(cooldown_bars=0).analyze_candles(BARS, SYMBOL, "15m", every_bar=True)
    assert signals == list(chain.from_iterable(fed(BARS, f"{SYMBOL}|15m", cooldown_bars=0)))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ({"parameters": {"no_such": {}}}, "no_such"),
        ({"parameters": {"momentum_pulse": {"no_such": 1.0}}}, r"momentum_pulse\.no_such"),
        ({"parameters": {"momentum_pulse": {"rsi_min": 1000.0}}}, r"momentum_pulse\.rsi_min.*1000"),
        ({"min_confidence": 1.5}, r"min_confidence.*1\.5"),
        ({"cooldown": 3}, "cooldown"),
        ({"configuration": configuration_of(), "cooldown_bars": 3}, "both"),
    ],
)
def test_bad_overrides_are_named(overrides: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        SignalEngine(**overrides)


@pytest.mark.parametrize(
    ("symbol", "timeframe", "named"),
    [("BTC/USDT", "15m", "BTC/USDT"), ("", "15m", "symbol"), ("BTCUSDT", "7m", "7m.*15m"), ("BTCUSDT", "", "1h")],
)
def test_unknown_symbols_and_timeframes_are_named(symbol: str, timeframe: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        SignalEngine().analyze_candles([], symbol, timeframe)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("open", float("nan"), "open.*nan"),
        ("close", None, "close.*(None|nan)"),
        ("high", float("inf"), "high.*inf"),
        ("low", 0.0, "low.*0"),
        ("volume", -1.0, "volume.*-1"),
        ("high", 1.0, "low .*above high 1"),
        ("close", 1.0, "close 1.0 lies outside"),
        ("open", "a lot", "open.*a lot"),
        ("volume", True, "volume.*True"),
        ("time", None, "time.*(None|nan)"),
        ("time", "yesterday", "time.*yesterday"),
        ("time", TIMES[3] + 1, "multiple of the timeframe 15m"),
        ("time", TIMES[3] * 1_000_000 + 1, "time"),
        ("time", 10**21, "time"),
        ("time", pd.Timestamp(TIMES[3] * 1_000_000 + 1), "time in whole milliseconds"),
        ("time", TIMES[2], r"expected .*2024-01-01T00:45:00.*got 2024-01-01T00:30:00"),
        ("time", TIMES[0], r"expected .*2024-01-01T00:45:00.*got 2024-01-01T00:00:00"),
    ],
)
@pytest.mark.parametrize("form", ["pandas", "polars", "dicts", "tuples"])
def test_a_bad_row_is_named(form: str, field: str, value: Any, named: str) -> None:
    rows = [dict(zip(NAMES, row, strict=True)) for row in tuples()[:6]]
    rows[3][field] = value
    columns = {name: [row[name] for row in rows] for name in NAMES}
    candles: dict[str, Any] = {
        "pandas": pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()}),
        "polars": pl.DataFrame({name: pl.Series(values, dtype=pl.Object) for name, values in columns.items()}),
        "dicts": rows,
        "tuples": [tuple(row.values()) for row in rows],
    }
    with pytest.raises(ValueError, match=f"^row 3: .*{named}"):
        analyze(candles[form])


def test_missing_values_in_typed_columns_are_named() -> None:
    times = pd.to_datetime(TIMES[:6], unit="ms")
    frame = pandas_frame(times, BARS[:6])
    assert analyze(frame) == []
    with pytest.raises(ValueError, match=r"row 2: .*NaT"):
        analyze(frame.assign(time=times.where(times != times[2])))
    with pytest.raises(ValueError, match=r"row 2: close.*nan"):
        analyze(frame.assign(close=frame["close"].where(frame.index != 2)))
    with pytest.raises(ValueError, match=r"row 2: volume.*NA"):
        analyze(frame.assign(volume=frame["volume"].where(frame.index != 2).astype("Float64")))
    with pytest.raises(ValueError, match=r"row 0: .*None"):
        analyze(polars_frame(MOMENTS).with_columns(open=pl.lit(None)))


def test_bad_bars_are_named() -> None:
    for time_ms in (TIMES[1] + 0.5, -900_000, 10**30, None):
        with pytest.raises(ValueError, match="row 1: expected a time"):
            analyze([BARS[0], BARS[1]._replace(open_time_ms=time_ms)])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"row 1: close .* lies outside"):
        analyze([BARS[0], BARS[1]._replace(close=1e9)])


def test_bars_of_several_days_must_not_overlap() -> None:
    bars = bars_of(still(1, 2), "1d", start_ms=10 * DAY_MS)
    with pytest.raises(ValueError, match="row 1: expected an open time of 1970-01-14"):
        analyze(bars, "3d")


@pytest.mark.parametrize(
    ("candles", "named"),
    [
        (pandas_frame().drop(columns=["close", "low"]), "low, close.*'high'"),
        (pandas_frame().drop(columns="time"), "open_time or time or timestamp"),
        (polars_frame().drop("time", "volume"), "time.*volume"),
        (pandas_frame().assign(Close=1.0), "close.*'Close'"),
        (pd.concat([pandas_frame(), pandas_frame()[["open"]]], axis=1), "open once"),
        (pd.concat({"BTCUSDT": pandas_frame()}, axis=1), "close.*BTCUSDT"),
        ([{"open": 1.0, "time": 0}], "row 0: expected high, low, close, volume.*'open'"),
        ([dict(zip(NAMES[1:], BARS[0][1:], strict=True))], "row 0: expected open_time or time"),
        ([(0, 1.0, 1.0, 1.0, 1.0)], "row 0: .*volume, got 5"),
        (["a row"], "row 0: expected .*'a row'"),
        ({"time": [], "open": []}, "row 0: expected .*'time'"),
    ],
)
def test_candles_of_another_shape_are_named(candles: Any, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        analyze(candles)


def test_pandas_and_polars_are_not_needed() -> None:
    check = "import sys, operators.engine; sys.exit(bool({'pandas', 'polars'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
