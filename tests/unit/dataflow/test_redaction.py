"""What is secret in settings, in every form that it may be written in."""

from __future__ import annotations

import base64

import pytest

from dataflow.redaction import Redaction


def hidden(text: str, **settings: str) -> str:
    redaction = Redaction()
    redaction.learn(settings)
    return redaction.hide(text)


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("NATS_URL", "nats://bot:m%2Frker-one@a:4222,nats://eve:other-one@b:4222", "m/rker-one"),
        ("NATS_URL", "nats://bot:m%2Frker-one@a:4222,nats://eve:other-one@b:4222", "m%2Frker-one"),
        ("NATS_URL", "nats://bot:m%2Frker-one@a:4222,nats://eve:other-one@b:4222", "other-one"),
        ("NATS_URL", "nats://token-alone@a:4222", "token-alone"),
        ("nats_url", "bot:without-scheme@a:4222", "without-scheme"),
        ("MYSQL_URI", "mysql://bot:not/encoded@pass@db/klines", "not/encoded@pass"),
        ("MONGODB_URI", "mongodb://bot:with+plus%20x@a,b/?tlsCertificateKeyFilePassword=key-pass", "with+plus x"),
        ("MONGODB_URI", "mongodb://bot:with+plus%20x@a,b/?tlsCertificateKeyFilePassword=key-pass", "key-pass"),
        ("API_ENDPOINT", "https://sk_live_user:@engine/hooks/T0123456789AB?token=query-token&n=1", "sk_live_user"),
        ("API_ENDPOINT", "https://sk_live_user:@engine/hooks/T0123456789AB?token=query-token&n=1", "T0123456789AB"),
        ("API_ENDPOINT", "https://sk_live_user:@engine/hooks/T0123456789AB?token=query-token&n=1", "query-token"),
        ("API_ENDPOINT", "https://bot:letter-box@engine/", base64.b64encode(b"bot:letter-box").decode()),
        ("API_TOKENS", "write:write-token-0123,read:read-token-0123", "read-token-0123"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc%3Ddef,x-key=other-key", "abc=def"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc%3Ddef,x-key=other-key", "other-key"),
        ("TA_BOT_API_TOKEN", "client-token", "client-token"),
        ("SOMEBODYS_PASSWORD", "one-of-others", "one-of-others"),
    ],
)
def test_a_secret_is_hidden(name: str, value: str, secret: str) -> None:
    told = f"it said <{secret}>, {secret!r} and {value}"
    assert secret in told
    assert secret not in hidden(told, **{name: value})


def test_what_is_no_secret_is_left_alone() -> None:
    settings = {"NATS_URL": "nats://localhost:4222", "MYSQL_URI": "mysql://robot:bot@db/klines", "LOG_LEVEL": "DEBUG"}
    told = "robots of nats://localhost:4222 write klines to db"
    assert hidden(told, **settings) == told


def test_a_short_secret_is_hidden_where_it_stands_alone() -> None:
    assert hidden("password 'bot' of robots", MYSQL_URI="mysql://x:bot@db/klines") == "password '***' of robots"


def test_user_info_is_hidden_in_urls_that_nobody_knows() -> None:
    told = "redirected to https://eve:1234@elsewhere:8080/a@b and tls://t@c; mail me@home"
    assert hidden(told) == "redirected to https://***@elsewhere:8080/a@b and tls://***@c; mail me@home"
