"""The live flow in a cluster that Bytewax's own command runs, process by process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.test_nats_flow import check_all, messages, wait_for_signals
from tests.nats_server import NatsServer, Peer, free_port, wait_until

PROCESSES = 2


def run_module(*arguments: str, log: Path, **settings: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "HEALTH_PORT": "0", "SUPPORTED_SYMBOLS": "*", "SUPPORTED_TIMEFRAMES": "*", **settings}
    with log.open("ab") as output:
        return subprocess.Popen([sys.executable, "-m", *arguments], stdout=output, stderr=output, env=environment)


class Cluster:
    def __init__(self, url: str, folder: Path) -> None:
        self.folder = folder
        self.settings = {
            "NATS_URL": url,
            "MYSQL_URI": f"sqlite:///{folder / 'history.sqlite3'}",
            "KLINES_SHARDS": str(PROCESSES),
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        (folder / "snapshots").mkdir()
        assert run_module("bytewax.recovery", str(folder / "snapshots"), "4", log=folder / "log").wait() == 0

    def start(self) -> None:
        recovery = ["-r", str(self.folder / "snapshots"), "-s", "1", "-b", "0"]
        addresses = ";".join(f"127.0.0.1:{free_port()}" for _ in range(PROCESSES))
        self.processes = [
            run_module(
                *("bytewax.run", "dataflow.live.worker:flow", *recovery, "-i", str(index), "-a", addresses),
                log=self.folder / "log",
                **self.settings,
            )
            for index in range(PROCESSES)
        ]

    def end(self, number: signal.Signals = signal.SIGTERM) -> list[int]:
        for process in self.processes:
            process.send_signal(number)
        codes = [process.wait(60) for process in self.processes]
        self.processes = []
        return codes


@pytest.fixture
def cluster(server: NatsServer, tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(server.url, tmp_path)
    yield cluster
    cluster.end(signal.SIGKILL)


def test_each_signal_once_over_stops_and_kills(cluster: Cluster, peer: Peer) -> None:
    cluster.start()
    wait_until(lambda: "DEADLETTER" in peer.streams(), "the streams")
    peer.publish(messages())
    wait_for_signals(peer, 0.3)
    assert cluster.end() == [0, 0]
    cluster.start()
    wait_for_signals(peer, 0.6)
    cluster.end(signal.SIGKILL)
    cluster.start()
    wait_for_signals(peer, 1.0)
    assert cluster.end(signal.SIGINT) == [0, 0]
    check_all(peer)
    said = (cluster.folder / "log").read_text()
    assert "Traceback" not in said
    assert "panicked" not in said


def test_a_variable_that_cannot_be_ends_in_one_line(tmp_path: Path) -> None:
    process = run_module("bytewax.run", "dataflow.live.worker:flow", log=tmp_path / "log", KLINES_SHARDS="many")
    assert process.wait(60) == 2
    said = (tmp_path / "log").read_text()
    assert (
        said
        == "ta-bot: KLINES_SHARDS: Input should be a valid integer, unable to parse string as an integer, got 'many'\n"
    )
