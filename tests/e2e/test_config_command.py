"""`ta-bot config` against a real API."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from dataflow.cli import main
from state.klines import KlineStore
from tests.api_server import ApiServer, running_api
from tests.e2e.command import one_line, ta_bot
from tests.http_server import Reply, running_http_server
from tests.kit import real_bars
from tests.nats_server import free_port
from tests.oracle.defaults import DEFAULTS

TOKEN = "w" * 20


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    folder = tmp_path_factory.mktemp("api")
    uri = f"sqlite:///{folder / 'history.sqlite3'}"
    store = KlineStore(uri)
    store.write("BTCUSDT|15m", real_bars("BTCUSDT")[:2_000])
    store.close()
    with running_api(folder, MYSQL_URI=uri, API_TOKENS=f"write:{TOKEN}") as server:
        yield server


class Said(NamedTuple):
    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def config(api: ApiServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process, quickly."""
    monkeypatch.setenv("TA_BOT_API_URL", api.url)
    monkeypatch.setenv("TA_BOT_API_TOKEN", TOKEN)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["ta-bot", "config", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        return Said(int(ended.value.code or 0), said.out, said.err)

    return run


def cells(table: str, first: str) -> list[str]:
    """The cells of the row that begins so."""
    [row] = [line.split() for line in table.splitlines() if line.split()[:1] == [first]]
    return row


def test_a_configuration_is_shown_and_changed(config: Run, api: ApiServer) -> None:
    shown = config("get", "momentum_pulse")
    assert shown.code == 0
    for name, default in DEFAULTS["momentum_pulse"].items():
        assert cells(shown.out, name) == [name, str(default), str(default)]
    changed = config("set", "momentum_pulse", "rsi_min=45", "ema_slow=190", "--reason", "less of it", "--by", "alice")
    assert changed.out.startswith("updated: version 2; ")
    assert cells(changed.out, "rsi_min") == ["rsi_min", "45.0", "45.0", "changed"]
    own = config("set", "momentum_pulse", "rsi_min=46.5", "--symbol", "btcusdt")
    assert own.out.startswith("created: version 1; ")
    assert cells(own.out, "rsi_min") == ["rsi_min", "46.5", "46.5", "changed"]
    assert cells(own.out, "ema_slow") == ["ema_slow", "190", "changed"]
    assert config("set", "momentum_pulse", "rsi_min=46.5", "--symbol", "BTCUSDT").out.startswith("unchanged: version 1")
    audit = config("audit", "momentum_pulse").out
    assert audit.index(getpass.getuser()) < audit.index("alice") < audit.index("system")
    assert "rsi_min 50.0 → 45.0" in audit
    assert "less of it" in audit
    assert config("rollback", "momentum_pulse", "1").out.startswith("rolled back: version 3; ")
    assert api.get("/strategies/momentum_pulse/config", token=TOKEN)["data"]["changed_parameters"] == {}
    assert config("delete", "momentum_pulse", "--symbol", "BTCUSDT").out.startswith("deleted: version 2; ")
    assert config("rollback", "momentum_pulse", "1", "--symbol", "BTCUSDT").out.startswith("rolled back: version 3; ")


def test_json_is_what_the_api_answers(config: Run, api: ApiServer) -> None:
    assert orjson.loads(config("get", "doji_reversal", "--json").out)["data"]["version"] == 1
    answer = orjson.loads(config("set", "doji_reversal", "trend_period=21", "--json").out)
    assert answer["metadata"]["action"] == "updated"
    entries = [orjson.loads(line) for line in config("audit", "doji_reversal", "--json").out.splitlines()]
    assert entries == api.get("/strategies/doji_reversal/audit", token=TOKEN)["data"]
    tried = orjson.loads(config("set", "doji_reversal", "trend_period=22", "--dry-run", "--json").out)
    assert tried["data"] == {"valid": True, "errors": [], "dry_run": None}
    assert orjson.loads(config("delete", "doji_reversal", "--json").out)["data"]["version"] == 3


def test_the_application_is_shown_and_changed(config: Run) -> None:
    arguments = ("enabled_strategies=doji_reversal,momentum_pulse", "symbols=btcusdt, ETHUSDT", "min_confidence=0.6")
    changed = config("set", "application", *arguments)
    assert changed.out.startswith("created: version 1; ")
    assert "doji_reversal" in changed.out
    assert cells(config("get", "application").out, "symbols")[1:] == ["BTCUSDT,", "ETHUSDT"] * 2 + ["changed"]
    assert "symbols  → BTCUSDT, ETHUSDT" in config("audit", "application").out
    config("set", "application", "symbols=null")
    assert cells(config("get", "application").out, "symbols") == ["symbols"]
    assert config("rollback", "application", "1").out.startswith("rolled back: version 3; ")


def test_a_dry_run_shows_signals_and_changes_nothing(config: Run, api: ApiServer) -> None:
    values = ("rsi_min=40", "rsi_max=80", "base_confidence=0.55")
    shown = config("set", "momentum_pulse", *values, "--symbol", "ETHUSDT", "--dry-run")
    assert "signals of the last 0 bars of ETHUSDT 15m" in shown.out
    shown = config("set", "momentum_pulse", *values, "--symbol", "BTCUSDT", "--dry-run", "--bars", "1000")
    assert "signals of the last 1000 bars of BTCUSDT 15m" in shown.out
    assert "appears" in shown.out
    assert "possible; nothing was changed" in shown.out
    assert api.get("/strategies/momentum_pulse/config/ETHUSDT", token=TOKEN)["data"]["version"] == 0
    refused = config("set", "momentum_pulse", "rsi_min=400", "--dry-run")
    assert (refused.code, refused.out) == (2, "")
    assert "rsi_min" in one_line(refused.err)


def test_a_version_that_is_not_the_expected_one_changes_nothing(config: Run) -> None:
    arguments = ("set", "fox_trap_reversal", "min_data_points=99", "--expected-version", "0")
    assert config(*arguments).code == 0
    refused = config(*arguments)
    assert (refused.code, refused.out) == (2, "")
    assert "expected version 0, it is 1 (version_conflict)" in one_line(refused.err)


MISTAKES: dict[str, tuple[list[str], str]] = {
    "unknown strategy": (["get", "astrology"], "there is no strategy 'astrology'"),
    "a path for a strategy": (["get", "../health"], "(unknown_"),
    "unknown parameter": (["set", "doji_reversal", "sign=1"], "sign: there is no such parameter"),
    "out of range": (["set", "doji_reversal", "trend_period=0"], "trend_period: "),
    "no value": (["set", "doji_reversal", "trend_period"], "expected parameter=value"),
    "no number": (["set", "doji_reversal", "trend_period=high"], "trend_period: expected a number, got 'high'"),
    "set twice": (["set", "doji_reversal", "trend_period=1", "trend_period=2"], "trend_period: is set twice"),
    "bad symbol": (["get", "doji_reversal", "--symbol", "B/T"], "--symbol: bad symbol 'B/T'"),
    "nothing to delete": (["delete", "hammer_reversal_pattern"], "nothing is stored for hammer_reversal_pattern"),
    "no such version": (["rollback", "hammer_reversal_pattern", "7"], "never had a version 7"),
    "a symbol of the application": (["get", "application", "--symbol", "BTCUSDT"], "--symbol"),
    "deleting the application": (["delete", "application"], "cannot be deleted"),
    "unknown setting": (["set", "application", "sign=1"], "sign"),
    "no URL": (["get", "doji_reversal", "--url", "localhost:8080"], "--url or TA_BOT_API_URL: expected http"),
    "a URL with a password": (["get", "doji_reversal", "--url", "http://u:s3cr3t@h"], "--url or TA_BOT_API_URL"),
    "nobody there": (["get", "doji_reversal", "--url", f"http://127.0.0.1:{free_port()}"], "cannot be asked"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_told_in_one_line(config: Run, case: str) -> None:
    arguments, expected = MISTAKES[case]
    said = config(*arguments)
    assert (said.code, said.out) == (2, "")
    assert expected in one_line(said.err)
    assert "s3cr3t" not in said.err


def test_an_unknown_token_is_told_and_not_shown(config: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TA_BOT_API_TOKEN", "s3cr3ts3cr3ts3cr3t")
    said = config("get", "doji_reversal")
    assert said.code == 2
    assert "unknown token" in one_line(said.err)
    assert "s3cr3t" not in said.err


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"success":false,"error":7}'])
def test_another_server_is_told_from_the_api(config: Run, body: bytes) -> None:
    def other(_: object) -> Reply:
        return Reply(200, body=body)

    with running_http_server() as server:
        server.reply = other
        said = config("set", "doji_reversal", "trend_period=9", "--url", f"http://127.0.0.1:{server.port}")
    assert said.code == 2
    assert "not as the API of the configuration does" in one_line(said.err)


def test_it_runs_as_a_command(api: ApiServer, tmp_path: Path) -> None:
    ended = ta_bot("config", "get", "doji_reversal", "--url", api.url, cwd=tmp_path)
    assert ended.returncode == 2, "there is no token"
    assert "no token" in one_line(ended.stderr)
    assert "rollback" in ta_bot("config", "--help").stdout
