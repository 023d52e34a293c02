"""Snapshots of a key: plain versioned data, never our own objects, so that a later version can tell what it reads."""

from __future__ import annotations

from typing import Any

from state.errors import WarmUpAgain

# Raise this whenever a snapshot's content or the meaning of an indicator's numbers changes, and say in the
# changelog that keys warm up again. Old snapshots are refused, never misread.
SNAPSHOT_VERSION = 2

Snapshot = dict[str, Any]


def seal(content: Snapshot) -> Snapshot:
    """`content` as a snapshot of this version."""
    return {"version": SNAPSHOT_VERSION, **content}


def unseal(snapshot: Any) -> Snapshot:
    """The content of a snapshot.

    Raises:
        WarmUpAgain: it is of another version, or not a snapshot at all.
    """
    if not isinstance(snapshot, dict):
        raise WarmUpAgain(f"expected a snapshot of version {SNAPSHOT_VERSION}, got {type(snapshot).__name__}")
    if snapshot.get("version") != SNAPSHOT_VERSION:
        raise WarmUpAgain(f"expected a snapshot of version {SNAPSHOT_VERSION}, got version {snapshot.get('version')!r}")
    return snapshot
