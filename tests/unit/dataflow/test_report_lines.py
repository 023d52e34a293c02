"""Lines that should be signals: which ones are, and what is said of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from dataflow.market import synthetic_bars
from dataflow.report.signal_lines import LONGEST_LINE, read_signals
from operators.analyzer import KeyAnalyzer
from state.errors import StopProgram
from strategies.configuration import configuration_of
from strategies.signal import Signal


def signals() -> list[Signal]:
    analyzer = KeyAnalyzer("SYNTHAUSDT|15m", configuration_of())
    return [signal for bar in synthetic_bars("SYNTHAUSDT", days=6) for signal in analyzer.on_bar(bar)]


def changed(**fields: Any) -> bytes:
    buy = next(signal for signal in signals() if signal.action == "buy").as_dict()
    metadata = fields.pop("metadata", {})
    return orjson.dumps({**buy, **fields, "metadata": {**buy["metadata"], **metadata}})


def test_signals_are_read_as_they_were_written_and_each_once(tmp_path: Path) -> None:
    written = signals()
    path = tmp_path / "signals.jsonl"
    path.write_bytes(b"\n".join([*(signal.to_json() for signal in written), written[0].to_json(), b"", b" "]))
    given = read_signals(path)
    assert [one.signal for one in given.signals] == written
    assert (given.repeated, given.bad_count) == (1, 0)
    assert {one.key for one in given.signals} == {"SYNTHAUSDT|15m"}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "EOF while parsing"),
        (b"[1]", "an object"),
        (b"\xff\xfe", "Invalid JSON"),
        (b'{"a":' + b"[" * 100_000, "recursion limit"),
        (b"x" * (LONGEST_LINE - 1), "Invalid JSON"),
        (changed(symbol="<b>"), "bad symbol '<b>'"),
        (changed(symbol="btcusdt"), "expected upper case, got 'btcusdt'"),
        (changed(timeframe="17m"), "17m"),
        (changed(action="bye"), "action: Input should be 'buy', 'sell', 'hold' or 'close', got 'bye'"),
        (changed(confidence="0.5"), "confidence: Input should be a valid number, got '0.5'"),
        (changed(confidence=1.5), "confidence: expected 0 to 1, got 1.5"),
        (changed().replace(b'"confidence":', b'"confidence":NaN,"x":'), "confidence: expected 0 to 1, got nan"),
        (changed(indicators={"rsi": "high"}), "indicators.rsi: Input should be a valid number, got 'high'"),
        (changed(price=1e-9), "a buy at 1e-09 cannot have the stop"),
        (changed(stop_loss=None), "cannot have the stop None"),
        (changed(strategy_id=""), "strategy_id: expected 1 to 200 characters, got 0"),
        (changed(metadata={"bar_open_time": "soon"}), "got 'soon'"),
        (changed(metadata={"bar_open_time": "2024-01-01T00:01:00Z"}), "no bar of 15m opens then"),
    ],
)
def test_what_is_no_signal_is_said_and_left_out(tmp_path: Path, line: bytes, reason: str) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(b"\n".join([changed(), line, changed(signal_id="another")]))
    given = read_signals(path)
    assert [one.signal.signal_id == "another" for one in given.signals] == [False, True]
    assert given.bad_count == 1
    assert given.bad_lines[0].startswith("signals.jsonl:2: ")
    assert reason in given.bad_lines[0]
    assert len(given.bad_lines[0]) < 300


def test_only_the_first_bad_lines_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_bytes(b"{}\n" * 1000)
    given = read_signals(path)
    assert (given.bad_count, len(given.bad_lines)) == (1000, 3)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StopProgram, match=r"nowhere\.jsonl: cannot be read: No such file"):
        read_signals(tmp_path / "nowhere.jsonl")
