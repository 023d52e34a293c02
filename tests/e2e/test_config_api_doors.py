"""Who is let in, with what, how often; and that nothing that is kept secret is told."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from dataflow.cli import main
from tests.api_server import TA_BOT, ApiServer, running_api
from tests.e2e.command import environment, one_line
from tests.nats_server import free_port, wait_until

WRITE, READ, OTHER = "w" * 20, "r" * 20, "o" * 20
LIMIT = 5
EVERYWHERE = "0.0.0.0"  # noqa: S104

CHANGE = {"parameters": {"rsi_period": 13}, "changed_by": "tester"}
CONFIG = "/strategies/momentum_pulse/config"


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One that asks for tokens and listens on all addresses; it may never show a token."""
    settings = {"API_TOKENS": f"write:{WRITE}, read:{READ}", "FASTAPI_HOST": EVERYWHERE, "LOG_LEVEL": "DEBUG"}
    with running_api(tmp_path_factory.mktemp("api"), **settings) as server:
        yield server
    said = server.said()
    assert WRITE not in said
    assert READ not in said
    assert OTHER not in said


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One without tokens."""
    with running_api(tmp_path_factory.mktemp("local")) as server:
        yield server


@pytest.mark.parametrize("token", ["", OTHER, WRITE[:-1], f"{WRITE}x"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/strategies"), ("POST", CONFIG), ("GET", "/strategies/x/audit")])
def test_without_a_token_that_is_known_nothing_is_told(api: ApiServer, method: str, path: str, token: str) -> None:
    """Not even whether there is such a strategy."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = api.client.request(method, f"/api/v1{path}", headers=headers)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["error"]["code"] == "unauthorized"
    assert not token or token not in answer.text


@pytest.mark.parametrize("value", [f"Basic {READ}", READ, "Bearer", f"Bearer {READ}, Bearer {WRITE}", "ÿ" * 20])
def test_other_authorizations_are_none(api: ApiServer, value: str) -> None:
    headers = {b"Authorization": value.encode("latin-1")}
    assert api.client.get("/api/v1/strategies", headers=headers).status_code == 401


def test_a_read_token_reads_and_tries_out(api: ApiServer) -> None:
    api.get("/strategies", token=READ)
    api.get(CONFIG, token=READ)
    trial = {"strategy_id": "momentum_pulse", "parameters": {"rsi_period": 13}}
    assert api.post("/config/validate", trial, token=READ)["data"]["valid"] is True


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", CONFIG),
        ("POST", f"{CONFIG}/BTCUSDT"),
        ("DELETE", CONFIG),
        ("DELETE", f"{CONFIG}/BTCUSDT"),
        ("POST", "/strategies/momentum_pulse/rollback"),
        ("POST", "/strategies/cache/refresh"),
        ("POST", "/config/application"),
        ("POST", "/config/application/rollback"),
    ],
)
def test_a_read_token_changes_nothing(api: ApiServer, method: str, path: str) -> None:
    assert api.ask(method, path, status=403, token=READ)["error"]["code"] == "forbidden"


def test_a_write_token_does_both(api: ApiServer) -> None:
    api.get("/strategies", token=WRITE)
    assert api.post(f"{CONFIG}/ETHUSDT", CHANGE, token=WRITE)["data"]["is_override"] is True


@pytest.mark.parametrize("path", ["/health", "/live", "/openapi.json"])
def test_how_it_is_needs_no_token(api: ApiServer, path: str) -> None:
    assert api.client.get(path).status_code == 200


def test_it_says_how_it_is(api: ApiServer) -> None:
    wait_until(lambda: api.client.get("/ready").status_code == 200, "it to be ready")
    health = api.client.get("/health").json()
    assert health["status"] == "degraded"  # nobody can be told of changes
    assert health["stores"] == {"sqlite": None}
    assert health["history"] is None
    assert health["announcer"]["connected"] is False
    assert health["announcer"]["trouble"]


