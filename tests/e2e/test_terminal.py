"""What is shown while a replay runs: a bar with a rate on a terminal, nothing in a pipe."""

from __future__ import annotations

import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.command import HANGS_SECS, TA_BOT, Argument, environment, made_up_bars, ta_bot, write_interleaved
from tests.e2e.conftest import Market

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@pytest.mark.parametrize("processes", ["1", "2"])
def test_silent_when_piped(market: Market, processes: str) -> None:
    ended = ta_bot("replay", market.file(), "--processes", processes)
    assert ended.stderr == ""
    assert "bars per second" in ended.stdout
    assert "bars/s" not in ended.stdout
    assert not CONTROL.search(ended.stdout)


def test_tables_in_a_pipe_are_not_cut(market: Market) -> None:
    assert "…" not in market.table
    assert max(map(len, market.table.splitlines())) <= 100


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_bar_with_rate_and_time_left_on_a_terminal(tmp_path: Path, processes: str) -> None:
    klines = write_interleaved(tmp_path / "klines.csv", made_up_bars(40))
    shown = _on_a_terminal("replay", klines, "--processes", processes)
    rates = [int(rate.replace(",", "")) for rate in re.findall(r"([\d,]+) bars/s", shown)]
    assert max(rates) > 0
    percents = [int(percent) for percent in re.findall(r"(\d+)%", shown)]
    assert max(percents) <= 100
    assert any(0 < percent < 100 for percent in percents)
    assert re.search(r"\d:\d\d:\d\d", shown), "time left"
    assert "bars per second" in shown


def _on_a_terminal(*arguments: Argument) -> str:
    """All that the command shows on a terminal."""
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [TA_BOT, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment(TERM="xterm-256color")
        )
        os.close(theirs)
        shown = _read_all(ours)
        assert process.wait(HANGS_SECS) == 0, shown
    finally:
        os.close(ours)
    return shown


def _read_all(descriptor: int) -> str:
    read = b""
    while True:
        try:
            some = os.read(descriptor, 65536)
        except OSError:  # what Linux says when the last one has closed the terminal
            some = b""
        if not some:
            return read.decode()
        read += some
