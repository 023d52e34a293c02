"""What the environment may say about the sidecar."""

from __future__ import annotations

import pytest

from dataflow.api.settings import ApiSettings, api_settings_of
from dataflow.settings import EMBEDDED_URI
from state.errors import StopProgram

SECRET = "s3cr3ts3cr3ts3cr3t"

DEFAULTS: dict[str, object] = {
    "NATS_URL": "nats://localhost:4222",
    "NATS_CA_FILE": None,
    "NATS_CERT_FILE": None,
    "NATS_KEY_FILE": None,
    "NATS_CREDS_FILE": None,
    "NATS_REPLICAS": 1,
    "MYSQL_URI": None,
    "MYSQL_TLS": False,
    "MYSQL_CA_FILE": None,
    "MYSQL_CERT_FILE": None,
    "MYSQL_KEY_FILE": None,
    "MONGODB_URI": None,
    "MONGODB_CA_FILE": None,
    "MONGODB_CERT_FILE": None,
    "MONGODB_DATABASE": "petrosa",
    "FASTAPI_HOST": "127.0.0.1",
    "FASTAPI_PORT": 8080,
    "FASTAPI_CERT_FILE": None,
    "FASTAPI_KEY_FILE": None,
    "API_TOKENS": None,
    "API_CHANGES_PER_MINUTE": 60,
    "CONFIG_CACHE_TTL_SECONDS": 60.0,
    "CONFIG_FALLBACK_WRITES": False,
    "KLINES_SUBJECTS": "binance.websocket.data,binance.extraction.>,ta.klines.>",
    "FLOW_HEALTH_URL": "http://127.0.0.1:8081",
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.delenv(name, raising=False)


def test_defaults() -> None:
    settings = api_settings_of()
    assert {name.upper(): getattr(settings, name) for name in ApiSettings.model_fields} == DEFAULTS
    assert settings.history_uri == EMBEDDED_URI


def test_variables_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FASTAPI_PORT": "1", "CONFIG_FALLBACK_WRITES": "true", "API_TOKENS": f"read:{SECRET}"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MYSQL_URI", "")
    settings = api_settings_of()
    assert (settings.fastapi_port, settings.config_fallback_writes, settings.mysql_uri) == (1, True, None)
    assert settings.tokens()


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKENS", f"write:{SECRET}")
    monkeypatch.setenv("MYSQL_URI", f"mysql://u:{SECRET}@h/d")
    monkeypatch.setenv("MONGODB_URI", f"mongodb://u:{SECRET}@h")
    monkeypatch.setenv("NATS_URL", f"nats://u:{SECRET}@h")
    monkeypatch.setenv("FLOW_HEALTH_URL", f"http://u:{SECRET}@h")
    settings = api_settings_of()
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()['api_tokens']}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NATS_URL", f"http://u:{SECRET}@h"),
        ("MYSQL_URI", f"postgres://u:{SECRET}@h/d"),
        ("API_TOKENS", SECRET),
        ("API_TOKENS", f"admin:{SECRET}"),
        ("FASTAPI_PORT", "-1"),
        ("FASTAPI_PORT", "http"),
        ("API_CHANGES_PER_MINUTE", "0"),
        ("CONFIG_CACHE_TTL_SECONDS", "nan"),
        ("CONFIG_FALLBACK_WRITES", "perhaps"),
        ("MONGODB_DATABASE", "x" * 64),
        ("KLINES_SUBJECTS", " , "),
        ("KLINES_SUBJECTS", "ta.signals.*.*"),
        ("FLOW_HEALTH_URL", f"ftp://u:{SECRET}@h"),
        ("FLOW_HEALTH_URL", SECRET),
    ],
)
def test_what_is_not_usable_is_told(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(StopProgram, match=f"^{name}: ") as refused:
        api_settings_of()
    assert SECRET not in str(refused.value)


def test_without_tokens_nobody_else_is_let_in() -> None:
    with pytest.raises(StopProgram, match="API_TOKENS"):
        api_settings_of(fastapi_host="192.0.2.7").tokens()
