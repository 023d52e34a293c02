"""`ta-bot api` in a process of its own, and a client of it that knows nothing of the project's own."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.certificates import Pair
from tests.live_bot import series_in
from tests.nats_server import free_port, wait_until

TA_BOT = Path(sys.executable).with_name("ta-bot")

ENDS_SECS = 60.0

# Nobody listens there.
NO_NATS = "nats://127.0.0.1:1"

SETTINGS = {"LOG_LEVEL", "COLUMNS", "MYSQL_URI", "MONGODB_URI", "NATS_URL", "API_TOKENS", "TA_BOT_API_TOKEN"}
"""What may be set where tests run, and would change what is tested."""

Json = dict[str, Any]


class ApiServer:
    """The sidecar with settings of its own; started again, it goes on with the same ones.

    `tls` is what clients connect with, where it serves HTTPS.
    """

    def __init__(self, folder: Path, settings: dict[str, str], tls: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self.log = folder / "api.log"
        self.command = [str(TA_BOT), "api"]
        self.port = free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in SETTINGS},
            "FASTAPI_PORT": str(self.port),
            "NATS_URL": NO_NATS,
            "API_CHANGES_PER_MINUTE": "100000",
            **settings,
        }
        self.client = httpx.Client(base_url=self.url, timeout=60, trust_env=False, verify=tls or True)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=log, stderr=log, env=self.environment)
        wait_until(self._answers, "the API to answer")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        code, self.process = self.process.wait(ENDS_SECS), None
        return code

    def said(self) -> str:
        """All that it has written."""
        return self.log.read_text(errors="replace")

    def ask(self, method: str, path: str, *, status: int = 200, token: str = "", **more: Any) -> Json:
        """The body of an answer, which must have a status; paths are below /api/v1."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = self.client.request(method, f"/api/v1{path}", headers=headers, **more)
        assert answer.status_code == status, answer.text
        content: Json = answer.json()
        assert content["success"] is (status == 200)
        return content

    def get(self, path: str, *, status: int = 200, **more: Any) -> Json:
        return self.ask("GET", path, status=status, **more)

    def post(self, path: str, body: Any, *, status: int = 200, **more: Any) -> Json:
        return self.ask("POST", path, status=status, json=body, **more)

    def change(self, path: str, *, status: int = 200, by: str = "tester", token: str = "", **values: Any) -> Json:
        """Change values of a configuration, such as `momentum_pulse/config`."""
        body = {"parameters": values, "changed_by": by}
        return self.post(f"/strategies/{path}", body, status=status, token=token)

    def delete(self, path: str, *, status: int = 200, by: str = "tester", **query: Any) -> Json:
        return self.ask("DELETE", f"/strategies/{path}", status=status, params={"changed_by": by, **query})

    def counted(self, name: str, **labels: str) -> float:
        """The sum of the series of this name, and with these labels, in /metrics."""
        return sum(value for each, value in self.series(name) if labels.items() <= each.items())

    def series(self, name: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values of the series of this name in /metrics."""
        return series_in(self.client.get("/metrics").text, name)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said()
        try:
            return self.client.get("/live").status_code == 200
        except httpx.TransportError:
            return False


def findings(content: Json) -> dict[str, Json]:
    """What was found, by parameter."""
    assert content["error"]["code"] == "invalid"
    return {finding["parameter"]: finding for finding in content["error"]["details"]}


def roll_back(api: ApiServer, strategy_id: str, version: int, status: int = 200, **more: Any) -> Json:
    body = {"version": version, "changed_by": "tester", **more}
    return api.post(f"/strategies/{strategy_id}/rollback", body, status=status)


@contextmanager
def running_api(folder: Path, **settings: str) -> Iterator[ApiServer]:
    """A sidecar that serves, and is held to what every one must keep to: it ends well, and shows no traceback."""
    folder.mkdir(exist_ok=True)
    with _running(ApiServer(folder, settings)) as server:
        yield server


@contextmanager
def running_https_api(folder: Path, pair: Pair, tls: ssl.SSLContext, **settings: str) -> Iterator[ApiServer]:
    """The same by HTTPS, with a certificate, and with what clients trust."""
    folder.mkdir(exist_ok=True)
    files = {"FASTAPI_CERT_FILE": str(pair.cert), "FASTAPI_KEY_FILE": str(pair.key)}
    with _running(ApiServer(folder, {**files, **settings}, tls)) as server:
        yield server


@contextmanager
def _running(server: ApiServer) -> Iterator[ApiServer]:
    try:
        server.start()
        yield server
        if server.process is not None:
            assert server.end() == 0, server.said()
    finally:
        server.client.close()
        if server.process is not None:
            server.end(signal.SIGKILL)
    assert "Traceback" not in server.said(), server.said()[-4000:]
