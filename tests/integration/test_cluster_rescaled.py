"""The cluster of the manifests, with its commands, variables and volumes, as processes on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.integration.test_nats_flow import check_all, messages, wait_for_signals
from tests.live_bot import ENDS_SECS, TA_BOT
from tests.manifests import Container, container, environment
from tests.nats_server import NatsServer, Peer, free_port, free_ports, wait_until

PROGRAMS = {"ta-bot": str(TA_BOT), "python": sys.executable}
MOST = 3
INDEX = "metadata.labels['apps.kubernetes.io/pod-index']"


class Pods:
    """Pods of the StatefulSet: each has a volume of its own, which stays when it goes."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.members = folder / "members.txt"
        self.health_port = free_ports(MOST)
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self.settings = {
            "NATS_URL": url,
            "MYSQL_URI": f"sqlite:///{folder / 'history.sqlite3'}",
            "MONGODB_URI": "",
            "API_ENDPOINT": "",
            "SUPPORTED_SYMBOLS": "*",
            "SUPPORTED_TIMEFRAMES": "*",
            "MAX_SIGNAL_AGE_SECONDS": "",  # the bars are of long ago
            "BYTEWAX_SNAPSHOT_INTERVAL": "1",
            "BYTEWAX_HOSTFILE_PATH": str(self.members),
        }

    def create(self, count: int) -> None:
        """Create so many, whose init containers run first."""
        self.know(count)
        preparing = [self._run(index, container("cluster", "recovery")) for index in range(count)]
        assert {process.wait(ENDS_SECS) for process in preparing} == {0}, self.said()
        self.start(*range(count))

    def know(self, count: int, *ports: int) -> None:
        """Be told of so many, the first ones at these ports."""
        ports = (*ports, *(free_port() for _ in range(count - len(ports))))
        self.members.write_text("".join(f"127.0.0.1:{port}\n" for port in ports))

    def start(self, *indexes: int) -> None:
        """Start the containers of these, as Kubernetes does when they have ended."""
        for index in indexes:
            self.processes[index] = self._run(index, container("cluster", "flow"))

    def wait_ready(self) -> None:
        """Wait until each says so, which none does before it has found all others."""
        for index in self.processes:
            wait_until(partial(self.answers, index, "/ready"), f"member {index} to be ready")

    def stop(self, number: signal.Signals = signal.SIGTERM) -> list[int]:
        """Stop all at once; their exit codes."""
        for process in self.processes.values():
            process.send_signal(number)
        return self.wait_ended()

    def wait_ended(self) -> list[int]:
        codes = [process.wait(ENDS_SECS) for process in self.processes.values()]
        self.processes = {}
        return codes

    def answers(self, index: int, path: str) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.health_port + index}{path}", trust_env=False).is_success
        except httpx.TransportError:
            return False

    def volume(self, index: int) -> Path:
        return self.folder / f"volume-{index}"

    def said(self) -> str:
        return self.log.read_text()

    def _run(self, index: int, of: Container) -> subprocess.Popen[bytes]:
        self.volume(index).mkdir(exist_ok=True)
        variables = {**environment("cluster", of, **{INDEX: str(index)}), **self.settings}
        variables["HEALTH_PORT"] = str(self.health_port + index)
        program, *arguments = (self._here(argument, index) for argument in of.command)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [PROGRAMS[program], *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **{name: self._here(value, index) for name, value in variables.items()}},
            )

    def _here(self, text: str, index: int) -> str:
        text = text.replace("$(BYTEWAX_PROCESS_ID)", str(index))
        return f"{self.volume(index)}{text[5:]}" if text.startswith("/data/") else text


@pytest.fixture
def pods(server: NatsServer, tmp_path: Path) -> Iterator[Pods]:
    pods = Pods(tmp_path, server.url)
    yield pods
    for process in pods.processes.values():
        process.kill()
        process.wait()


def test_keys_keep_their_state_over_rescaling_and_the_loss_of_a_pod(pods: Pods, peer: Peer) -> None:
    pods.create(2)
    wait_until(lambda: "DEADLETTER" in peer.streams(), "the streams")
    peer.publish(messages())
    wait_for_signals(peer, 0.25)
    assert pods.stop() == [0, 0]
    pods.create(3)
    pods.wait_ready()
    wait_for_signals(peer, 0.5)
    pods.processes[2].kill()
    assert 0 not in pods.wait_ended(), pods.said()  # each ends by itself, for Kubernetes to start it again
    pods.start(0, 1, 2)
    pods.wait_ready()
    wait_for_signals(peer, 0.75)
    assert pods.stop() == [0, 0, 0]
    pods.create(2)
    pods.wait_ready()
    wait_for_signals(peer, 1.0)
    assert pods.stop(signal.SIGINT) == [0, 0]
    check_all(peer)
    assert "Traceback" not in pods.said()
    assert "panicked" not in pods.said()
    assert [list(pods.volume(index).glob("recovery/snapshots/*")) for index in (1, 2)] == [[], []]
    check = [str(TA_BOT), "recovery", "check", str(pods.volume(0) / "recovery")]
    found = subprocess.run(check, capture_output=True, text=True, check=True).stdout
    assert "8 partitions, undamaged, with the state of 3 keys, written last at " in found


@pytest.fixture
def first(pods: Pods) -> Iterator[socket.socket]:
    """Stands in for the first of three members, of which the second runs, and waits for the third."""
    with socket.create_server(("127.0.0.1", 0)) as first:
        first.settimeout(ENDS_SECS)
        pods.know(3, first.getsockname()[1])
        (pods.volume(1) / "recovery" / "snapshots").mkdir(parents=True)
        yield first


def test_a_member_that_lost_another_begins_anew(pods: Pods, first: socket.socket) -> None:
    pods.start(1)
    with first.accept()[0] as found:
        assert found.recv(16, socket.MSG_WAITALL)  # the member has introduced itself
    with first.accept()[0]:
        assert pods.stop() == [0]  # and ends when asked, though Bytewax waits for the third
    assert pods.said().count("looking for them anew") == 1


def test_a_member_that_waits_for_long_begins_anew(pods: Pods, first: socket.socket, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import dataflow.live.forming as f; f.FORMING_SECS = (0.5, 1.0)\n")
    pods.settings["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *sys.path])
    pods.start(1)
    with first.accept()[0], first.accept()[0]:
        pods.processes[1].kill()
