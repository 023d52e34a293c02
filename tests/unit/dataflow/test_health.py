"""What is told of bars that are due, of a flow that does not get on, of snapshots, and of what is watched."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from dataflow.finding import Finding, worst
from dataflow.live.key_groups import KeyNow, groups_of
from dataflow.live.progress import STUCK_SECS, Progress
from dataflow.live.recovery_age import RecoveryAge
from dataflow.recovery import SNAPSHOT_PARTITIONS, snapshots_in
from operators.times import parse_time_ms
from state.errors import RetryLater, StopProgram
from state.watch import PATIENCE_SECS, Watch
from tests.nats_server import wait_until

START = "2025-01-31T10:00:00Z"


@pytest.mark.parametrize(
    ("timeframe", "closed", "now", "lag_secs", "overdue_bars", "due_secs"),
    [
        ("15m", "2025-01-31T10:00:00Z", "2025-01-31T10:00:02Z", 2, 0, 0),
        ("15m", "2025-01-31T10:00:00Z", "2025-01-31T10:14:59Z", 899, 0, 0),
        ("15m", "2025-01-31T10:00:00Z", "2025-01-31T10:15:03Z", 903, 1, 3),
        ("15m", "2025-01-31T10:00:00Z", "2025-01-31T11:00:00Z", 3600, 4, 2700),
        ("1M", "2025-01-01T00:00:00Z", "2025-02-01T00:00:00Z", 31 * 86_400, 1, 0),
        ("1M", "2025-02-01T00:00:00Z", "2025-02-28T23:00:00Z", 28 * 86_400 - 3600, 0, 0),
        ("1w", "2025-01-27T00:00:00Z", "2025-02-10T00:00:10Z", 14 * 86_400 + 10, 2, 7 * 86_400 + 10),
        ("15m", "2025-01-31T10:15:00Z", "2025-01-31T10:14:59Z", 0, 0, 0),  # the exchange's clock is ahead of ours
    ],
)
def test_a_bar_that_is_not_due_is_not_overdue(
    timeframe: str, closed: str, now: str, lag_secs: float, overdue_bars: int, due_secs: float
) -> None:
    now_ms = parse_time_ms(now)
    keys = [(f"A|{timeframe}", KeyNow("seeded", parse_time_ms(closed)))]
    (group,) = groups_of(keys, now_ms, since_ms=0).values()
    assert (group.lag_secs, group.overdue_bars, group.due_secs) == (lag_secs, overdue_bars, due_secs)
    assert group.as_dict()["last_bar_closed"] == closed.replace("Z", ".000Z")


def test_one_key_that_lags_is_counted_and_does_not_hide_the_others() -> None:
    now_ms = parse_time_ms("2025-01-31T10:18:00Z")
    newest, older = parse_time_ms("2025-01-31T10:15:00Z"), parse_time_ms("2025-01-31T09:45:00Z")
    keys = [
        ("A|15m", KeyNow("seeded", newest)),
        ("B|15m", KeyNow("cold", older, is_behind=True)),
        ("A|1h", KeyNow("starting")),
    ]
    groups = groups_of(keys, now_ms, since_ms=newest)
    assert list(groups) == ["15m", "1h"]
    assert groups["15m"].trouble is None
    assert groups["15m"].as_dict() == {
        "keys": 2,
        "states": {"starting": 0, "seeded": 1, "cold": 1},
        "last_bar_closed": "2025-01-31T10:15:00.000Z",
        "lag_secs": 180.0,
        "overdue_bars": 0,
        "overdue_keys": 1,
        "keys_behind_configuration": 1,
    }
    assert groups["1h"].as_dict()["last_bar_closed"] is None


def test_where_no_bar_ever_came_one_is_due_a_span_after_the_start() -> None:
    since_ms = parse_time_ms("2025-01-31T10:07:00Z")
    keys = [("A|15m", KeyNow("cold"))]
    (early,) = groups_of(keys, since_ms + 15 * 60_000 + 100_000, since_ms).values()
    (late,) = groups_of(keys, since_ms + 15 * 60_000 + 121_000, since_ms).values()
    assert (early.overdue_bars, early.trouble) == (1, None)
    assert late.trouble == "15m: the next bar has been due for 121 s"
    assert (late.lag_secs, late.overdue_keys) == (None, 1)


class Clock:
    secs = 0.0

    def __call__(self) -> float:
        return self.secs


def test_a_flow_is_stuck_when_nothing_holds_it_back() -> None:
    clock, held = Clock(), [False]
    progress = Progress(lambda: held[0], clock)

    def after(secs: float) -> str | None:
        clock.secs += secs
        return progress.trouble

    assert after(10_000) is None  # it has not begun
    progress.note()
    assert after(STUCK_SECS) is None
    assert after(1) == "the flow has made no step for 61 s"
    held[0] = True
    assert after(0) is None
    assert after(3600) is None
    held[0] = False
    assert after(STUCK_SECS) is None  # the outage does not count
    assert after(1)
    progress.note()
    assert after(0) is None


def test_the_age_of_snapshots_is_that_of_the_oldest_partition(tmp_path: Path) -> None:
    folder, clock = snapshots_in(tmp_path), Clock()
    clock.secs = 2_000_000
    age = RecoveryAge(tmp_path, 10.0, clock)
    with pytest.raises(RetryLater, match="cannot be read: No such file"):
        age.look()
    folder.mkdir()
    for part in range(SNAPSHOT_PARTITIONS):
        for name, secs in ((f"part-{part}.sqlite3", 1_000_000), (f"part-{part}.sqlite3-wal", 1_999_990 + part % 2)):
            (folder / name).write_bytes(b"x" * 10)
            os.utime(folder / name, (secs, secs))
    age.look()
    assert (age.age_secs, age.size_bytes, age.trouble) == (10.0, 20.0 * SNAPSHOT_PARTITIONS, None)
    clock.secs += 51
    assert age.trouble == "no snapshot has been written for 61 s"


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (RetryLater("mysql://***@h/d: refused"), "mysql://***@h/d: refused"),
        (StopProgram("mysql://***@h/d: a password"), "mysql://***@h/d: a password"),
        (RuntimeError("secret"), "failed unexpectedly: RuntimeError"),
    ],
)
def test_what_is_watched_is_told_and_taken_back(error: Exception, trouble: str) -> None:
    failing = [True]

    def check() -> None:
        if failing[0]:
            raise error

    watch = Watch("store", check, every_secs=0.01)
    assert watch.trouble is None
    watch.start()
    try:
        wait_until(lambda: watch.trouble == trouble, "the trouble")
        failing[0] = False
        wait_until(lambda: watch.trouble is None, "its end")
    finally:
        watch.close()


def test_an_answer_that_does_not_come_is_trouble() -> None:
    let_go = threading.Event()

    def check() -> None:
        let_go.wait()

    watch = Watch("store", check, every_secs=0.01)
    watch.start()
    try:
        wait_until(lambda: watch.trouble == f"no answer for {PATIENCE_SECS:g} s", "the trouble")
        let_go.set()
        wait_until(lambda: watch.trouble is None, "its end")
    finally:
        watch.close()


def test_the_worst_counts() -> None:
    well, amiss, dead = Finding(vital=True), Finding("away"), Finding("away", vital=True)
    assert worst({"a": well}) == "healthy"
    assert worst({"a": well, "b": amiss}) == "degraded"
    assert worst({"a": dead, "b": amiss}) == "unhealthy"
    assert amiss.as_dict() == {"ok": False, "trouble": "away"}
