"""`ta-bot analyze`: the signals of the latest closed bars in SQLite and MariaDB, against an independent reference."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from math import isclose
from pathlib import Path
from typing import Any

import orjson
import pytest

from dataflow.cli import main
from operators.engine import SignalEngine
from state.bar import Bar
from state.timeframe import TIMEFRAMES
from strategies.configuration import Configuration, configuration_of
from tests.databases import SqlDatabase, SQLiteFile, open_store, some_bars
from tests.e2e.command import HANGS_SECS, TA_BOT, Argument, analyzed, environment, lines_of, one_line
from tests.kit import SYMBOLS, real_bars
from tests.mariadb_server import MariaDB, MySQLDatabase
from tests.oracle.emission import emitted_by_all
from tests.oracle.market import Market
from tests.oracle.setups import DEFAULTS, all_setups

# What the defaults are seeded with: three times the 252 bars until the slowest indicator is defined.
WARM_UP_BARS = 756
WEEK_MS = 7 * 24 * 3_600_000
TOLERANCE = 1e-9

Fields = tuple[str, str, str, float, float, float | None, float | None]


@pytest.fixture
def sqlite(tmp_path: Path) -> SQLiteFile:
    return SQLiteFile(tmp_path / "klines.sqlite3")


def analyze(*arguments: Argument, **variables: str) -> subprocess.CompletedProcess[str]:
    variables = {"MYSQL_URI": "", "SUPPORTED_SYMBOLS": "*", "SUPPORTED_TIMEFRAMES": "*", **variables}
    return subprocess.run(
        [TA_BOT, "analyze", *arguments],
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=HANGS_SECS,
        check=False,
    )


def done(*arguments: Argument, **variables: str) -> str:
    ended = analyze(*arguments, **variables)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def refusal(*arguments: Argument, **variables: str) -> str:
    ended = analyze(*arguments, **variables)
    assert (ended.returncode, ended.stdout) == (2, "")
    return one_line(ended.stderr)


def fill(database: SqlDatabase, bars: Mapping[str, list[Bar]]) -> None:
    with open_store(database) as store:
        for key, of_key in bars.items():
            store.write(key, of_key)


def real_market() -> dict[str, list[Bar]]:
    """A year's bars of ten keys, each up to another moment, so that what is latest differs."""
    keys = [(symbol, timeframe) for symbol in SYMBOLS for timeframe in ("15m", "1h")]
    return {
        f"{symbol}|{timeframe}": list(real_bars(symbol, timeframe)[: 1200 + 331 * place])
        for place, (symbol, timeframe) in enumerate(keys)
    }


def referenced(key: str, bars: list[Bar]) -> list[Fields]:
    """What the reference emits on the last bar, with the bars before it as history."""
    times, opens, highs, lows, closes, volumes = zip(*bars[-WARM_UP_BARS - 1 :], strict=True)
    market = Market(times, opens, highs, lows, closes, volumes, TIMEFRAMES[key.split("|")[1]].span_ms)
    warm_up = {strategy_id: int(values["min_data_points"]) for strategy_id, values in DEFAULTS.items()}
    emitted = emitted_by_all(all_setups(market), warm_up, first_live=WARM_UP_BARS)
    return [(key, *signal[1:]) for signal in emitted]


def fields_of(signal: dict[str, Any]) -> Fields:
    names = ("strategy_id", "action", "confidence", "price", "stop_loss", "take_profit")
    return (f"{signal['symbol']}|{signal['timeframe']}", *(signal[name] for name in names))


def same(ours: Fields, theirs: Fields) -> bool:
    pairs = zip(ours[3:], theirs[3:], strict=True)
    return ours[:3] == theirs[:3] and all(
        a == b if a is None or b is None else isclose(a, b, rel_tol=TOLERANCE) for a, b in pairs
    )


def latest(
    bars: Mapping[str, list[Bar]], configuration: Configuration | None = None, warm_up_bars: int = WARM_UP_BARS
) -> bytes:
    """The lines of a key-by-key run over the same window."""
    windows = {key: of_key[-warm_up_bars - 1 :] for key, of_key in bars.items()}
    last_ms = {key: window[-1].open_time_ms for key, window in windows.items()}
    return lines_of(analyzed(windows, last_ms, configuration))


