"""A cluster whose port somebody took between finding it free and listening on it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest

from dataflow import cluster
from dataflow.market import write_market
from dataflow.recorded import recorded_files
from dataflow.replay.plan import Plan
from dataflow.replay.run import replay
from state.errors import StopProgram
from strategies.configuration import configuration_of


@pytest.fixture
def taken() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(tuple(recorded_files(write_market(tmp_path, days=10, seed=7))), configuration_of(), Path(), processes=2)


def signals(plan: Plan) -> bytes:
    out = BytesIO()
    replay(plan, out)
    return out.getvalue()


def test_nobody_else_reaches_the_processes() -> None:
    """Bytewax listens on the very addresses that it is given, and what it takes there are pickles."""
    assert {address.rpartition(":")[0] for address in cluster._free_addresses(3)} == {"127.0.0.1"}


@pytest.mark.parametrize("place", [0, 1])
def test_other_ports_are_taken(plan: Plan, taken: str, place: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = signals(plan)
    find = cluster._free_addresses
    found: list[list[str]] = []

    def first_one_is_taken(count: int) -> list[str]:
        addresses = find(count)
        if not found:
            addresses[place] = taken
        found.append(addresses)
        return addresses

    monkeypatch.setattr(cluster, "_free_addresses", first_one_is_taken)
    assert signals(plan) == expected != b""
    assert len(found) == 2


def test_there_is_an_end_to_trying(plan: Plan, taken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "_free_addresses", lambda count: [taken] * count)
    with pytest.raises(StopProgram, match="found no port on loopback"):
        signals(plan)
