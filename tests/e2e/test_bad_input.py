"""Bad rows, defects in the order of bars, and everything a user can get wrong."""

from __future__ import annotations

import gzip
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dataflow.cli import main
from tests.e2e.command import (
    HEADER,
    Argument,
    analyzed,
    count,
    lines_of,
    made_up_bars,
    one_line,
    refusal,
    row_of,
    ta_bot,
    write_bars,
)
from tests.e2e.conftest import Market

KEY = "SYNTHAUSDT|15m"
BARS = made_up_bars(6, ["SYNTHAUSDT"])[KEY]

BAD_ROWS = {
    "2024-01-03T00:07:00Z,1,1,1,1,1": "15m",
    "not a time,1,1,1,1,1": "open time",
    "2024-01-03,1,1,1,cheap,1": "close",
    "2024-01-03,1,1,1": "expected 6 columns, got 4",
    "2024-01-03,5,4,3,4,1": "high",
    "2024-01-03,5,6,3,4,-1": "volume",
    "2024-01-03,nan,6,3,4,1": "open",
    "2024-01-03,1_0,20,5,15,1": "open",
    "2024-01-03,5,inf,3,4,1": "high",
}
"""Rows that cannot be used, and a word of the reason."""


def _with_defects(path: Path) -> dict[int, str]:
    """Write `BARS` with known defects: 3 repeated and 4 late bars, 2 gaps of 6 bars, a blank line and bad rows.

    By line, what the reason of each bad row says.
    """
    rows = [row_of(bar) for bar in BARS]
    bad = list(BAD_ROWS)
    kept = rows[:100] + [rows[99]] * 2 + rows[100:200] + rows[150:153] + rows[200:300]
    kept += ["", *bad[:4], *rows[305:400], rows[399], rows[0], *rows[401:], *bad[4:]]
    path.write_text("\n".join([HEADER, *kept, ""]))
    return {number: BAD_ROWS[row] for number, row in enumerate(kept, start=2) if row in BAD_ROWS}


@pytest.mark.parametrize("processes", ["1", "2"])
def test_defects_are_dropped_counted_and_told(tmp_path: Path, processes: str) -> None:
    klines, out = tmp_path / "SYNTHAUSDT-15m.csv", tmp_path / "out.jsonl"
    bad = _with_defects(klines)
    ended = ta_bot("replay", klines, "--out", out, "--processes", processes)
    assert ended.returncode == 0, ended.stderr
    rows = (
        "analyzed",
        "dropped, repeated",
        "dropped, out of order",
        "bad rows skipped",
        "gaps",
        "bars missing in gaps",
    )
    assert [count(ended.stdout, row) for row in rows] == [len(BARS) - 6, 3, 4, len(BAD_ROWS), 2, 6]
    told = sorted(ended.stderr.splitlines())  # processes tell theirs in no order
    assert len(told) == len(bad)
    for line, (number, reason) in zip(told, bad.items(), strict=True):
        assert line.startswith(f"bad row: {klines}:{number}: ")
        assert reason in line.removeprefix(f"bad row: {klines}:{number}: ")
    assert out.read_bytes() == lines_of(analyzed({KEY: BARS[:300] + BARS[305:400] + BARS[401:]}))


@pytest.mark.parametrize("processes", ["1", "2"])
def test_strict_makes_a_bad_row_an_error(tmp_path: Path, processes: str) -> None:
    """The first one; where several processes read, one of them."""
    klines, out = tmp_path / "SYNTHAUSDT-15m.csv", tmp_path / "out.jsonl"
    bad = list(_with_defects(klines).items())
    message = refusal("replay", klines, "--out", out, "--strict", "--processes", processes)
    candidates = bad[:1] if processes == "1" else bad
    assert any(
        message.startswith(f"ta-bot: {klines}:{number}: ") and reason in message for number, reason in candidates
    )
    assert not out.exists()


def test_strict_is_content_with_good_rows(market: Market, tmp_path: Path) -> None:
    assert ta_bot("replay", market.folder, "--out", tmp_path / "out.jsonl", "--strict").returncode == 0
    assert (tmp_path / "out.jsonl").read_bytes() == market.signals


