"""The sidecar inside another program, as `ta-bot dev` has it."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from dataflow.api.serving import serving
from dataflow.api.settings import api_settings_of
from state.errors import StopProgram
from tests.nats_server import NatsServer, wait_until


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_it_serves_while_entered_and_again(
    tmp_path: Path, server: NatsServer, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = api_settings_of(fastapi_port=0, fastapi_host=host, nats_url=server.url)
    for version in (1, 2):
        with serving(settings) as served, httpx.Client(base_url=served.url, trust_env=False) as client:
            wait_until(lambda: client.get("/health").json()["announcer"]["connected"], "NATS to be connected")
            body = {"parameters": {"trend_period": 20 + version}, "changed_by": "tester"}
            content = client.post("/api/v1/strategies/doji_reversal/config", json=body).json()
            assert content["data"]["version"] == version
            assert content["metadata"]["announced"] is True
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{served.url}/live", trust_env=False)
        assert not served.thread.is_alive()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.7"])
def test_an_address_that_is_not_of_this_machine_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = api_settings_of(fastapi_host=host, api_tokens="write:s3cr3ts3cr3ts3cr3t")
    with pytest.raises(StopProgram, match=f"FASTAPI_PORT: {host}:8080 cannot be used"), serving(settings):
        pass