def test_the_signals_of_all_keys_are_those_of_the_reference(database: SqlDatabase) -> None:
    bars = real_market()
    fill(database, bars)
    out = done("--all", "--json", "--uri", database.uri)
    ours = sorted(fields_of(orjson.loads(line)) for line in out.splitlines())
    theirs = sorted(signal for key, of_key in bars.items() for signal in referenced(key, of_key))
    assert len(theirs) > 5
    assert [signal[:3] for signal in ours] == [signal[:3] for signal in theirs]
    assert [pair for pair in zip(ours, theirs, strict=True) if not same(*pair)] == []
    assert out.encode() == latest(bars)


def test_the_signals_of_a_key_are_those_of_the_engine(sqlite: SQLiteFile) -> None:
    bars = {key: of_key for key, of_key in real_market().items() if key in {"BTCUSDT|15m", "SOLUSDT|1h"}}
    fill(sqlite, bars)
    engine, lines = SignalEngine(cooldown_bars=0), []
    for key, of_key in bars.items():
        symbol, timeframe = key.split("|")
        named = ("--symbol", symbol.lower(), "--timeframe", timeframe)
        ours = done(*named, "--json", "--cooldown-bars", "0", MYSQL_URI=sqlite.uri).splitlines()
        theirs = engine.analyze_candles(of_key[-WARM_UP_BARS - 1 :], symbol, timeframe)
        assert sorted(ours) == sorted(signal.to_json().decode() for signal in theirs)
        lines += ours
    assert lines


def test_options_are_those_of_replay(sqlite: SQLiteFile) -> None:
    bars = real_market()
    fill(sqlite, bars)
    options = ("--strategies", "doji_reversal,inside_bar_sell,ichimoku_cloud_momentum,band_fade_reversal")
    overrides = ("--set", "doji_reversal.min_trend_atr=0.1", "--min-confidence", "0.3")
    configuration = configuration_of(
        {"enabled_strategies": tuple(options[1].split(",")), "min_confidence": 0.3},
        {"doji_reversal": {"min_trend_atr": 0.1}},
        source="command_line",
    )
    expected = latest(bars, configuration, warm_up_bars=500)  # these strategies' indicators need no more
    assert expected not in {b"", latest(bars)}
    assert done("--all", "--json", "--uri", sqlite.uri, *options, *overrides).encode() == expected


def test_more_history_warms_up_longer(sqlite: SQLiteFile) -> None:
    bars = {"BTCUSDT|15m": list(real_bars("BTCUSDT")[:5000])}
    fill(sqlite, bars)
    windows = {key: of_key[-2001:] for key, of_key in bars.items()}
    options = ("--strategies", "minervini_trend_template,ema_alignment_bullish", "--min-confidence", "0")
    configuration = configuration_of({"enabled_strategies": tuple(options[1].split(",")), "min_confidence": 0.0})
    expected = analyzed(windows, windows["BTCUSDT|15m"][-1].open_time_ms, configuration)
    out = done("--all", "--json", "--uri", sqlite.uri, *options, WARM_UP_BARS="2000")
    assert [orjson.loads(line)["signal_id"] for line in out.splitlines()] == [one.signal_id for one in expected]