def test_many_bad_rows_are_only_counted(tmp_path: Path) -> None:
    klines = write_bars(tmp_path / "SYNTHAUSDT-15m.csv", BARS)
    klines.write_text(klines.read_text() + "no row\n" * 5000)
    ended = ta_bot("replay", klines)
    assert count(ended.stdout, "bad rows skipped") == 5000
    assert len(ended.stderr.splitlines()) < 100


def test_a_hostile_row_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    klines = write_bars(tmp_path / "SYNTHAUSDT-15m.csv", BARS)
    klines.write_text(klines.read_text() + "\x1b[2J\x1b]0;owned\x07,1,1,1,1,1\n")
    ended = ta_bot("replay", klines)
    assert count(ended.stdout, "bad rows skipped") == 1
    assert "\x1b" not in ended.stdout + ended.stderr


def _files(folder: Path) -> None:
    """The input that `MISTAKES` speak of, in the folder where the command runs."""
    good = write_bars(folder / "SYNTHAUSDT-15m.csv", BARS[:300])
    packed = gzip.compress(os.urandom(200_000) + good.read_bytes())
    (folder / "cut-SYNTHAUSDT-15m.csv.gz").write_bytes(gzip.compress(good.read_bytes())[:-2000])
    (folder / "binary-SYNTHAUSDT-15m.csv").write_bytes(packed[10:5000])
    (folder / "empty-SYNTHAUSDT-15m.csv").write_bytes(b"")
    (folder / "broken-SYNTHAUSDT-15m.zip").write_bytes(b"PK\x03\x04" + os.urandom(500))
    (folder / "prose-SYNTHAUSDT-15m.csv").write_text("It was a dark and stormy night.\n")
    (folder / "nameless.csv").write_text(good.read_text())
    (folder / "folder").mkdir()


GOOD = "SYNTHAUSDT-15m.csv"
MISTAKES: dict[str, tuple[list[Argument], str]] = {
    "missing": (["nowhere.csv"], "nowhere.csv: cannot be read"),
    "one of two missing": ([GOOD, "nowhere.csv"], "nowhere.csv: cannot be read"),
    "cut": (["cut-SYNTHAUSDT-15m.csv.gz"], "cut-SYNTHAUSDT-15m.csv.gz: "),
    "cut, by a cluster": (["cut-SYNTHAUSDT-15m.csv.gz", "--processes", "2"], "cut-SYNTHAUSDT-15m.csv.gz: "),
    "binary": (["binary-SYNTHAUSDT-15m.csv"], "binary-SYNTHAUSDT-15m.csv: not klines"),
    "empty": (["empty-SYNTHAUSDT-15m.csv"], "empty-SYNTHAUSDT-15m.csv: is empty"),
    "broken zip": (["broken-SYNTHAUSDT-15m.zip"], "broken-SYNTHAUSDT-15m.zip: cannot be read"),
    "prose": (["prose-SYNTHAUSDT-15m.csv"], "prose-SYNTHAUSDT-15m.csv: not klines"),
    "empty folder": (["folder"], "folder: no "),
    "no symbol": (["nameless.csv", "--timeframe", "15m"], "--symbol"),
    "no timeframe": (["nameless.csv", "--symbol", "SYNTHAUSDT"], "--timeframe"),
    "unknown timeframe": ([GOOD, "--timeframe", "7m"], "unknown timeframe '7m'"),
    "bad symbol": ([GOOD, "--symbol", "B/T"], "bad symbol 'B/T'"),
    "unknown strategy": ([GOOD, "--strategies", "doji_reversal,astrology"], "unknown strategy 'astrology'"),
    "no strategy": ([GOOD, "--strategies", ","], "strateg"),
    "set: unknown strategy": ([GOOD, "--set", "astrology.sign=1"], "unknown strategy 'astrology'"),
    "set: unknown parameter": ([GOOD, "--set", "doji_reversal.sign=1"], "doji_reversal.sign"),
    "set: no value": ([GOOD, "--set", "doji_reversal.risk_reward"], "strategy.parameter=value"),
    "set: no number": ([GOOD, "--set", "doji_reversal.risk_reward=high"], "doji_reversal.risk_reward"),
    "set: too large": ([GOOD, "--set", "doji_reversal.risk_reward=1e9"], "doji_reversal.risk_reward"),
    "set: not finite": ([GOOD, "--set", "doji_reversal.risk_reward=nan"], "doji_reversal.risk_reward"),
    "set: not whole": ([GOOD, "--set", "doji_reversal.trend_period=9.5"], "doji_reversal.trend_period"),
    "set: contradiction": ([GOOD, "--set", "golden_trend_sync.ema_slow=2"], "golden_trend_sync"),
    "confidence": ([GOOD, "--min-confidence", "1.5"], "min_confidence"),
    "cooldown": ([GOOD, "--cooldown-bars", "-1"], "cooldown_bars"),
    "from": ([GOOD, "--from", "yesterday"], "--from"),
    "to": ([GOOD, "--to", "2024-13-01"], "--to"),
    "from after to": ([GOOD, "--from", "2024-01-02", "--to", "2024-01-01"], "--to must be later than --from"),
    "from at to": ([GOOD, "--from", "2024-01-02", "--to", "2024-01-02"], "--to must be later than --from"),
    "out in no folder": ([GOOD, "--out", "nowhere/out.jsonl"], "nowhere/out.jsonl: cannot be written"),
    "out is a folder": ([GOOD, "--out", "folder"], "folder: cannot be written"),
    "alerts in no folder": ([GOOD, "--alerts-out", "nowhere/out.jsonl"], "nowhere/out.jsonl: cannot be written"),
    "out cannot be made": ([GOOD, "--out", "/proc/out.jsonl"], "/proc/out.jsonl: cannot be written"),
}


