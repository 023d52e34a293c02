"""The last line of defence: what the settings say is secret is not in anything that is written.

Whoever writes a message leaves secrets out; this is for what libraries quote, and for mistakes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, quote, unquote, unquote_plus, urlsplit

MASK = "***"

# Variables, by their names in capitals, and what in them is secret.
_URLS = frozenset(
    {
        "NATS_URL",
        "MYSQL_URI",
        "MONGODB_URI",
        "TA_BOT_API_URL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    }
)
_ENDPOINTS = frozenset({"API_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"})
_HEADERS = frozenset({"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"})
_TOKENS = "API_TOKENS"
_WHOLE = re.compile(r"(?:PASSWORD|PASSWD|TOKEN|SECRET|CREDENTIALS)$")

_SECRET_OPTION = re.compile(r"password|passwd|token|secret|key|auth", re.IGNORECASE)

# Shorter ones are hidden where they stand alone: a password "bot" is not to eat every "robot".
_DISTINCT_CHARACTERS = 8

# Of an endpoint's path, segments that are so long may be a webhook's secret.
_SECRET_SEGMENT_CHARACTERS = 12

_USER_INFO = re.compile(r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]*://)[^\s/@'\"]+@")


class Redaction:
    """Knows secrets, and hides them: raw, percent-encoded or decoded, as they stand in a `repr` and in base64."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, settings: Mapping[str, object]) -> None:
        """Hide from now on what is secret in some settings, by the names of their variables in any case."""
        found = {
            secret
            for name, value in settings.items()
            if isinstance(value, str) and value
            for secret in _secrets_in(name.upper(), value.strip())
        }
        self._secrets |= {form for secret in found for form in _forms(secret) if len(form) > 1}
        # The longest first: a password may be part of another secret.
        alternatives = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
        self._pattern = re.compile("|".join(map(_alternative, alternatives))) if alternatives else None

    def hide(self, text: str) -> str:
        """`text` without the secrets that are known, and without user info in URLs.

        >>> redaction = Redaction()
        >>> redaction.learn({"MYSQL_URI": "mysql://bot:s%40fe-word@db/klines"})
        >>> redaction.hide("no s@fe-word for mongodb://eve:1234@elsewhere")
        'no *** for mongodb://***@elsewhere'
        """
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        return _USER_INFO.sub(rf"\1{MASK}@", text) if "://" in text else text


def _secrets_in(name: str, value: str) -> Iterator[str]:
    if name in _URLS or name in _ENDPOINTS:
        for url in value.split(",") if name == "NATS_URL" else [value]:
            yield from _secrets_in_url(url.strip(), hides_all=name in _ENDPOINTS)
        if "," in value and name == "NATS_URL":
            yield from _secrets_in_user_info(value)  # a comma in the password, which is wrong there
    elif name in _HEADERS:
        for header in value.split(","):
            content = unquote(header.partition("=")[2].strip())
            yield content
            yield content.rpartition(" ")[2]  # after "Bearer"
    elif name == _TOKENS:
        yield from (part.strip().partition(":")[2].strip() or part.strip() for part in value.split(","))
    elif _WHOLE.search(name):
        yield value


def _secrets_in_url(url: str, *, hides_all: bool) -> Iterator[str]:
    """The secrets of a URL; with `hides_all` also those of its path and all its options, and the user."""
    yield from _secrets_in_user_info(url, with_user=hides_all)
    try:
        parts = urlsplit(url)
        options = parse_qsl(parts.query)
    except ValueError:
        return
    yield from (content for name, content in options if hides_all or _SECRET_OPTION.search(name))
    if hides_all:
        yield from (part for part in parts.path.split("/") if len(part) >= _SECRET_SEGMENT_CHARACTERS)


def _secrets_in_user_info(url: str, *, with_user: bool = False) -> Iterator[str]:
    """Password, or the token that stands in its place; also where somebody forgot to encode it, or the scheme."""
    rest = url.partition("://")[2] or url
    for info in {rest.rpartition("@")[0], re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[0]} - {""}:
        user, colon, password = info.partition(":")
        if colon:
            yield password
            yield base64.b64encode(unquote(info).encode()).decode()  # as HTTP sends it
        if with_user or not colon:
            yield user


def _forms(secret: str) -> Iterable[str]:
    """How a secret may be written."""
    for plain in {secret, unquote(secret), unquote_plus(secret)}:
        yield from (plain, quote(plain, safe=""), quote(plain), repr(plain)[1:-1], ascii(plain)[1:-1])


def _alternative(secret: str) -> str:
    escaped = re.escape(secret)
    if len(secret) >= _DISTINCT_CHARACTERS:
        return escaped
    return rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


_here = Redaction()


def hide_secrets_of(settings: Mapping[str, object]) -> None:
    """Hide, in all that this process writes of itself, what is secret in some settings."""
    _here.learn(settings)


def redacted(text: str) -> str:
    """`text` without the secrets of this process's settings."""
    return _here.hide(text)
