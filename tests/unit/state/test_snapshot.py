"""Sealed snapshots: of this version, or refused."""

from __future__ import annotations

import pickle

import pytest

from state.errors import WarmUpAgain
from state.snapshot import SNAPSHOT_VERSION, seal, unseal


def test_what_was_sealed_is_there_again() -> None:
    content = unseal(pickle.loads(pickle.dumps(seal({"bars_seen": 3, "indicators": {"ema(9)": b"12345678"}}))))  # noqa: S301

    assert content["bars_seen"] == 3
    assert content["indicators"] == {"ema(9)": b"12345678"}


def test_a_snapshot_says_its_version() -> None:
    assert seal({})["version"] == SNAPSHOT_VERSION


def test_sealing_leaves_the_content_as_it_was() -> None:
    content = {"bars_seen": 3}
    seal(content)

    assert content == {"bars_seen": 3}


@pytest.mark.parametrize("version", [SNAPSHOT_VERSION + 1, SNAPSHOT_VERSION - 1, None, "1", b"1", [1]])
def test_another_version_is_refused(version: object) -> None:
    with pytest.raises(WarmUpAgain) as error:
        unseal({**seal({}), "version": version})

    assert str(error.value) == f"expected a snapshot of version {SNAPSHOT_VERSION}, got version {version!r}"


def test_a_snapshot_without_a_version_is_refused() -> None:
    with pytest.raises(WarmUpAgain, match="got version None"):
        unseal({"bars_seen": 3})


@pytest.mark.parametrize("garbage", [None, 1, 1.5, b"\x80\x04", "version", [("version", 1)], ("version", 1), object()])
def test_what_is_no_snapshot_is_refused(garbage: object) -> None:
    with pytest.raises(WarmUpAgain) as error:
        unseal(garbage)

    assert str(error.value) == f"expected a snapshot of version {SNAPSHOT_VERSION}, got {type(garbage).__name__}"
