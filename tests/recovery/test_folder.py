"""What a recovery folder must be: this very replay's, undamaged, and nobody else's."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.command import Argument, made_up_bars, refusal, replayed, ta_bot, write_bars
from tests.recovery.conftest import Market
from tests.recovery.lives import life, part_bytes

KEY = "SYNTHAUSDT|15m"


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with klines, the signals of a replay that has ended, and its recovery folder."""
    folder = tmp_path_factory.mktemp("ended")
    write_bars(folder / "SYNTHAUSDT-15m.csv", made_up_bars(5, ["SYNTHAUSDT"])[KEY])
    replayed(*_arguments(folder), "--out", folder / "signals.jsonl")
    return folder


@pytest.fixture
def again(ended: Path, tmp_path: Path) -> Path:
    """A copy of the recovery folder, to do harm to."""
    return shutil.copytree(ended / "recovery", tmp_path / "recovery")


def _arguments(ended: Path, recovery: Path | None = None) -> list[Argument]:
    return [ended / "SYNTHAUSDT-15m.csv", "--recovery", recovery or ended / "recovery"]


@pytest.mark.parametrize(
    ("options", "differs"),
    [
        (["--processes", "2"], "processes"),
        (["--set", "momentum_pulse.rsi_min=45"], "settings"),
        (["--cooldown-bars", "3"], "settings"),
        (["--strategies", "doji_reversal"], "settings"),
        (["--to", "2024-01-03"], "period"),
        (["--strict"], "strict"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_another_replays_folder_is_refused(ended: Path, again: Path, options: list[str], differs: str) -> None:
    before = _contents(again)
    message = refusal("replay", *_arguments(ended, again), *options)
    assert f"{again}: belongs to another replay, with other {differs};" in message
    assert _contents(again) == before


@pytest.mark.parametrize("change", ["another file", "one more", "grown"])
def test_a_folder_for_other_files_is_refused(ended: Path, again: Path, tmp_path: Path, change: str) -> None:
    own = ended / "SYNTHAUSDT-15m.csv"
    other = Path(shutil.copy2(own, tmp_path / own.name))
    paths = [own, other] if change == "one more" else [other]
    if change == "grown":
        replayed(other, "--recovery", tmp_path / "grown")
        again = tmp_path / "grown"
        write_bars(other, made_up_bars(6, ["SYNTHAUSDT"])[KEY])
    message = refusal("replay", *paths, "--recovery", again)
    assert f"{again}: belongs to another replay, with other files;" in message


@pytest.mark.parametrize("stranger", ["notes.txt", "snapshots/thesis.txt", "snapshots/part-0.sqlite3"])
def test_a_strangers_folder_is_refused_and_left_alone(ended: Path, tmp_path: Path, stranger: str) -> None:
    folder = tmp_path / "precious"
    file = folder / stranger
    file.parent.mkdir(parents=True)
    file.write_text("years of work")
    before = _contents(folder)
    message = refusal("replay", *_arguments(ended, folder))
    assert "not a recovery folder" in message
    assert _contents(folder) == before


def test_an_empty_folder_and_a_new_one_below_new_ones_will_do(ended: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for folder in (empty, tmp_path / "a" / "b"):
        replayed(*_arguments(ended, folder), "--out", tmp_path / "signals.jsonl")
        assert (tmp_path / "signals.jsonl").read_bytes() == (ended / "signals.jsonl").read_bytes()


def test_a_file_is_no_folder(ended: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used for recovery" in refusal("replay", *_arguments(ended, tmp_path / "file"))


def test_a_second_replay_in_the_folder_is_refused(tmp_path: Path, market: Market) -> None:
    folder, out = tmp_path / "recovery", tmp_path / "signals.jsonl"
    with life(market.klines, "--out", out, folder=folder) as first:
        assert first.until(lambda: part_bytes(folder) > 0)
        os.kill(first.process.pid, 19)  # SIGSTOP: the first cannot end before the second has looked
        try:
            message = refusal("replay", market.klines, "--recovery", folder)
        finally:
            os.kill(first.process.pid, 18)
        assert "another replay is running in this recovery folder" in message
        assert first.ended() == 0, first.said()
    assert out.read_bytes() == market.signals


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"files": 1}', "\0\0\0\0"])
def test_a_damaged_manifest_is_refused(ended: Path, again: Path, content: str) -> None:
    (again / "replay.json").write_text(content)
    before = _contents(again)
    assert str(again) in refusal("replay", *_arguments(ended, again))
    assert _contents(again) == before


def _for_each(harm: Callable[[Path], object]) -> Callable[[Path], None]:
    def harm_all(folder: Path) -> None:
        for path in (folder / "snapshots").glob("*.sqlite3"):
            harm(path)

    return harm_all


def _shorten_pickles(folder: Path) -> None:
    for path in (folder / "snapshots").glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE snaps SET ser_change = substr(ser_change, 1, 50) WHERE step_id LIKE '%.analyze'")
            database.commit()


HARMS: dict[str, Callable[[Path], None]] = {
    "databases cut": _for_each(lambda path: os.truncate(path, 5000)),
    "databases emptied": _for_each(lambda path: os.truncate(path, 0)),
    "databases overwritten": _for_each(lambda path: path.write_bytes(b"no database" * 4000)),
    "databases gone": _for_each(Path.unlink),
    "one database gone": lambda folder: (folder / "snapshots" / "part-3.sqlite3").unlink(),
    "snapshots folder gone": lambda folder: shutil.rmtree(folder / "snapshots"),
    "snapshots cut": _shorten_pickles,
    "signals gone": lambda folder: (folder / "signals-0.part").unlink(),
    "signals cut": lambda folder: os.truncate(folder / "signals-0.part", 1000),
}


@pytest.mark.parametrize("harm", HARMS)
def test_a_damaged_folder_is_told_in_one_line(ended: Path, again: Path, tmp_path: Path, harm: str) -> None:
    HARMS[harm](again)
    out = tmp_path / "signals.jsonl"
    message = refusal("replay", *_arguments(ended, again), "--out", out)
    assert str(again) in message, "which folder to remove"
    assert not out.exists()


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_replay_that_was_refused_for_its_input_can_be_mended(tmp_path: Path, processes: str) -> None:
    bars = made_up_bars(5, ["SYNTHAUSDT"])[KEY]
    klines, folder, out = tmp_path / "SYNTHAUSDT-15m.csv", tmp_path / "recovery", tmp_path / "signals.jsonl"
    write_bars(klines, bars)
    klines.write_text(klines.read_text() + "not a row\n")
    arguments: list[Argument] = [klines, "--recovery", folder, "--processes", processes, "--out", out]
    assert f"{klines}:{len(bars) + 2}:" in refusal("replay", *arguments, "--strict")
    assert not out.exists()
    assert "other files" not in refusal("replay", *arguments), "the same files, though not the same strictness"
    shutil.rmtree(folder)
    assert ta_bot("replay", *arguments).returncode == 0
    assert out.exists()


def _contents(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}
