"""What the environment may say about a live bot: defaults, values, and what is said of those that are not usable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataflow.live.settings import Settings, settings_of
from operators.live import Selection
from state.errors import StopProgram

SECRET = "s3cr3t"

# Those of the contract, and what the bot adds.
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
    "CONFIG_REFRESH_INTERVAL_SECONDS": 60.0,
    "SUPPORTED_SYMBOLS": "BTCUSDT,ETHUSDT,ADAUSDT",
    "SUPPORTED_TIMEFRAMES": "15m,1h",
    "KLINES_SUBJECTS": "binance.websocket.data,binance.extraction.>,ta.klines.>",
    "KLINES_SHARDS": 1,
    "WARM_UP_BARS": 500,
    "MAX_SIGNAL_AGE_BARS": 1,
    "MAX_SIGNAL_AGE_SECONDS": None,
    "API_ENDPOINT": None,
    "API_ENDPOINT_CA_FILE": None,
    "API_GIVE_UP_SECONDS": 300.0,
    "SNAPSHOT_SECONDS": 10.0,
    "RECOVERY_DIR": None,
    "LEASE": None,
    "LEASE_SECONDS": 10.0,
    "HEALTH_HOST": "127.0.0.1",
    "HEALTH_PORT": 8081,
}

OTHERS: dict[str, tuple[str, object]] = {
    "NATS_URL": ("nats://a:4222, tls://user:word@b", "nats://a:4222, tls://user:word@b"),
    "NATS_CA_FILE": ("/ca", Path("/ca")),
    "NATS_CERT_FILE": ("/cert", Path("/cert")),
    "NATS_KEY_FILE": ("/key", Path("/key")),
    "NATS_CREDS_FILE": ("/creds", Path("/creds")),
    "NATS_REPLICAS": ("3", 3),
    "MYSQL_URI": ("mysql://u:p@h/db", "mysql://u:p@h/db"),
    "MYSQL_TLS": ("true", True),
    "MYSQL_CA_FILE": ("/ca", Path("/ca")),
    "MYSQL_CERT_FILE": ("/cert", Path("/cert")),
    "MYSQL_KEY_FILE": ("/key", Path("/key")),
    "MONGODB_CA_FILE": ("/ca", Path("/ca")),
    "MONGODB_CERT_FILE": ("/cert", Path("/cert")),
    "MONGODB_URI": ("mongodb://u:p@h/?replicaSet=rs0", "mongodb://u:p@h/?replicaSet=rs0"),
    "MONGODB_DATABASE": ("other", "other"),
    "CONFIG_REFRESH_INTERVAL_SECONDS": ("0.5", 0.5),
    "SUPPORTED_SYMBOLS": ("*", "*"),
    "SUPPORTED_TIMEFRAMES": ("1m, 1M", "1m, 1M"),
    "KLINES_SUBJECTS": ("a.b", "a.b"),
    "KLINES_SHARDS": ("4", 4),
    "WARM_UP_BARS": ("1000", 1000),
    "MAX_SIGNAL_AGE_BARS": ("0", 0),
    "MAX_SIGNAL_AGE_SECONDS": ("1.5", 1.5),
    "API_ENDPOINT": ("https://host/signals", "https://host/signals"),
    "API_ENDPOINT_CA_FILE": ("/ca", Path("/ca")),
    "API_GIVE_UP_SECONDS": ("5", 5.0),
    "SNAPSHOT_SECONDS": ("0.25", 0.25),
    "RECOVERY_DIR": ("/somewhere", Path("/somewhere")),
    "LEASE": ("bots-1", "bots-1"),
    "LEASE_SECONDS": ("2.5", 2.5),
    "HEALTH_HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104  # never bound
    "HEALTH_PORT": ("0", 0),
}

BAD = [
    *[("NATS_URL", text) for text in (",", "http://h", "ws://h", "nats://h:port", "nats://", "h:4222 g:4222")],
    *[("NATS_REPLICAS", text) for text in ("0", "6", "many")],
    *[("MYSQL_URI", text) for text in ("postgres://h/db", "h", "mysql://h", "sqlite://", "mysql://u:p@ss@h/db")],
    *[("MYSQL_TLS", text) for text in ("required", "2")],
    *[("CONFIG_REFRESH_INTERVAL_SECONDS", text) for text in ("0", "nan", "inf", "-1", "1m")],
    *[("MONGODB_URI", text) for text in ("mongo://h", "h:27017", "mongodb://", "mongodb://u:p@ss@h")],
    *[("MONGODB_DATABASE", text) for text in ("x" * 64,)],
    *[("SUPPORTED_SYMBOLS", text) for text in ("B@D", ",", "BTCUSDT,*", "B\nTC")],
    *[("SUPPORTED_TIMEFRAMES", text) for text in ("7m", ",", "15m 1h")],
    *[("KLINES_SUBJECTS", text) for text in (",", "a b", ">", "a,ta.*.BTCUSDT.>", "signals.*", "ta.deadletter")],
    *[("KLINES_SHARDS", text) for text in ("0", "-1", "many", "1000000")],
    *[("WARM_UP_BARS", text) for text in ("499", "100001", "5e2", "1\n2")],
    *[("MAX_SIGNAL_AGE_BARS", text) for text in ("-1", "0.5", "x")],
    *[("MAX_SIGNAL_AGE_SECONDS", text) for text in ("0", "nan", "inf", "-1", "x")],
    *[("API_ENDPOINT", text) for text in ("ftp://h", "host/path", "http://", "http://h:x")],
    *[("API_GIVE_UP_SECONDS", text) for text in ("0", "nan", "x")],
    *[("SNAPSHOT_SECONDS", text) for text in ("0", "nan", "3601")],
    *[("LEASE", text) for text in ("a.b", "two words", "*", "x" * 65)],
    *[("LEASE_SECONDS", text) for text in ("0.5", "61", "nan", "long")],
    *[("HEALTH_PORT", text) for text in ("-1", "65536", "http")],
]


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper() in DEFAULTS:
            monkeypatch.delenv(name)


def said(settings: Settings) -> dict[str, object]:
    return {name.upper(): value for name, value in settings}


def test_the_defaults_are_those_of_the_contract() -> None:
    assert said(settings_of()) == DEFAULTS


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert OTHERS.keys() == DEFAULTS.keys()
    for name, (text, _) in OTHERS.items():
        monkeypatch.setenv(name, text)

    assert said(settings_of()) == {name: value for name, (_, value) in OTHERS.items()}


def test_an_empty_variable_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.setenv(name, "")

    assert said(settings_of()) == DEFAULTS


def test_what_is_given_counts_before_variables_unless_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNAPSHOT_SECONDS", "3")
    monkeypatch.setenv("RECOVERY_DIR", "/there")
    settings = settings_of(recovery_dir=Path("/here"), snapshot_seconds=None)

    assert (settings.recovery_dir, settings.snapshot_seconds) == (Path("/here"), 3.0)


def test_variables_of_other_programs_are_nothing_to_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTAPI_PORT", "none")

    assert said(settings_of()) == DEFAULTS


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_bad_value_is_told_in_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(StopProgram) as told:
        settings_of()

    line = str(told.value)
    assert line.startswith(f"{name}: ")
    assert line.count(name) == 1
    assert line.isprintable()


def test_every_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTH_PORT", "x")
    monkeypatch.setenv("WARM_UP_BARS", "x")
    with pytest.raises(StopProgram, match=r"WARM_UP_BARS: .*; HEALTH_PORT: "):
        settings_of()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NATS_URL", f"nats://user:{SECRET}@host:port"),
        ("NATS_URL", f"natz://user:{SECRET}@host"),
        ("NATS_URL", f"nats://{SECRET}@host,,http://x"),
        ("MYSQL_URI", f"mysql+pymysql://user:{SECRET}@ss@host/db"),
        ("MYSQL_URI", f"mysql+pymysql://user:{SECRET}@host"),
        ("MYSQL_URI", f"mysql+pymysql://user:{SECRET}@host:port/db"),
        ("MYSQL_URI", f"postgres://user:{SECRET}@host/db"),
        ("MYSQL_URI", f"user:{SECRET}@host/db"),
        ("API_ENDPOINT", f"ftp://user:{SECRET}@host"),
        ("API_ENDPOINT", f"https://user:{SECRET}@host:port"),
        ("API_ENDPOINT", f"https:///path?token={SECRET}"),
    ],
)
def test_what_may_hold_a_password_is_never_quoted(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(StopProgram) as told:
        settings_of()

    assert str(told.value).startswith(f"{name}: ")
    assert SECRET not in str(told.value)


def test_names_are_read_as_the_exchange_writes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTED_SYMBOLS", " btcusdt ,ETHUSDT,")
    monkeypatch.setenv("SUPPORTED_TIMEFRAMES", "1mo,15m")

    assert settings_of().selection() == Selection(frozenset({"BTCUSDT", "ETHUSDT"}), frozenset({"1M", "15m"}))


def test_a_star_takes_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPPORTED_SYMBOLS", "*")
    monkeypatch.setenv("SUPPORTED_TIMEFRAMES", "*")

    assert settings_of().selection() == Selection(None, None)


def test_subjects_are_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLINES_SUBJECTS", " a.b ,, c.> ")

    assert settings_of().stream_settings().kline_subjects == ("a.b", "c.>")


def test_without_mysql_the_history_is_a_file_here(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of().history_uri == "sqlite:///ta-bot.sqlite3"
    monkeypatch.setenv("MYSQL_URI", "mysql://u:p@h/db")
    assert settings_of().history_uri == "mysql://u:p@h/db"


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, uri in {
        "NATS_URL": f"nats://bot:{SECRET}@host:4222",
        "MYSQL_URI": f"mysql://bot:{SECRET}@host/klines",
        "MONGODB_URI": f"mongodb://bot:{SECRET}@host/",
        "API_ENDPOINT": f"https://host/{SECRET}",
    }.items():
        monkeypatch.setenv(name, uri)
    settings = settings_of()
    assert SECRET in settings.nats_url
    assert SECRET not in f"{settings!r} {settings} {settings.nats_options()!r}"
