"""The sidecar by HTTPS, its client, and what every program says about files that it cannot use."""

from __future__ import annotations

import shutil
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dataflow.cli import main
from tests.api_server import ApiServer, running_https_api
from tests.certificates import DAY, Pair, World
from tests.e2e.command import one_line
from tests.nats_server import wait_until

TOKEN = "w" * 20


@pytest.fixture(scope="module")
def own(world: World, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The files that the sidecar is told of."""
    folder = tmp_path_factory.mktemp("own")
    return Pair(*(Path(shutil.copy(path, folder)) for path in world.server))


@pytest.fixture(scope="module")
def api(world: World, own: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    folder, trusted = tmp_path_factory.mktemp("api"), world.authority.context()
    with running_https_api(folder, own, trusted, API_TOKENS=f"write:{TOKEN}") as server:
        yield server


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Exit code and output of a command, run in this process."""
    monkeypatch.setattr(sys, "argv", ["ta-bot", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    shown = capsys.readouterr()
    return int(ended.value.code or 0), shown.out, shown.err


def serial(api: ApiServer, context: ssl.SSLContext) -> str:
    """Which certificate it shows to a new client."""
    with httpx.Client(verify=context, trust_env=False) as client, client.stream("GET", f"{api.url}/live") as answer:
        shown = answer.extensions["network_stream"].get_extra_info("ssl_object").getpeercert()
        return str(shown["serialNumber"])


def test_the_sidecar_serves_https_alone(api: ApiServer) -> None:
    assert api.get("/strategies", token=TOKEN)["data"]
    assert f"serves on https://127.0.0.1:{api.port}" in api.said()
    with pytest.raises(httpx.TransportError):
        httpx.get(api.url.replace("https:", "http:"), trust_env=False)


def test_the_client_trusts_what_it_is_told_to(
    api: ApiServer, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TA_BOT_API_TOKEN", TOKEN)
    monkeypatch.setenv("TA_BOT_API_URL", api.url)
    command = ("config", "get", "doji_reversal")
    ca = str(world.authority.ca)
    assert said(monkeypatch, capsys, *command, "--ca-file", ca)[0] == 0
    for arguments, expected in {
        (): "CERTIFICATE_VERIFY_FAILED",
        ("--ca-file", str(world.another.ca)): "CERTIFICATE_VERIFY_FAILED",
        ("--ca-file", "no.pem"): "API_CA_FILE: no.pem: cannot be read",
        ("--ca-file", ca, "--url", "http://127.0.0.1:1"): "--ca-file or API_CA_FILE: is of no use",
    }.items():
        code, out, err = said(monkeypatch, capsys, *command, *arguments)
        assert (code, out) == (2, "")
        assert expected in one_line(err)
    monkeypatch.setenv("API_CA_FILE", ca)
    assert "trend_period" in said(monkeypatch, capsys, *command)[1]


def test_a_renewed_certificate_is_used_without_a_restart(api: ApiServer, world: World, own: Pair) -> None:
    trusted = world.authority.context()
    before, new = serial(api, trusted), world.authority.issue("renewed", lasts=2 * DAY)
    mark = len(api.said())
    shutil.copy(new.cert, own.cert)  # its key is still to come
    wait_until(lambda: "stays as it was: FASTAPI_KEY_FILE" in api.said()[mark:], "the half of a pair to be refused")
    assert serial(api, trusted) == before
    shutil.copy(new.key, own.key)
    wait_until(lambda: serial(api, trusted) != before, "the new one to be shown")
    assert api.get("/strategies", token=TOKEN)["data"]
    assert api.said()[mark:].count("stays as it was") == 1


def test_who_serves_to_others_still_needs_tokens(
    own: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"FASTAPI_CERT_FILE": str(own.cert), "FASTAPI_KEY_FILE": str(own.key)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("FASTAPI_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.delenv("API_TOKENS", raising=False)
    code, _, err = said(monkeypatch, capsys, "api")
    assert code == 2
    assert "API_TOKENS" in one_line(err)


NATS = ("NATS_CA_FILE", "NATS_CERT_FILE", "NATS_CREDS_FILE")
STORES = ("MYSQL_CA_FILE", "MYSQL_CERT_FILE", "MONGODB_CA_FILE", "MONGODB_CERT_FILE")
PROGRAMS: dict[tuple[str, ...], tuple[str, ...]] = {
    ("run",): (*NATS, *STORES, "API_ENDPOINT_CA_FILE"),
    ("api",): (*NATS, *STORES, "FASTAPI_CERT_FILE"),
    ("record", "--out", "-"): NATS,
    ("analyze", "--all"): STORES,
    ("history", "export", "--symbol", "BTCUSDT", "--timeframe", "15m"): ("MYSQL_CA_FILE",),
}


@pytest.mark.parametrize(
    ("program", "variable"),
    [(program, variable) for program, variables in PROGRAMS.items() for variable in variables],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_a_program_says_what_file_it_cannot_use(
    program: tuple[str, ...],
    variable: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = {
        "NATS_URL": "nats://127.0.0.1:1",
        "MYSQL_URI": "mysql://olga:sesame@127.0.0.1:1/klines",
        "MONGODB_URI": "mongodb://olga:sesame@127.0.0.1:1",
        "API_ENDPOINT": "https://127.0.0.1:1",
        "FASTAPI_PORT": "0",
        "HEALTH_PORT": "0",
        variable: str(tmp_path / "no.pem"),
    }
    if variable in {"NATS_CERT_FILE", "MYSQL_CERT_FILE", "FASTAPI_CERT_FILE"}:
        settings[variable.replace("CERT", "KEY")] = str(tmp_path / "no.key.pem")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    code, out, err = said(monkeypatch, capsys, *program)
    assert (code, out) == (2, "")
    told = [line for line in err.splitlines() if not line.startswith(("WARNING", "INFO"))]
    assert told == [f"ta-bot: {variable}: {tmp_path / 'no.pem'}: cannot be read: No such file or directory"]
    assert "sesame" not in err
