"""What a bot will not run with is said in one line."""

from __future__ import annotations

import signal
from pathlib import Path
from random import Random

import pytest

from tests.e2e.command import one_line
from tests.live.conftest import MakeBot
from tests.live_bot import LiveBot
from tests.nats_server import Peer


def refusal(bot: LiveBot) -> str:
    """The one line that it says and ends with."""
    before = len(bot.said())
    bot.start()
    assert bot.wait_ended() == 2
    return one_line(bot.complaints(before))


def test_a_folder_of_something_else(bot: LiveBot, recovery: Path) -> None:
    recovery.mkdir()
    (recovery / "photo.jpeg").touch()
    assert str(recovery) in refusal(bot)
    assert [path.name for path in recovery.iterdir()] == ["photo.jpeg"]


def test_a_file_in_the_place_of_the_folder(bot: LiveBot, recovery: Path) -> None:
    recovery.touch()
    assert str(recovery) in refusal(bot)


def test_a_folder_of_a_replay(bot: LiveBot, recovery: Path) -> None:
    recovery.mkdir()
    (recovery / "replay.lock").touch()
    assert str(recovery) in refusal(bot)


def test_a_folder_in_use(make_bot: MakeBot, recovery: Path) -> None:
    running, another = make_bot(), make_bot()
    another.log = running.log.with_name("another.log")
    running.start()
    running.wait_ready()
    assert str(recovery) in refusal(another)
    assert running.alive()
    assert running.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("damage", ["cut", "overwritten", "missing", "manifest"])
def test_a_damaged_folder(bot: LiveBot, recovery: Path, damage: str) -> None:
    bot.start()
    bot.wait_ready()
    assert bot.end(signal.SIGTERM) == 0
    path = recovery / ("run.json" if damage == "manifest" else "snapshots/part-3.sqlite3")
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(Random(3).randbytes(len(content)))
    assert "damaged" in refusal(bot)


def test_a_port_in_use(make_bot: MakeBot, peer: Peer) -> None:
    port = peer.url.rpartition(":")[2]
    assert "HEALTH_PORT" in refusal(make_bot(HEALTH_PORT=port))


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SUPPORTED_SYMBOLS", "BTC/USDT"),
        ("SUPPORTED_TIMEFRAMES", "7m"),
        ("MYSQL_URI", "mongodb://user:secret@127.0.0.1/x"),
        ("MAX_SIGNAL_AGE_BARS", "-1"),
        ("KLINES_SHARDS", "1000"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318/secret"),
    ],
)
def test_settings(make_bot: MakeBot, recovery: Path, variable: str, value: str) -> None:
    line = refusal(make_bot(**{variable: value}))
    assert variable in line
    assert "secret" not in line
