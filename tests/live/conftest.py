"""A server, a peer, and bots that are held to what every bot must keep to, one of each per test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.databases import SQLiteFile
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot, live_bot
from tests.nats_server import NatsServer, Peer

MakeBot = Callable[..., LiveBot]


@pytest.fixture
def outputs(peer: Peer) -> Outputs:
    return Outputs(peer)


@pytest.fixture
def history_file(tmp_path: Path) -> SQLiteFile:
    """The database that a bot has unless told otherwise."""
    return SQLiteFile(tmp_path / "history.sqlite3")


@pytest.fixture
def recovery(tmp_path: Path) -> Path:
    """The recovery folder of every bot of a test."""
    return tmp_path / "recovery"


@pytest.fixture
def make_bot(server: NatsServer, tmp_path: Path) -> Iterator[MakeBot]:
    """Makes bots, from options and settings; whatever was done to one, it must not have shown a traceback."""
    with ExitStack() as running:
        bots: list[LiveBot] = []

        def make(*options: str, **settings: str) -> LiveBot:
            url = settings.pop("NATS_URL", server.url)
            bots.append(running.enter_context(live_bot(url, tmp_path, *options, **settings)))
            return bots[-1]

        yield make
    for bot in bots:
        bot.check_log()


@pytest.fixture
def bot(make_bot: MakeBot) -> LiveBot:
    """A bot that takes every key."""
    return make_bot()
