"""The command `ta-bot` in a process of its own, and what to make of its output."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson

from dataflow.market import SYNTHETIC_SYMBOLS, hourly_bars, synthetic_bars
from operators.analyzer import KeyAnalyzer
from operators.times import format_time
from state.bar import Bar
from state.key import key_of
from state.timeframe import TIMEFRAMES
from strategies.configuration import Configuration, configuration_of
from strategies.signal import Signal

TA_BOT = Path(sys.executable).with_name("ta-bot")
HANGS_SECS = 240.0
HEADER = "time,open,high,low,close,volume"

Argument = str | Path


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would change the command's output."""
    return {name: value for name, value in os.environ.items() if name not in {"LOG_LEVEL", "COLUMNS"}} | more


def ta_bot(
    *arguments: Argument, cwd: Path | None = None, below: Sequence[Argument] = ()
) -> subprocess.CompletedProcess[str]:
    """The ended command, started by another one where `below` is that; its stdout and stderr were pipes."""
    return subprocess.run(
        [*below, TA_BOT, *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment(),
        timeout=HANGS_SECS,
        check=False,
    )


def replayed(*arguments: Argument) -> str:
    """What a replay that must succeed wrote on stdout."""
    ended = ta_bot("replay", *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def refusal(*arguments: Argument, cwd: Path | None = None) -> str:
    """The one line that the command said about a user's error."""
    ended = ta_bot(*arguments, cwd=cwd)
    assert ended.returncode == 2, (ended.returncode, ended.stderr)
    return one_line(ended.stderr)


def one_line(stderr: str) -> str:
    """The only line on stderr."""
    assert re.fullmatch(r"ta-bot: \S[^\n]*\n", stderr), f"expected one line, got:\n{stderr}"
    return stderr.strip()


def count(table: str, row: str) -> int:
    """The number in a row of the table of bars."""
    found = re.search(rf"^ *{re.escape(row)} +([\d,]+) *$", table, re.MULTILINE)
    assert found, f"no row {row!r} in\n{table}"
    return int(found[1].replace(",", ""))


def without_rate(table: str) -> list[list[str]]:
    """The words of tables, line by line; without the speed, whose width also decides on that of its column."""
    lines = (line.strip(" ─") for line in table.splitlines() if "bars per second" not in line)
    return [line.split() for line in lines]


def signals_in(path: Path) -> list[dict[str, Any]]:
    """The signals of a file of JSON lines."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def made_up_bars(days: int, symbols: Sequence[str] = tuple(SYNTHETIC_SYMBOLS)) -> dict[str, list[Bar]]:
    """The synthetic market by key."""
    bars: dict[str, list[Bar]] = {}
    for symbol in symbols:
        quarters = list(synthetic_bars(symbol, days=days))
        bars[key_of(symbol, TIMEFRAMES["15m"])] = quarters
        bars[key_of(symbol, TIMEFRAMES["1h"])] = list(hourly_bars(quarters))
    return bars


def write_interleaved(path: Path, bars: dict[str, list[Bar]]) -> Path:
    """All keys in one file, in the order of time, with columns for symbol and timeframe."""
    rows = sorted((bar.open_time_ms, key, bar) for key, of_key in bars.items() for bar in of_key)
    lines = [f"symbol,timeframe,{HEADER}", *(f"{key.replace('|', ',')},{row_of(bar)}" for _, key, bar in rows)]
    path.write_text("\n".join([*lines, ""]))
    return path


def write_bars(path: Path, bars: Iterable[Bar]) -> Path:
    """The bars of one key, whose name is the file's."""
    path.write_text("\n".join([HEADER, *map(row_of, bars), ""]))
    return path


def row_of(bar: Bar) -> str:
    """A bar as a row under `HEADER`; floats are written so that they are read back the same."""
    return ",".join([format_time(bar.open_time_ms), *(repr(value) for value in bar[1:])])


def analyzed(
    bars: dict[str, list[Bar]], from_ms: dict[str, int] | int = 0, configuration: Configuration | None = None
) -> list[Signal]:
    """The signals of keys that are warmed up with their bars before `from_ms`, in the order of a replay's output."""
    signals: list[Signal] = []
    for key, of_key in bars.items():
        start_ms = from_ms if isinstance(from_ms, int) else from_ms[key]
        analyzer = KeyAnalyzer(key, configuration or configuration_of())
        analyzer.warm_up(bar for bar in of_key if bar.open_time_ms < start_ms)
        for bar in of_key:
            if bar.open_time_ms >= start_ms:
                signals += analyzer.on_bar(bar)
    return in_order(signals)


def in_order(signals: Iterable[Signal]) -> list[Signal]:
    """Signals as a replay orders them."""
    return sorted(signals, key=lambda one: (one.timestamp, one.symbol, one.timeframe, one.strategy_id, one.action))


def lines_of(signals: Iterable[Signal]) -> bytes:
    """The file that holds these signals."""
    return b"".join(signal.to_json() + b"\n" for signal in signals)
