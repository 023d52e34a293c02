"""What a bot that has ended would go on with."""

from __future__ import annotations

import pickle
import sqlite3
from contextlib import closing
from pathlib import Path

from dataflow.nats.streams import KLINES
from tests.recovery.lives import stored_snapshots


def keys_kept(folder: Path) -> set[str]:
    """The keys that have a state."""
    latest: dict[str, bytes | None] = {**stored_snapshots(folder)}  # None where a state was discarded
    return {key for key, pickled in latest.items() if pickled is not None}


def taken(folder: Path) -> int:
    """How many messages of the stream of klines it has taken."""
    found: list[tuple[int, bytes]] = []
    for path in (folder / "snapshots").glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            query = "SELECT snap_epoch, ser_change FROM snaps WHERE step_id LIKE '%.klines' AND state_key = '00'"
            found += database.execute(query).fetchall()
    position = pickle.loads(max(found)[1])  # noqa: S301
    seq: int = position["streams"][KLINES][1]
    return seq - 1