def test_what_is_counted_needs_no_token_and_stays_small(api: ApiServer) -> None:
    """However many paths and methods clients come up with."""
    for number in range(20):
        api.client.get(f"/nowhere/{number}")
        api.client.get(f"/api/v1/strategies/nothing_{number}/config")
        api.client.request(f"BREW{number}", "/api/v1/strategies")
    before = api.counted("ta_api_requests_total")
    template = "/api/v1/strategies/{strategy_id}/config"
    assert api.counted("ta_api_requests_total", route="none", method="GET", status="404") >= 20
    assert api.counted("ta_api_requests_total", route=template, status="401") >= 20
    assert api.counted("ta_api_requests_total", method="other") == 20
    assert api.counted("ta_api_request_seconds_count", route=template, method="GET") >= 20
    assert api.counted("ta_api_requests_total") > before  # /metrics itself
    assert len({labels["route"] for labels, _ in api.series("ta_api_requests_total")}) < 30


def test_every_answer_has_headers_for_browsers(api: ApiServer) -> None:
    for path in ("/api/v1/strategies", "/live", "/nowhere"):
        headers = api.client.get(path).headers
        assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
        assert "server" not in headers
        assert "set-cookie" not in headers


def test_the_page_is_served_to_everybody_and_may_load_nothing_of_others(api: ApiServer) -> None:
    """It holds nothing that is secret: what it shows it asks the API for, with a token."""
    page = api.client.get("/")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    parts = sorted(set(re.findall(r'(?:src|href)="(/[^"]*)"', page.text)))
    assert len(parts) > 3
    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    assert policy == {
        **dict.fromkeys(("default-src", "base-uri", "form-action", "frame-ancestors"), "'none'"),
        **dict.fromkeys(("script-src", "style-src", "connect-src"), "'self'"),
        "img-src": "'self' data:",
    }
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for path in parts:
        answer = api.client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Type"].startswith("text/css" if path.endswith(".css") else "text/javascript")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        known = api.client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
        assert (known.status_code, known.content) == (304, b"")
        assert api.client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("name", ["none.js", "..%2Fapp.py", "%2Fetc%2Fpasswd", "vendored.json"])
def test_nothing_else_is_served(api: ApiServer, name: str) -> None:
    assert api.client.get(f"/static/{name}").status_code == 404


def test_changes_are_limited_for_each_token(tmp_path: Path) -> None:
    tokens = f"write:{WRITE},write:{OTHER},read:{READ}"
    with running_api(tmp_path, API_TOKENS=tokens, API_CHANGES_PER_MINUTE=str(LIMIT)) as api:
        headers = {"Authorization": f"Bearer {WRITE}"}
        answers = [api.client.delete(f"/api/v1{CONFIG}", headers=headers) for _ in range(LIMIT + 1)]
        assert [answer.status_code for answer in answers] == [422] * LIMIT + [429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60 / LIMIT
        assert answers[-1].json()["error"]["code"] == "too_many_changes"
        api.get(CONFIG, token=WRITE)
        api.get(CONFIG, token=READ)
        api.post(CONFIG, CHANGE, token=OTHER)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", "[::1", "", "10.0.0.1"]
)
def test_other_hosts_are_not_answered_for(local: ApiServer, host: str) -> None:
    """A page may have its own name lead here."""
    for path in ("/api/v1/strategies", "/live"):
        answer = local.client.get(path, headers={"Host": host})
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] == "forbidden_host"


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "[::1]"])
def test_this_machine_is_answered_for(local: ApiServer, host: str) -> None:
    assert local.client.get("/api/v1/strategies", headers={"Host": host}).status_code == 200


def test_with_tokens_any_host_is_answered_for(api: ApiServer) -> None:
    headers = {"Host": "config.example", "Authorization": f"Bearer {READ}"}
    assert api.client.get("/api/v1/strategies", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "json"]
)
def test_bodies_of_other_types_are_refused(local: ApiServer, content_type: str) -> None:
    """So a page elsewhere cannot send one without asking first."""
    headers = {"Content-Type": content_type} if content_type else {}
    answer = local.client.post(f"/api/v1{CONFIG}", content=orjson.dumps(CHANGE), headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "unsupported_media_type")


MALFORMED = [b"", b"{", b"\xff", b'{"a":NaN}', b'{"a":1}}', b'{"a":"\\ud800"}', b"[" * 50_000]


