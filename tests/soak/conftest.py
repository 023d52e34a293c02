"""What the tests of live bots have."""

from tests.live.conftest import bot, history_file, make_bot, outputs, recovery

__all__ = ["bot", "history_file", "make_bot", "outputs", "recovery"]
