"""`ta-bot recovery`: folders are made once, checked ever after, and never mixed."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from tests.e2e.command import refusal, ta_bot


def said(*arguments: str | Path) -> str:
    ended = ta_bot("recovery", *arguments)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recovery") / "made"
    assert said("init", folder) == f"{folder}: 8 partitions, undamaged, with the state of 0 keys\n"
    return folder


def test_what_is_there_is_kept(made: Path) -> None:
    before = {path: path.stat().st_ino for path in (made / "snapshots").glob("*.sqlite3")}
    assert len(before) == 8
    assert said("init", made) == said("check", made)
    assert {path: path.stat().st_ino for path in (made / "snapshots").glob("*.sqlite3")} == before


def test_a_folder_in_use_can_be_checked_and_not_made(made: Path) -> None:
    with (made / "run.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert said("check", made)
        assert "another run is running in this recovery folder" in refusal("recovery", "init", made)


def test_only_the_first_process_of_a_cluster_keeps_snapshots(made: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    for _ in range(2):
        assert said("init", own, "--index", "1") == f"{own}: process 1 keeps no snapshots, process 0 does\n"
    assert list((own / "snapshots").iterdir()) == []
    assert f"{made}: holds snapshots, which process 1 would mix" in refusal("recovery", "init", made, "--index", "1")
    assert "no recovery folder of run" in refusal("recovery", "check", own)


def test_damage_and_strangers_are_told(tmp_path: Path) -> None:
    said("init", tmp_path / "damaged")
    (tmp_path / "damaged" / "snapshots" / "part-3.sqlite3").write_bytes(b"no database")
    for command in ("init", "check"):
        assert "part-3.sqlite3 is damaged" in refusal("recovery", command, tmp_path / "damaged")
    (tmp_path / "strange").mkdir()
    (tmp_path / "strange" / "lost+found").mkdir()
    assert "not a recovery folder of run" in refusal("recovery", "init", tmp_path / "strange")
    (tmp_path / "file").write_text("")
    for index in ("0", "1"):
        message = refusal("recovery", "init", tmp_path / "file" / "folder", "--index", index)
        assert "cannot be used for recovery: Not a directory" in message