@pytest.mark.parametrize("body", MALFORMED, ids=range(len(MALFORMED)))
def test_bodies_that_are_no_json_are_refused(local: ApiServer, body: bytes) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    answer = local.client.post(f"/api/v1{CONFIG}", content=body, headers=headers)
    assert answer.status_code in ({400} if body else {400, 422})
    assert answer.json()["success"] is False


LARGE: dict[str, Any] = {"at once": b" " * 65_537, "in pieces": [b" " * 5_000] * 14}


@pytest.mark.parametrize("case", LARGE)
def test_bodies_that_are_too_large_are_refused(local: ApiServer, case: str) -> None:
    content = LARGE[case] if isinstance(LARGE[case], bytes) else iter(LARGE[case])
    answer = local.client.post(f"/api/v1{CONFIG}", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    body = orjson.dumps(CHANGE)
    fitting = body + b" " * (65_536 - len(body))
    headers = {"Content-Type": "application/json"}
    assert local.client.post(f"/api/v1{CONFIG}", content=fitting, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/static", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/strategies/", 404),
        ("GET", "/api/v1/strategies/a%2Fb/config", 404),
        ("PUT", f"/api/v1{CONFIG}", 405),
        ("HEAD", "/api/v1/strategies", 405),
        ("OPTIONS", "/live", 405),
        ("BREW", "/live", 405),
    ],
)
def test_wrong_ways_are_told_in_the_envelope(local: ApiServer, method: str, path: str, status: int) -> None:
    answer = local.client.request(method, path)
    assert answer.status_code == status
    assert ("Allow" in answer.headers) is (status == 405)
    if method != "HEAD":
        assert set(answer.json()["error"]) == {"code", "message", "details"}


def test_a_client_that_goes_away_in_mid_body_harms_nobody(local: ApiServer) -> None:
    with socket.create_connection(("127.0.0.1", local.port)) as connection:
        head = f"POST /api/v1{CONFIG} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n{{".encode())
    local.get("/strategies")


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    **{
        f"host {host!r}": ({"FASTAPI_HOST": host}, "API_TOKENS")
        for host in (EVERYWHERE, "::", "192.0.2.7", "a.example")
    },
    "short token": ({"API_TOKENS": "write:s3cr3t"}, "API_TOKENS: expected"),
    "no scope": ({"API_TOKENS": "s3cr3ts3cr3ts3cr3t"}, "API_TOKENS: expected"),
    "other scope": ({"API_TOKENS": "admin:s3cr3ts3cr3ts3cr3t"}, "API_TOKENS: expected"),
    "empty entry": ({"API_TOKENS": "write:s3cr3ts3cr3ts3cr3t,"}, "API_TOKENS: expected"),
    "space": ({"API_TOKENS": "write:s3cr3ts3cr3 ts3cr3t"}, "API_TOKENS: expected"),
    "port": ({"FASTAPI_PORT": "65536"}, "FASTAPI_PORT"),
    "limit": ({"API_CHANGES_PER_MINUTE": "0"}, "API_CHANGES_PER_MINUTE"),
    "ttl": ({"CONFIG_CACHE_TTL_SECONDS": "-1"}, "CONFIG_CACHE_TTL_SECONDS"),
    "mysql": ({"MYSQL_URI": "postgres://u:s3cr3t@h/d"}, "MYSQL_URI: "),
    "mongodb": ({"MONGODB_URI": "http://u:s3cr3t@h"}, "mongodb://"),
    "nats": ({"NATS_URL": "http://u:s3cr3t@h"}, "NATS_URL: "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_settings_that_are_not_usable_are_told_in_one_line(
    tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, expected = REFUSED[case]
    monkeypatch.chdir(tmp_path)
    for name, value in {"FASTAPI_PORT": str(free_port()), **settings}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["ta-bot", "api"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert expected in one_line(said)
    assert "s3cr3t" not in said


def test_an_address_in_use_is_told(local: ApiServer, tmp_path: Path) -> None:
    ended = subprocess.run(
        [TA_BOT, "api"],
        cwd=tmp_path,
        env=environment(FASTAPI_PORT=str(local.port)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert f"FASTAPI_PORT: 127.0.0.1:{local.port} cannot be used" in one_line(ended.stderr)
