"""Whose a recovery folder must be: what is read from it is loaded, and so could run anything."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.live.folder import open_folder
from state.errors import StopProgram

SOMEBODY = 4242


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One that a run has made."""
    folder = tmp_path / "recovery"
    open_folder(folder).close()
    return folder


@pytest.fixture(autouse=True)
def _lenient_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def give_away(path: Path, monkeypatch: pytest.MonkeyPatch, *, share: bool = False) -> None:
    """Have it belong to another user; with `share`, and to a group of this one."""
    if os.geteuid() == 0:
        os.chown(path, SOMEBODY, os.getegid() if share else SOMEBODY)
        return
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)  # who may not give away becomes another one
    if not share:
        monkeypatch.setattr(os, "getegid", lambda: SOMEBODY)
        monkeypatch.setattr(os, "getgroups", list)


def test_what_is_made_is_for_this_user_alone(folder: Path) -> None:
    for path in (folder, folder / "snapshots"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


@pytest.mark.parametrize("what", [".", "snapshots", "snapshots/part-3.sqlite3"])
def test_another_users_is_refused(folder: Path, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give_away(folder / what, monkeypatch)
    with pytest.raises(StopProgram, match=r"recovery\S*: belongs to user \d+, whose snapshots"):
        open_folder(folder)


def test_a_volume_that_is_shared_with_a_group_is_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As Kubernetes does by fsGroup: it belongs to root or to an earlier user, and the group may write."""
    for path in (folder, folder / "snapshots", *(folder / "snapshots").iterdir()):
        path.chmod(0o2770 if path.is_dir() else 0o660)
        give_away(path, monkeypatch, share=True)
    with caplog.at_level(logging.WARNING):
        open_folder(folder).close()
    assert caplog.text == ""


def test_one_that_everybody_may_write_to_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Volumes that live as long as their pod are made so."""
    folder.chmod(0o777)
    with caplog.at_level(logging.WARNING):
        open_folder(folder).close()
    assert f"{folder}: every user may write here" in caplog.text
