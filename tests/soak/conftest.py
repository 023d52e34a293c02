"""What the tests of live bots have."""

from tests.live.conftest import bot, history_file, make_bot, outputs, peer, recovery, server

__all__ = ["bot", "history_file", "make_bot", "outputs", "peer", "recovery", "server"]
