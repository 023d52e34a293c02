"""SIGTERM and SIGINT stop a replay with an exact snapshot: it goes on without doing a bar again."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from dataflow.recorded import recorded_files
from dataflow.replay.plan import Plan
from dataflow.replay.run import replay
from strategies.configuration import configuration_of
from tests.e2e.command import Argument, one_line
from tests.recovery.conftest import Market
from tests.recovery.lives import await_gone, life, part_bytes

BOTH = (signal.SIGTERM, signal.SIGINT)


@pytest.mark.parametrize(("processes", "first"), [(1, 0), (1, 1), (2, 0), (2, 1)])
def test_no_bar_is_done_twice_and_none_is_left_out(tmp_path: Path, market: Market, processes: int, first: int) -> None:
    folder, out = tmp_path / "recovery", tmp_path / "signals.jsonl"
    arguments: list[Argument] = [market.klines, "--processes", str(processes), "--out", out]
    bars: int = sum(
        _stopped(arguments, folder, share * len(market.signals), number)
        for share, number in zip((0.2, 0.5), (BOTH[first], BOTH[1 - first]), strict=True)
    )
    assert 0 < bars < market.total_bars
    assert not out.exists()
    assert not list(tmp_path.glob(".*")), "no half a file is left behind"
    plan = Plan(tuple(recorded_files([market.klines])), configuration_of(), folder, processes=processes, recovery=True)
    outcome = replay(plan, out)
    assert outcome.bars + bars == market.total_bars
    assert outcome.summary is not None
    assert outcome.summary.total("bars") == market.total_bars
    assert out.read_bytes() == market.signals


def _stopped(arguments: list[Argument], folder: Path, at_bytes: float, number: signal.Signals) -> int:
    """How many bars a replay says it has analyzed before it was stopped by a signal at so many bytes."""
    with life(*arguments, folder=folder) as run:
        assert run.until(lambda: part_bytes(folder) >= at_bytes)
        members = run.members()
        run.process.send_signal(number)
        assert run.ended() == 128 + number
        await_gone(members)
        said = one_line(run.said())
    assert f"goes on from there, with --recovery {folder}" in said
    found = re.search(r"interrupted after ([\d,]+) bars, nothing written", said)
    assert found, said
    return int(found[1].replace(",", ""))


def test_without_recovery_nothing_is_promised(tmp_path: Path, market: Market) -> None:
    out = tmp_path / "signals.jsonl"
    with life(market.klines, "--processes", "2", "--out", out, folder=tmp_path / "unused", recovery=False) as run:
        assert run.until(lambda: len(run.members()) == 2)
        run.process.send_signal(signal.SIGTERM)
        assert run.ended() == 143
        assert "--recovery" not in one_line(run.said())
    assert not out.exists()
