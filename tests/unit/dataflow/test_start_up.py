"""No command waits for what it does not use: what is imported, by whichever way, is seen in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

DATABASES = {"sqlalchemy", "pymysql", "pymongo", "bson"}
SERVING = {"fastapi", "starlette", "uvicorn", "config_api.routes", "config_api.strategies"}
CLIENTS = {"nats", "httpx"}
ENGINE = {"bytewax", "talipp", "strategies.registry"}
SETTINGS = {"pydantic_settings", "prometheus_client"}
ALL = DATABASES | SERVING | CLIENTS | ENGINE | SETTINGS

COMMAND = """
import sys
from dataflow.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
print(code or 0, *sys.modules)
"""
IMPORT = "import sys, {0}; print(0, *sys.modules)"

ROW = "symbol,timeframe,time,open,high,low,close,volume\nBTCUSDT,15m,2025-01-01T00:00:00Z,1,2,1,2,3\n"


def modules_after(program: str, *arguments: str) -> tuple[int, set[str]]:
    """The exit code, and what was imported."""
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True, timeout=240
    )
    code, *modules = ended.stdout.splitlines()[-1].split()
    return int(code), set(modules)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["no-such-command"], 2),
        (["replay", "--no-such-option"], 2),
        (["run", "--processes", "0"], 2),
        (["config", "--help"], 0),
        (["config", "get", "doji_reversal", "--symbol", "/"], 2),
        (["history", "export", "--symbol", "BTCUSDT", "--timeframe", "17m"], 2),
    ],
)
def test_help_and_mistakes_need_none_of_it(arguments: Sequence[str], code: int) -> None:
    ended, modules = modules_after(COMMAND, *arguments)
    assert ended == code
    assert not modules & ALL


def test_a_replay_needs_neither_databases_nor_servers(tmp_path: Path) -> None:
    (tmp_path / "klines.csv").write_text(ROW)
    ended, modules = modules_after(COMMAND, "replay", str(tmp_path), "--out", str(tmp_path / "signals.jsonl"))
    assert ended == 0
    assert modules >= ENGINE
    assert not modules & (ALL - ENGINE)


def test_strategies_are_listed_without_databases_and_servers() -> None:
    ended, modules = modules_after(COMMAND, "strategies")
    assert ended == 0
    assert not modules & (DATABASES | SERVING | CLIENTS | SETTINGS)


def test_the_client_of_the_configuration_needs_no_server_and_no_engine() -> None:
    ended, modules = modules_after(COMMAND, "config", "get", "doji_reversal", "--url", "http://127.0.0.1:9")
    assert ended == 2
    assert "httpx" in modules
    assert not modules & (ALL - {"httpx"})


@pytest.mark.parametrize(
    ("program", "without"),
    [
        ("dataflow.live.settings", DATABASES | SERVING | {"httpx"}),
        ("dataflow.live.run", DATABASES | SERVING | {"httpx"}),
        ("dataflow.live.process", {"pymongo", "bson", "config_api"}),
        ("dataflow.commands.record_messages", DATABASES | SERVING | {"httpx"}),
        ("dataflow.commands.analyze_keys", SERVING | {"pymongo", "bson", "httpx"}),
        ("dataflow.commands.history_files", SERVING | {"pymongo", "bson", "httpx"}),
        ("dataflow.report.making", DATABASES | SERVING | CLIENTS),
        ("dataflow.api.serving", {"bytewax", "pymongo", "bson"}),
    ],
)
def test_programs_need_only_what_they_use(program: str, without: set[str]) -> None:
    _, modules = modules_after(IMPORT.format(program))
    assert program in modules
    assert not modules & without
