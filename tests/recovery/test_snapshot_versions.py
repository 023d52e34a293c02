"""A snapshot of another version is refused, and its key warms up again from history; snapshots are small."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from state.snapshot import SNAPSHOT_VERSION
from tests.e2e.command import (
    HANGS_SECS,
    TA_BOT,
    Argument,
    analyzed,
    count,
    environment,
    in_order,
    lines_of,
    replayed,
)
from tests.kit import real_klines_file
from tests.recovery.conftest import Market
from tests.recovery.lives import last_open_ms, life, part_bytes, rewrite_snapshots, stored_snapshots

MAX_BYTES = 20_000

LATER_VERSION = (
    sys.executable,
    "-c",
    "import state.snapshot; state.snapshot.SNAPSHOT_VERSION += 1; from dataflow.cli import main; main()",
)


def test_a_later_program_refuses_snapshots_and_warms_up(tmp_path: Path, market: Market) -> None:
    folder, stopped_at = tmp_path / "recovery", _stopped(tmp_path, market)
    ended = _gone_on(tmp_path, market, command=LATER_VERSION)
    _assert_warmed_up(tmp_path, market, stopped_at, ended, SNAPSHOT_VERSION + 1, SNAPSHOT_VERSION)
    versions = {pickle.loads(pickled)["version"] for pickled in stored_snapshots(folder).values()}  # noqa: S301
    assert versions == {SNAPSHOT_VERSION + 1}


def test_members_of_a_cluster_refuse_snapshots_too(tmp_path: Path, market: Market) -> None:
    stopped_at = _stopped(tmp_path, market, "--processes", "2")
    rewrite_snapshots(tmp_path / "recovery", lambda snapshot: snapshot | {"version": 999})
    ended = _gone_on(tmp_path, market, "--processes", "2")
    _assert_warmed_up(tmp_path, market, stopped_at, ended, SNAPSHOT_VERSION, 999)


REWRITES: dict[str, Callable[[dict[str, Any]], object]] = {
    "no snapshot": lambda _: ["something", "else"],
    "no version": lambda snapshot: {name: value for name, value in snapshot.items() if name != "version"},
    "nothing but a version": lambda snapshot: {"version": snapshot["version"]},
    "no indicators": lambda snapshot: snapshot | {"indicators": {}},
    "cut indicators": lambda snapshot: snapshot | {"indicators": dict.fromkeys(snapshot["indicators"], b"12345")},
}


@pytest.mark.parametrize("rewrite", REWRITES)
def test_a_snapshot_that_is_none_is_refused(tmp_path: Path, market: Market, rewrite: str) -> None:
    stopped_at = _stopped(tmp_path, market)
    rewrite_snapshots(tmp_path / "recovery", REWRITES[rewrite])
    _assert_warmed_up(tmp_path, market, stopped_at, _gone_on(tmp_path, market))


def _stopped(folder: Path, market: Market, *options: str) -> dict[str, int]:
    """Stop a replay in the middle; by key, the open time of the last bar before."""
    recovery = folder / "recovery"
    with life(market.klines, "--out", folder / "signals.jsonl", *options, folder=recovery) as run:
        assert run.until(lambda: part_bytes(recovery) >= 0.4 * len(market.signals))
        run.process.send_signal(signal.SIGTERM)
        assert run.ended() == 143, run.said()
    stopped_at = last_open_ms(recovery)
    assert stopped_at.keys() == market.bars.keys()
    return stopped_at


def _gone_on(
    folder: Path, market: Market, *options: str, command: Sequence[Argument] = (TA_BOT,)
) -> subprocess.CompletedProcess[str]:
    paths: list[Argument] = ["--out", folder / "signals.jsonl", "--recovery", folder / "recovery"]
    ended = subprocess.run(
        [*command, "replay", market.klines, *paths, *options],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=HANGS_SECS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended


def _assert_warmed_up(
    folder: Path,
    market: Market,
    stopped_at: dict[str, int],
    ended: subprocess.CompletedProcess[str],
    expected: int | None = None,
    got: int | None = None,
) -> None:
    warnings = ended.stderr.splitlines()
    assert len(warnings) == len(market.bars), ended.stderr
    why = "" if got is None else f"expected a snapshot of version {expected}, got version {got}"
    for key in market.bars:
        assert any(f"{key}: " in line and why in line for line in warnings), (key, warnings)
    assert count(ended.stdout, "snapshots refused, warmed up again") == len(market.bars)
    assert count(ended.stdout, "analyzed") == market.total_bars, "history bars are not counted again"
    old = {key: [bar for bar in bars if bar.open_time_ms <= stopped_at[key]] for key, bars in market.bars.items()}
    before = analyzed(old)
    after = analyzed(market.bars, {key: last + 1 for key, last in stopped_at.items()})
    assert before
    assert after
    assert (folder / "signals.jsonl").read_bytes() == lines_of(in_order([*before, *after]))


def test_snapshots_are_small_after_a_year(tmp_path: Path) -> None:
    folder = tmp_path / "recovery"
    table = replayed(real_klines_file("BTCUSDT", "15m"), real_klines_file("BTCUSDT", "1h"), "--recovery", folder)
    assert count(table, "analyzed") > 40_000
    sizes = {key: len(pickled) for key, pickled in stored_snapshots(folder).items()}
    assert sizes.keys() == {"BTCUSDT|15m", "BTCUSDT|1h"}
    assert max(sizes.values()) <= MAX_BYTES, sizes
