"""`ta-bot dev`: what comes out of the market on this machine is what a replay of it gives."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from functools import partial
from pathlib import Path

import httpx

from tests.e2e.command import HANGS_SECS, TA_BOT, environment, refusal, replayed, ta_bot
from tests.nats_server import free_port, wait_until

SIGNAL = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d +(\w+) +(\w+) +(\w+) +(buy|sell|hold) ", re.MULTILINE)


# What opens another server of NATS is nothing to its own.
OPENERS = {"NATS_CA_FILE": "no.pem", "NATS_CERT_FILE": "no.pem", "NATS_CREDS_FILE": "no.creds"}


def shown(output: str) -> list[tuple[str, ...]]:
    return sorted(SIGNAL.findall(output))


def test_the_signals_of_a_recorded_market_are_those_of_its_replay(tmp_path: Path) -> None:
    assert ta_bot("demo", "--days", "24", "--keep", tmp_path / "klines").returncode == 0
    ended = ta_bot("dev", "--klines", tmp_path / "klines", "--speed", "100000x", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    moment = re.search(r"; from (\S+) on", ended.stdout)
    assert moment is not None
    # The replay names bars by their open; of 15m bars, the first to arrive opens at the moment of the split.
    lines = replayed(tmp_path / "klines", "--from", moment[1], "--out", "-").splitlines()
    expected = [re.search(r'"signal_id":"(\w+)-(\w+)-\d+-(\w+)-(\w+)"', line) for line in lines]
    found = shown(ended.stdout)
    assert found == sorted(match.groups() for match in expected if match)
    assert f"{len(found):,} signals came out" in ended.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["klines"]


def test_it_shows_signals_until_it_is_interrupted(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [TA_BOT, "dev", "--speed", "20000x"], stdout=output, stderr=output, env=environment(**OPENERS)
        )
    try:
        wait_until(lambda: shown(log.read_text()), "a signal")
        process.send_signal(signal.SIGINT)
        assert process.wait(HANGS_SECS) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log.read_text()
    assert "signals came out" in log.read_text()


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    assert refusal("dev", "--speed", "fast") == "ta-bot: --speed: expected a number above 0, such as 60x, got 'fast'"
    assert "no such file" in refusal("dev", "--klines", tmp_path / "none").lower()
    if os.geteuid() != 0:
        (tmp_path / "closed").mkdir(mode=0o500)
        assert "cannot be written" in refusal("dev", "--keep", tmp_path / "closed" / "folder")


def test_its_configuration_can_be_changed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [TA_BOT, "dev", "--days", "30", "--strategies", "doji_reversal"],
            cwd=tmp_path,
            stdout=output,
            stderr=output,
            env=environment(FASTAPI_PORT=str(free_port())),
        )
    try:
        found = re.compile(r"^See it live, and change its configuration: (\S+)/$", re.MULTILINE)
        wait_until(lambda: found.search(log.read_text()) or process.poll() is not None, "the address")
        address = found.search(log.read_text())
        assert address is not None, log.read_text()
        with httpx.Client(base_url=f"{address[1]}/api/v1", trust_env=False) as client:
            body = {"parameters": {"trend_period": 30}, "changed_by": "tester"}
            changed = client.post("/strategies/doji_reversal/config/SYNTHAUSDT", json=body).json()
            assert changed["metadata"]["announced"] is True
            assert changed["data"]["parameters"]["trend_period"] == 30
            status = partial(client.get, "/status")
            wait_until(lambda: status().json()["data"]["flow"]["reachable"], "the sidecar to know how the bot is")
        process.send_signal(signal.SIGINT)
        assert process.wait(HANGS_SECS) == 0
    finally:
        process.kill()
