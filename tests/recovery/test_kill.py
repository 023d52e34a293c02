"""A replay that is killed at random places and started again ends with the output of an uninterrupted one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.e2e.command import Argument, count, one_line, replayed, without_rate
from tests.recovery.conftest import Market
from tests.recovery.lives import await_gone, life, part_bytes

KILLS = 3
BEGINNINGS = ("replay.lock", "snapshots/part-0.sqlite3", "snapshots/part-7.sqlite3", "replay.json")
END = "report-0.json"


@pytest.mark.parametrize("processes", [2, 3])
def test_the_output_does_not_depend_on_the_number_of_processes(tmp_path: Path, market: Market, processes: int) -> None:
    table = replayed(market.klines, "--processes", str(processes), "--out", tmp_path / "signals.jsonl")
    assert (tmp_path / "signals.jsonl").read_bytes() == market.signals
    assert without_rate(table) == without_rate(market.table)


@pytest.mark.parametrize(("processes", "seed"), [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5)])
def test_killed_at_random_places(tmp_path: Path, market: Market, processes: int, seed: int) -> None:
    folder, out = tmp_path / "recovery", tmp_path / "signals.jsonl"
    arguments: list[Argument] = [market.klines, "--processes", str(processes), "--out", out]
    struck = 0
    for place in _places(Random(seed), folder, len(market.signals)):
        with life(*arguments, folder=folder) as run:
            reached = run.until(place)
            struck += run.kill() and reached
    assert struck >= 2, "the replay outran the test"
    table = replayed(*arguments, "--recovery", folder)
    assert out.read_bytes() == market.signals
    assert without_rate(table) == without_rate(market.table)


def _places(random: Random, folder: Path, size: int) -> list[Callable[[], bool]]:
    """One place in the beginning or the end, and some where so many bytes of signals have been written."""
    thresholds = sorted(random.uniform(0.02, 0.85) * size for _ in range(KILLS - 1))
    places = [_written(folder, threshold) for threshold in thresholds]
    name = random.choice((*BEGINNINGS, END))
    places.insert(KILLS if name == END else 0, (folder / name).exists)
    return places


def _written(folder: Path, threshold: float) -> Callable[[], bool]:
    return lambda: part_bytes(folder) >= threshold


def test_a_killed_parent_takes_its_members_along(tmp_path: Path, market: Market) -> None:
    folder, out = tmp_path / "recovery", tmp_path / "signals.jsonl"
    arguments: list[Argument] = [market.klines, "--processes", "2", "--out", out]
    with life(*arguments, folder=folder) as run:
        assert run.until(_written(folder, 0.2 * len(market.signals)))
        members = run.members()
        assert len(members) == 2
        assert run.kill()
        await_gone(members)
    assert not out.exists()
    replayed(*arguments, "--recovery", folder)
    assert out.read_bytes() == market.signals


@pytest.mark.parametrize("victim", [0, 1])
def test_a_killed_member_ends_the_replay(tmp_path: Path, market: Market, victim: int) -> None:
    folder, out = tmp_path / "recovery", tmp_path / "signals.jsonl"
    arguments: list[Argument] = [market.klines, "--processes", "2", "--out", out]
    with life(*arguments, folder=folder) as run:
        assert run.until(_written(folder, 0.2 * len(market.signals)))
        members = run.members()
        os.kill(members[victim], signal.SIGKILL)
        assert run.ended() == 2
        assert "exit code -9" in one_line(run.said())
        await_gone(members)
    assert not out.exists()
    replayed(*arguments, "--recovery", folder)
    assert out.read_bytes() == market.signals


def test_an_ended_replay_run_again_gives_the_same_again(tmp_path: Path, market: Market) -> None:
    folder, out = tmp_path / "recovery", tmp_path / "signals.jsonl"
    arguments: list[Argument] = [market.klines, "--out", out, "--recovery", folder]
    first = replayed(*arguments)
    assert out.read_bytes() == market.signals
    out.unlink()
    second = replayed(*arguments)
    assert out.read_bytes() == market.signals
    assert count(second, "bars per second") == 0, "nothing is left to be analyzed"
    assert without_rate(first) == without_rate(second) == without_rate(market.table)
