"""Pickles that arrive on NATS are bytes like any other that are no klines: nobody loads them."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path

import orjson

from dataflow.nats.streams import DEAD_LETTERS
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot
from tests.nats_server import Peer, wait_until

SUBJECTS = (
    "binance.websocket.data",
    "binance.extraction.klines.BTCUSDT.15m",
    "ta.klines.BTCUSDT.15m",
    "ta.config.application",
    "ta.config.strategies.doji_reversal.BTCUSDT",
)


class Marker:
    """Whoever loads its pickle makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_they_become_dead_letters_and_are_never_loaded(
    bot: LiveBot, peer: Peer, outputs: Outputs, tmp_path: Path
) -> None:
    marker, proof = tmp_path / "loaded", tmp_path / "proof"
    pickle.loads(pickle.dumps(Marker(proof)))  # noqa: S301  # our own bytes
    assert proof.exists(), "this is what loading one does"
    pickles = [pickle.dumps(Marker(marker), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    bot.start()
    bot.wait_ready()
    peer.publish((subject, content) for subject in SUBJECTS for content in pickles)
    count = len(SUBJECTS) * len(pickles)
    wait_until(lambda: peer.stream(DEAD_LETTERS).state.messages >= count, "all of them to become dead letters")
    assert bot.end(signal.SIGTERM) == 0
    letters = [orjson.loads(letter.data) for letter in outputs.dead_letters()]
    assert sorted(letter["subject"] for letter in letters) == sorted(SUBJECTS * len(pickles))
    assert not marker.exists()
