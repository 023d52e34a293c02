"""The connection to NATS where nobody is, and servers that cannot be."""

from __future__ import annotations

import gc
import logging
import time
from pathlib import Path
from random import Random

import pytest

from dataflow.nats.connection import Connection, NatsOptions
from state.errors import StopProgram
from tests.nats_server import free_port, running_server


def test_closing_in_the_middle_of_connecting_leaves_nothing_unheard(caplog: pytest.LogCaptureFixture) -> None:
    random = Random(1)
    options = NatsOptions(f"nats://127.0.0.1:{free_port()}", reconnect_wait_secs=0.001)
    with caplog.at_level(logging.ERROR, "asyncio"):
        for _ in range(100):
            with Connection(options):
                time.sleep(random.random() * 0.02)  # some moment of an attempt, which one matters
        gc.collect()  # what nobody has asked for its error says so when it goes
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize(
    "url", ["", " , ", "http://host:1", "ws://host:80", "nats://", "nats://host:port", "nats://host:0", "a b:4222"]
)
def test_servers_that_cannot_be_are_refused_unquoted(url: str) -> None:
    with pytest.raises(StopProgram, match="NATS servers: expected") as refused:
        NatsOptions(url)
    assert "host:port" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["localhost", "nats://u:p%40ss@host:4222", "tls://host", "one:80,nats://two:80", "nats://[::1]:4222"]
)
def test_servers_that_can_be_are_taken(url: str) -> None:
    assert NatsOptions(url).url == url


@pytest.mark.parametrize(
    ("required", "given"),
    [('user: bot, password: "p@ss/w:rd?#%"', "bot:p%40ss%2Fw%3Ard%3F%23%25"), ('token: "to/ken"', "to%2Fken")],
)
def test_what_opens_a_server_may_be_percent_encoded(tmp_path: Path, required: str, given: str) -> None:
    with running_server(tmp_path, f"authorization {{ {required} }}") as server:
        with Connection(NatsOptions(server.url.replace("//", f"//{given}@"))) as connection:
            assert connection.wait_connected(10)
        with Connection(NatsOptions(server.url.replace("//", "//another@"))) as connection:
            assert not connection.wait_connected(0.5)


def test_nothing_is_told_to_a_server_that_lacks_the_encryption_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_server(tmp_path) as server, Connection(_in_tls(server.url)) as connection:
        assert not connection.wait_connected(0.5)
    assert "TLS" in caplog.text
    assert "secret" not in caplog.text


def _in_tls(url: str) -> NatsOptions:
    return NatsOptions(url.replace("nats://", "tls://bot:secret@"))
