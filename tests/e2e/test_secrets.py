"""Secrets of every variable, given to every program while its servers refuse, hang up or are away: none is told."""

from __future__ import annotations

import base64
import os
import signal
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx
import orjson
import pytest

from tests.e2e.command import TA_BOT
from tests.nats_server import free_ports, running_server, wait_until

ENDS_SECS = 60.0

WORDS = {name: f"marker/{name}@pass" for name in ("nats", "mysql", "mongo", "rest", "otel")}
REST_QUERY, REST_PATH, OTEL_HEADER = "marker-rest-query", "marker-rest-path-0123", "marker-otel-header"
WRITE, READ, CLIENT = "marker-write-token", "marker-read-token-0", "marker-client-token"

MARKERS = {
    form
    for word in (*WORDS.values(), REST_QUERY, REST_PATH, OTEL_HEADER, WRITE, READ, CLIENT)
    for form in (word, quote(word, safe=""), repr(word)[1:-1], base64.b64encode(f"bot:{word}".encode()).decode())
}


class _HangUp(socketserver.BaseRequestHandler):
    """Cuts off whoever has said something, or waited to hear something."""

    def handle(self) -> None:
        self.request.settimeout(0.1)
        try:
            self.request.recv(100)
        except TimeoutError:
            return


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Variables with a secret in each, of a NATS server that refuses, databases that hang up, others that are away."""
    folder = tmp_path_factory.mktemp("secrets")
    word = {name: quote(text, safe="") for name, text in WORDS.items()}
    refusing = 'authorization { user: "bot", password: "another" }'
    with ExitStack() as servers:
        nats = servers.enter_context(running_server(folder / "nats", refusing))
        hangs_up = servers.enter_context(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _HangUp))
        threading.Thread(target=hangs_up.serve_forever, args=(0.05,), daemon=True).start()
        servers.callback(hangs_up.shutdown)
        port = hangs_up.server_address[1]
        yield {
            "NATS_URL": f"nats://bot:{word['nats']}@127.0.0.1:{nats.port}",
            "MYSQL_URI": f"mysql+pymysql://bot:{word['mysql']}@127.0.0.1:{port}/klines",
            "MONGODB_URI": f"mongodb://bot:{word['mongo']}@127.0.0.1:{port}/?serverSelectionTimeoutMS=500",
            "API_ENDPOINT": f"http://bot:{word['rest']}@127.0.0.1:1/{REST_PATH}?token={REST_QUERY}",
            "API_TOKENS": f"write:{WRITE},read:{READ}",
            "TA_BOT_API_TOKEN": CLIENT,
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://bot:{word['otel']}@127.0.0.1:1",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{OTEL_HEADER}",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "LOG_LEVEL": "DEBUG",
        }


def check(told: str, who: str) -> None:
    found = sorted(marker for marker in MARKERS if marker in told)
    assert not found, f"{who} told {found}: ...{told[max(0, told.index(found[0]) - 300) :][:600]}"


class Program:
    """A command in a process of its own."""

    def __init__(self, folder: Path, settings: dict[str, str], *command: str) -> None:
        self.out = folder / f"{command[0]}.log"
        others = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [TA_BOT, *command], stdout=out, stderr=out, cwd=folder, env={**others, **settings}
            )

    def said(self) -> str:
        return self.out.read_text(errors="replace")

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(ENDS_SECS)


def test_no_program_tells_a_secret(tmp_path: Path, settings: dict[str, str]) -> None:
    ports = free_ports(2)
    own = {**settings, "HEALTH_PORT": str(ports), "FASTAPI_PORT": str(ports + 1)}
    text, json = {**own, "LOG_FORMAT": "text"}, {**own, "LOG_FORMAT": "json"}
    url = f"http://127.0.0.1:{ports + 1}"
    run, api = Program(tmp_path, json, "run"), Program(tmp_path, text, "api")
    commands = [Program(tmp_path, json, "history", "export", "--symbol", "BTCUSDT", "--timeframe", "1h")]
    try:
        wait_until(lambda: _answers(url, "/live") and _answers(f"http://127.0.0.1:{ports}", "/live"), "both to serve")
        commands.append(Program(tmp_path, text, "config", "get", "doji_reversal", "--url", url))
        answers = _asked(url)
        wait_until(lambda: run.said().count("\n") > 2 and "NATS" in run.said(), "the bot to say that NATS refuses")
        wait_until(lambda: "away" in run.said() and "cannot be read" in run.said(), "the bot to miss its stores")
        answers += [httpx.get(f"http://127.0.0.1:{ports}{path}").text for path in ("/ready", "/live", "/metrics")]
        for command in commands:
            assert command.process.wait(ENDS_SECS) == 2, command.said()
    finally:
        codes = [program.end() for program in (run, api, *commands)]
    assert codes[:2] == [0, 0], (run.said(), api.said())
    for program in (run, api, *commands):
        assert program.said()
        check(program.said(), str(program.process.args))
    check("".join(answers), "answers")
    for line in (run.said() + commands[0].said()).splitlines():
        assert {"timestamp", "level", "event", "logger"} <= orjson.loads(line).keys()


def _answers(url: str, path: str) -> bool:
    try:
        return httpx.get(f"{url}{path}", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _asked(url: str) -> list[str]:
    """What the sidecar answers to those who may, and to those who may not."""
    paths = ("/api/v1/strategies", "/api/v1/strategies/doji_reversal/config", "/ready", "/live")
    found = []
    for token in (WRITE, READ, "another-token-0123456"):
        headers = {"Authorization": f"Bearer {token}"}
        found += [httpx.get(f"{url}{path}", headers=headers, timeout=60, trust_env=False).text for path in paths]
        body = {"parameters": {"trend_period": 11}, "changed_by": "tester"}
        change = httpx.post(f"{url}{paths[1]}", json=body, headers=headers, timeout=60, trust_env=False)
        assert not change.is_success
        found.append(change.text)
    return found


def test_dev_tells_no_secret(tmp_path: Path, settings: dict[str, str]) -> None:
    dev = Program(tmp_path, {**settings, "LOG_FORMAT": "text", "FASTAPI_PORT": "0"}, "dev", "--days", "22")
    try:
        wait_until(lambda: "See it live" in dev.said() and "DEBUG" in dev.said(), "the market to run")
        wait_until(lambda: "traces: " in dev.said() or "buy" in dev.said(), "something to happen")
    finally:
        code = dev.end()
    assert code == 0, dev.said()
    check(dev.said(), "dev")
