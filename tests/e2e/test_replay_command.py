"""The options of `ta-bot replay`, each by what it changes in the output."""

from __future__ import annotations

import gzip
import shutil
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from operators.times import parse_time_ms
from state.timeframe import TIMEFRAMES
from strategies.configuration import configuration_of
from tests.e2e.command import analyzed, count, lines_of, replayed, signals_in, ta_bot, without_rate, write_interleaved
from tests.e2e.conftest import Market

MIDDLE = "2024-01-07 06:00"
MIDDLE_MS = parse_time_ms(MIDDLE)


def _lines(content: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in content.splitlines()]


def _joined(signals: Iterable[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(signal) + b"\n" for signal in signals)


def _open_ms(signal: dict[str, Any]) -> int:
    return parse_time_ms(signal["metadata"]["bar_open_time"])


def _replayed(market: Market, out: Path, *options: str | Path) -> list[dict[str, Any]]:
    replayed(market.folder, "--out", out, *options)
    return signals_in(out)


def test_the_signals_are_those_of_the_analyzer_in_the_order_of_time(market: Market) -> None:
    assert market.signals == lines_of(analyzed(market.bars))
    times = [signal["timestamp"] for signal in _lines(market.signals)]
    assert len(times) > 500
    assert times == sorted(times)


@pytest.mark.parametrize("processes", ["2", "3"])
def test_more_processes_give_the_same_output_and_tables(market: Market, tmp_path: Path, processes: str) -> None:
    table = replayed(market.folder, "--out", tmp_path / "signals.jsonl", "--processes", processes)
    assert (tmp_path / "signals.jsonl").read_bytes() == market.signals
    assert without_rate(table) == without_rate(market.table)


def test_tables_sum_up_the_signals(market: Market) -> None:
    signals = _lines(market.signals)
    for strategy_id in {signal["strategy_id"] for signal in signals}:
        [row] = [line.split() for line in market.table.splitlines() if line.split()[:1] == [strategy_id]]
        of_strategy = [signal["action"] for signal in signals if signal["strategy_id"] == strategy_id]
        by_action = [of_strategy.count(action) for action in ("buy", "sell", "hold")]
        assert [int(cell) for cell in row[1:]] == [number for number in by_action if number]
    for symbol in ("SYNTHAUSDT", "SYNTHBUSDT", "SYNTHCUSDT"):
        trades = sum(signal["symbol"] == symbol and signal["action"] != "hold" for signal in signals)
        assert [symbol, "12.0", f"{trades:,}", f"{trades / 12:,.1f}"] in map(str.split, market.table.splitlines())
    assert count(market.table, "analyzed") == sum(map(len, market.bars.values()))
    assert count(market.table, "bars per second") > 0


def test_strategies_chooses(market: Market, tmp_path: Path) -> None:
    chosen = {"doji_reversal", "momentum_pulse"}
    signals = _replayed(market, tmp_path / "out.jsonl", "--strategies", " momentum_pulse, doji_reversal")
    assert {signal["strategy_id"] for signal in signals} == chosen
    assert signals == [signal for signal in _lines(market.signals) if signal["strategy_id"] in chosen]


def test_set_overrides_one_parameter_and_is_told(market: Market, tmp_path: Path) -> None:
    overrides = ("--set", "doji_reversal.trend_period=30", "--set", "doji_reversal.risk_reward=3.5")
    signals = _replayed(market, tmp_path / "out.jsonl", *overrides)
    expected = configuration_of(overrides={"doji_reversal": {"trend_period": 30, "risk_reward": 3.5}})
    bare = [signal | {"metadata": None} for signal in signals]
    assert bare == [signal.as_dict() | {"metadata": None} for signal in analyzed(market.bars, 0, expected)]
    changed = [signal for signal in signals if signal["strategy_id"] == "doji_reversal"]
    others = [signal for signal in signals if signal["strategy_id"] != "doji_reversal"]
    assert others == [signal for signal in _lines(market.signals) if signal["strategy_id"] != "doji_reversal"]
    assert changed
    for signal in changed:
        config = signal["metadata"]["strategy_config"]
        assert config["parameters"] == {"trend_period": 30, "risk_reward": 3.5}
        assert config["source"] == "command_line"
        assert signal["metadata"]["risk_reward_ratio"] == pytest.approx(3.5)


def test_min_confidence_is_a_floor(market: Market, tmp_path: Path) -> None:
    signals = _replayed(market, tmp_path / "out.jsonl", "--min-confidence", "0.75")
    assert min(signal["confidence"] for signal in _lines(market.signals)) < 0.75
    assert signals
    assert min(signal["confidence"] for signal in signals) >= 0.75


@pytest.mark.parametrize("cooldown", [0, 300])
def test_cooldown_keeps_signals_apart(market: Market, tmp_path: Path, cooldown: int) -> None:
    signals = _replayed(market, tmp_path / "out.jsonl", "--cooldown-bars", str(cooldown))
    distance, usual = _least_distance(signals), _least_distance(_lines(market.signals))
    assert usual >= 64
    assert distance >= 300 if cooldown else distance < 64


def _least_distance(signals: list[dict[str, Any]]) -> int:
    """The fewest bars between two signals of one strategy, key and action."""
    times = defaultdict(list)
    for signal in signals:
        alike = tuple(signal[name] for name in ("strategy_id", "symbol", "timeframe", "action"))
        times[alike].append(_open_ms(signal) // TIMEFRAMES[signal["timeframe"]].span_ms)
    return min(later - earlier for series in times.values() for earlier, later in pairwise(series))


def test_from_only_warms_up_with_earlier_bars(market: Market, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    table = replayed(market.folder, "--out", out, "--from", MIDDLE)
    assert out.read_bytes() == lines_of(analyzed(market.bars, MIDDLE_MS))
    bars = [bar for of_key in market.bars.values() for bar in of_key]
    warm_up = sum(bar.open_time_ms < MIDDLE_MS for bar in bars)
    assert count(table, "only warmed up") == warm_up
    assert count(table, "analyzed") == len(bars) - warm_up


def test_from_and_to_cut_a_run_without_cooldown_out_of_the_whole(market: Market, tmp_path: Path) -> None:
    end = "2024-01-10T00:00:00Z"
    whole = _replayed(market, tmp_path / "whole.jsonl", "--cooldown-bars", "0")
    cut = _replayed(market, tmp_path / "cut.jsonl", "--cooldown-bars", "0", "--from", MIDDLE, "--to", end)
    assert cut == [signal for signal in whole if MIDDLE_MS <= _open_ms(signal) < parse_time_ms(end)]
    assert 0 < len(cut) < len(whole)


def test_to_leaves_later_bars_out(market: Market, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    table = replayed(market.folder, "--out", out, "--to", str(MIDDLE_MS), "--processes", "2")
    assert signals_in(out) == [signal for signal in _lines(market.signals) if _open_ms(signal) < MIDDLE_MS]
    bars = [bar for of_key in market.bars.values() for bar in of_key]
    assert count(table, "analyzed") == sum(bar.open_time_ms < MIDDLE_MS for bar in bars)


def test_alerts_out_takes_the_alerts_and_nothing_else(market: Market, tmp_path: Path) -> None:
    trades = _replayed(market, tmp_path / "out.jsonl", "--alerts-out", tmp_path / "alerts.jsonl")
    alerts = signals_in(tmp_path / "alerts.jsonl")
    whole = _lines(market.signals)
    assert alerts == [signal for signal in whole if signal["action"] == "hold"] != []
    assert trades == [signal for signal in whole if signal["action"] != "hold"]


def test_alerts_out_and_out_on_the_same_file_lose_nothing(market: Market, tmp_path: Path) -> None:
    """Either it is refused, or the file holds all."""
    out = tmp_path / "out.jsonl"
    ended = ta_bot("replay", market.folder, "--out", out, "--alerts-out", out)
    assert ended.returncode == 2 or out.read_bytes() == market.signals


def test_out_on_stdout_moves_the_tables_to_stderr(market: Market) -> None:
    ended = ta_bot("replay", market.folder, "--out", "-")
    assert ended.stdout.encode() == market.signals
    assert count(ended.stderr, "analyzed") == count(market.table, "analyzed")


def test_alerts_alone_on_stdout(market: Market, tmp_path: Path) -> None:
    """A dash means standard output for both; no file of that name is made."""
    ended = ta_bot("replay", market.folder, "--alerts-out", "-", cwd=tmp_path)
    assert not list(tmp_path.iterdir())
    alerts = [signal for signal in _lines(market.signals) if signal["action"] == "hold"]
    assert ended.returncode == 2 or ended.stdout.encode() == _joined(alerts)


def test_symbol_and_timeframe_name_what_the_file_does_not(market: Market, tmp_path: Path) -> None:
    key = "SYNTHBUSDT|1h"
    nameless = Path(shutil.copy(market.file(key), tmp_path / "klines.csv"))
    options = ("--symbol", "OTHERUSDT", "--timeframe", "1h", "--cooldown-bars", "0")
    replayed(nameless, "--out", tmp_path / "out.jsonl", *options)
    signals = signals_in(tmp_path / "out.jsonl")
    assert {(signal["symbol"], signal["timeframe"]) for signal in signals} == {("OTHERUSDT", "1h")}
    expected = analyzed({"OTHERUSDT|1h": market.bars[key]}, 0, configuration_of({"cooldown_bars": 0}))
    assert (tmp_path / "out.jsonl").read_bytes() == lines_of(expected)


def test_folders_packed_files_and_one_file_of_all_keys_are_read_alike(market: Market, tmp_path: Path) -> None:
    (tmp_path / "klines" / "deep").mkdir(parents=True)
    for index, file in enumerate(sorted(market.folder.iterdir())):
        if index % 2:
            shutil.copy(file, tmp_path / "klines" / "deep")
        else:
            (tmp_path / "klines" / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
    one = write_interleaved(tmp_path / "all.csv", market.bars)
    for path in (tmp_path / "klines", one):
        replayed(path, "--out", tmp_path / "out.jsonl")
        assert (tmp_path / "out.jsonl").read_bytes() == market.signals


@pytest.mark.parametrize("option", ["--out", "--recovery"])
def test_what_a_replay_writes_is_no_input_of_the_next_one(market: Market, tmp_path: Path, option: str) -> None:
    """Folders are searched for klines, and people keep what belongs together together."""
    klines = Path(shutil.copytree(market.folder, tmp_path / "klines"))
    written = {"--out": klines / "signals.jsonl", "--recovery": klines / "recovery"}[option]
    first, second = (ta_bot("replay", klines, option, written) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0), second.stderr
    assert count(second.stdout, "analyzed") == count(first.stdout, "analyzed")
    assert count(second.stdout, "bad rows skipped") == 0