@pytest.fixture
def refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> Callable[..., str]:
    """`refusal` of a replay that starts no others. Runs in this process, quickly."""

    def run(*arguments: Argument) -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["ta-bot", "replay", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert [record.message for record in caplog.records if record.levelno >= logging.INFO] == []
        return one_line(capfd.readouterr().err)

    return run


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_users_mistake_is_told_in_one_line(tmp_path: Path, refused: Callable[..., str], mistake: str) -> None:
    _files(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    arguments, expected = MISTAKES[mistake]
    out = [] if "--out" in arguments else ["--out", "out.jsonl"]
    in_cluster = "--processes" in arguments
    said = refusal("replay", *arguments, *out, cwd=tmp_path) if in_cluster else refused(*arguments, *out)
    assert expected in said
    assert sorted(tmp_path.rglob("*")) == before, "nothing is left behind"


@pytest.mark.parametrize(
    "arguments", [[], ["--bogus"], ["x.csv", "--processes", "0"], ["x.csv", "--min-confidence", "high"]], ids=" ".join
)
def test_a_wrong_command_line_is_told_without_a_traceback(arguments: list[str]) -> None:
    ended = ta_bot("replay", *arguments)
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("processes", ["1", "2"])
@pytest.mark.parametrize("largest_bytes", [8_000, 300_000])
def test_a_full_disk_is_told_in_one_line(market: Market, tmp_path: Path, processes: str, largest_bytes: int) -> None:
    """A limit on the size of files stands for it: the smaller one is met by the flow, the larger one by the result."""
    out = tmp_path / "out.jsonl"
    limit = ["prlimit", f"--fsize={largest_bytes}"]
    ended = ta_bot("replay", market.folder, "--out", out, "--processes", processes, below=limit)
    assert ended.returncode == 2, (ended.returncode, ended.stderr)
    assert "File too large" in one_line(ended.stderr)
    assert not list(tmp_path.iterdir())


def test_out_on_a_pipe_with_a_name_leaves_it_one(market: Market, tmp_path: Path) -> None:
    """Devices and pipes are written to or refused, never replaced by a file."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ended = ta_bot("replay", market.file(), "--strategies", "doji_reversal", "--out", pipe)
        read = os.read(reader, 65536)
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert ended.returncode == 2 or read.endswith(b"}\n")
