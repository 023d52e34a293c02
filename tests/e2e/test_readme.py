"""The README's commands run as written and print what it says, but for rates and times."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from dataflow.api.settings import ApiSettings
from dataflow.live.settings import Settings
from tests.api_server import running_api
from tests.e2e.command import without_rate
from tests.kit import real_klines
from tests.mariadb_server import MySQLDatabase
from tests.nats_server import free_port, peer_of, running_server, wait_until

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CONSOLES = [text for language, text in BLOCKS if language == "console"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a fresh clone after its set-up."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    return folder


def run(command: str, home: Path, **variables: str) -> str:
    where = ROOT if command.startswith("make ") else home
    environment = {**os.environ, **variables}
    done = subprocess.run(  # noqa: S602
        command, shell=True, cwd=where, capture_output=True, text=True, check=False, env=environment
    )
    return done.stdout + done.stderr


def timeless(text: str) -> str:
    """Without ids, which are made up, and moments of this year."""
    return re.sub(r"[0-9a-f]{32}", "ID", re.sub(r"2026-[-:.0-9T]+Z", "MOMENT", text))


def lines_of(text: str) -> list[str]:
    """The lines that say something, without spaces at their ends."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def is_lasting(console: str) -> bool:
    """Whether it is one command that runs until it is stopped."""
    return re.fullmatch(r"\$ [^\n]*ta-bot (run|dev|api)\b[^\n]*\n", console) is not None


def asks_sidecar(console: str) -> bool:
    """Whether its commands are for a sidecar that serves meanwhile."""
    return "localhost:8080" in console or "ta-bot config" in console


def stopped_once(said: str, command: str, folder: Path) -> str:
    """What a lasting command had printed when it ended, after Ctrl-C at the time it `said` something."""
    log = folder / "log"
    with log.open("w") as output:
        environment = {**os.environ, "HEALTH_PORT": str(free_port()), "FASTAPI_PORT": str(free_port())}
        process = subprocess.Popen(  # noqa: S602
            f"exec {command}", shell=True, cwd=folder, stdout=output, stderr=output, env=environment
        )
    try:
        wait_until(lambda: re.search(said, log.read_text()) or process.poll() is not None, said)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()
    return log.read_text()


def lasting(name: str) -> str:
    found: list[str] = [console for console in CONSOLES if is_lasting(console) and f"ta-bot {name}" in console]
    return found[0].removeprefix("$ ").strip()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


def test_dev_shows_signals_as_it_says(folder: Path) -> None:
    shown = next(text for language, text in BLOCKS if language == "dev").splitlines()
    printed = stopped_once(re.escape(shown[-1]), lasting("dev"), folder).splitlines()
    assert [re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8080", line) for line in printed[: len(shown)]] == shown


def test_the_sidecar_answers_as_it_says(folder: Path) -> None:
    assert lasting("api") == ".venv/bin/ta-bot api"
    consoles = [console for console in CONSOLES if asks_sidecar(console)]
    assert len(consoles) == 9
    with running_server(folder / "nats") as server, running_api(folder / "work", NATS_URL=server.url) as api:
        (api.folder / ".venv").symlink_to(folder / ".venv")
        wait_until(lambda: api.client.get("/health").json()["announcer"]["connected"], "NATS")
        for step in (step for console in consoles for step in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]):
            command, _, shown = step.partition("\n")
            here = command.replace("localhost:8080", f"localhost:{api.port}")
            printed = run(here, api.folder, TA_BOT_API_URL=api.url)
            assert "Traceback" not in printed, command
            assert "ta-bot: " not in printed, command
            if shown.strip():
                assert lines_of(timeless(printed)) == lines_of(timeless(shown)), command
        changes = (api.folder / "changes.jsonl").read_text().splitlines()
        assert len(changes) == 5
        run(".venv/bin/ta-bot demo --days 10 --keep klines", api.folder)
        assert "Traceback" not in run(".venv/bin/ta-bot replay klines --changes changes.jsonl", api.folder)


def test_run_runs_as_it_says(folder: Path, mysql: MySQLDatabase) -> None:
    command = lasting("run")
    variables = dict(re.findall(r"(\w+)=(\S+)", command))
    with running_server(folder / "nats") as server:
        for name, here in {"NATS_URL": server.url, "MYSQL_URI": mysql.uri}.items():
            command = command.replace(f"{name}={variables[name]}", f"{name}='{here}'")
        with peer_of(server) as peer:
            printed = stopped_once("stream DEADLETTER: created", f"env {command}", folder)
            assert {"KLINES", "SIGNALS", "ALERTS", "LATE", "DEADLETTER"} <= set(peer.streams())
    assert "Traceback" not in printed
    assert (folder / "state" / "snapshots").is_dir()


def test_every_variable_is_explained() -> None:
    table = set(re.findall(r"`([A-Z][A-Z_]+)`", README))
    assert table >= {name.upper() for name in {**Settings.model_fields, **ApiSettings.model_fields}}


def test_consoles_show_what_the_commands_print(home: Path) -> None:
    for console in CONSOLES:
        if is_lasting(console) or asks_sidecar(console):
            continue
        for step in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            printed = run(command, home)
            assert "Traceback" not in printed, command
            assert "No such file" not in printed, command
            if shown.strip():
                assert list(filter(None, without_rate(printed))) == list(filter(None, without_rate(shown))), command


def test_the_strategies_are_worth_what_it_says() -> None:
    real_klines()  # says where they are expected
    command, _, shown = next(text for language, text in BLOCKS if language == "evaluation").partition("\n")
    printed = lines_of(run(command.removeprefix("$ "), ROOT))
    assert printed[: len(lines_of(shown))] == lines_of(shown)


def test_python_prints_what_is_shown(home: Path) -> None:
    run(".venv/bin/ta-bot demo --keep klines", home)
    python = next(text for language, text in BLOCKS if language == "python")
    shown = next(text for language, text in BLOCKS if language == "text")
    done = subprocess.run([sys.executable, "-c", python], cwd=home, capture_output=True, text=True, check=True)
    assert done.stdout == shown