def test_bars_that_have_not_closed_are_left_out(database: SqlDatabase) -> None:
    # The bars of a real key, as if they were weeks up to now, of which the last two are not over.
    shape = real_bars("BTCUSDT")[: WARM_UP_BARS + 40]
    monday_ms = 4 * 24 * 3_600_000
    this_week_ms = (time.time_ns() // 1_000_000 - monday_ms) // WEEK_MS * WEEK_MS + monday_ms
    weeks = [bar._replace(open_time_ms=this_week_ms - (len(shape) - 2 - i) * WEEK_MS) for i, bar in enumerate(shape)]
    assert [bar.open_time_ms >= this_week_ms for bar in weeks[-3:]] == [False, True, True]
    fill(database, {"AAAUSDT|1w": weeks})
    out = done("--all", "--json", "--uri", database.uri, "--min-confidence", "0.1")
    assert out.encode() == latest({"AAAUSDT|1w": weeks[:-2]}, configuration_of({"min_confidence": 0.1}))
    shown = done("--symbol", "AAAUSDT", "--timeframe", "1w", "--uri", database.uri)
    assert time.strftime("%Y-%m-%d", time.gmtime(this_week_ms / 1000)) in shown


def test_a_key_of_nothing_but_open_bars_has_none(sqlite: SQLiteFile) -> None:
    day_ms = 24 * 3_600_000
    today_ms = time.time_ns() // 1_000_000 // day_ms * day_ms
    fill(sqlite, {"AAAUSDT|1d": [some_bars(1)[0]._replace(open_time_ms=today_ms + day_ms)]})
    assert "no closed bars of AAAUSDT|1d" in refusal("--symbol", "AAAUSDT", "--timeframe", "1d", "--uri", sqlite.uri)


def test_the_table_shows_the_signals(sqlite: SQLiteFile) -> None:
    bars = real_market()
    fill(sqlite, bars)
    signals = [orjson.loads(line) for line in latest(bars).splitlines()]
    rows = [line.split() for line in done("--all", "--uri", sqlite.uri).splitlines() if "|" in line]
    shown = [(row[0], row[5], row[6], row[7]) for row in rows if len(row) >= 9]
    assert shown == [
        (f"{one['symbol']}|{one['timeframe']}", one["strategy_id"], one["action"], f"{one['confidence']:.2f}")
        for one in signals
    ]


def test_a_thousand_keys_without_signals_stay_readable(sqlite: SQLiteFile) -> None:
    bars = {f"S{number:03}USDT|15m": some_bars(2) for number in range(1000)}
    fill(sqlite, bars)
    told = done("--all", "--uri", sqlite.uri)
    assert len(told.splitlines()) <= 3
    assert "0 signals on the latest bars of 1,000 keys" in told
    some = done("--all", "--uri", sqlite.uri, SUPPORTED_SYMBOLS="S000USDT,S001USDT,GONE", SUPPORTED_TIMEFRAMES="15m,1h")
    assert "2 keys" in some
    assert "Without closed bars in the history: GONE|15m, GONE|1h, S000USDT|1h, S001USDT|1h." in some
    filtered = done("--all", "--uri", sqlite.uri, SUPPORTED_TIMEFRAMES="15m", SUPPORTED_SYMBOLS="S000USDT")
    assert "1 key," in filtered


def test_a_key_without_a_signal_is_no_error(sqlite: SQLiteFile) -> None:
    fill(sqlite, {"AAAUSDT|15m": some_bars(3)})
    named = ("--symbol", "AAAUSDT", "--timeframe", "15m", "--uri", sqlite.uri)
    assert "0 signals on the latest bars of 1 key" in done(*named)
    ended = analyze(*named, "--json")
    assert (ended.returncode, ended.stdout) == (0, "")


Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The one line that the command ends with. Runs in this process, quickly."""

    def run(*arguments: str, uri: str = "") -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MYSQL_URI", uri)
        monkeypatch.setattr(sys, "argv", ["ta-bot", "analyze", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (2, "")
        return one_line(said.err)

    return run


def test_what_the_user_must_mend_is_one_line(refused: Refused, tmp_path: Path) -> None:
    named = ("--symbol", "BTCUSDT", "--timeframe", "15m")
    assert "no closed bars of BTCUSDT|15m" in refused(*named)
    assert "no closed bars of any of 6 keys" in refused("--all")
    assert not (tmp_path / "ta-bot.sqlite3").exists()
    assert "--symbol and --timeframe, or --all" in refused()
    assert "--symbol and --timeframe, or --all" in refused("--symbol", "BTCUSDT")
    assert "--all takes neither" in refused("--all", *named)
    assert "unknown timeframe" in refused("--symbol", "BTCUSDT", "--timeframe", "7m")
    assert "bad symbol" in refused("--symbol", "x'; --", "--timeframe", "15m")
    assert "unknown" in refused(*named, "--strategies", "nonsense")
    assert "expected mysql" in refused(*named, "--uri", "postgresql://a:b@c/d")


def test_an_unknown_symbol_is_one_line(database: SqlDatabase, refused: Refused) -> None:
    fill(database, {"AAAUSDT|15m": some_bars(3)})
    assert "no closed bars of BBBUSDT|15m" in refused("--symbol", "BBBUSDT", "--timeframe", "15m", uri=database.uri)
    assert "no closed bars of AAAUSDT|1h" in refused("--symbol", "AAAUSDT", "--timeframe", "1h", uri=database.uri)


def test_a_server_that_is_away_is_one_line_without_secrets(
    mariadb: MariaDB, mysql: MySQLDatabase, refused: Refused
) -> None:
    with mariadb.down():
        for options in (("--all",), ("--symbol", "AAAUSDT", "--timeframe", "15m"), ("--all", "--json")):
            line = refused(*options, uri=mysql.uri)
            assert f"mysql://***@127.0.0.1:{mariadb.port}/{mysql.name}" in line
            assert not [secret for secret in (mysql.user, mysql.password) if secret in line]
