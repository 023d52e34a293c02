"""The API of the configuration, as commands ask it."""

from __future__ import annotations

import logging
import os
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from config_api.app import PREFIX
from state.errors import SkipInput, StopProgram
from state.key import check_symbol

URL_VARIABLE = "TA_BOT_API_URL"
TOKEN_VARIABLE = "TA_BOT_API_TOKEN"  # noqa: S105  # its name
DEFAULT_URL = "http://127.0.0.1:8080"

APPLICATION = "application"
"""Stands in place of a strategy for the application's settings."""

_TIMEOUT_SECS = 30.0


class ConfigClient:
    """Asks one API. The token comes from the environment, and is never shown."""

    def __init__(self, url: str) -> None:
        self.url = _checked(url)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # commands say themselves what became of a request
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        if not token.isascii() or not token.replace(" ", "").isprintable():
            raise StopProgram(f"{TOKEN_VARIABLE}: expected ASCII characters")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, *, body: Any = None, query: dict[str, Any] | None = None) -> dict[str, Any]:
        """What the API answers.

        Raises:
            StopProgram: it cannot be reached, or answers with an error, in one line.
        """
        params = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            answer = httpx.request(
                method,
                f"{self.url}{PREFIX}{path}",
                json=body,
                params=params,
                headers=self._headers,
                timeout=_TIMEOUT_SECS,
                trust_env=False,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise StopProgram(f"{self.url}: cannot be asked: {str(error) or type(error).__name__}") from error
        return self._content(answer)

    def _content(self, answer: httpx.Response) -> dict[str, Any]:
        try:
            content = orjson.loads(answer.content)
            if content["success"] is True:
                return dict(content)
            error = content["error"]
            raise StopProgram(f"{error['message']} ({error['code']})")
        except (orjson.JSONDecodeError, TypeError, KeyError) as error:
            raise StopProgram(
                f"{self.url}: answered {answer.status_code}, and not as the API of the configuration does"
            ) from error


def path_of(name: str, symbol: str | None, what: str = "config") -> str:
    """The path of something of a strategy, or of the application.

    >>> path_of("doji_reversal", "BTCUSDT"), path_of("application", None, "audit")
    ('/strategies/doji_reversal/config/BTCUSDT', '/config/application/audit')

    Raises:
        StopProgram: a symbol is none, or is named for the application.
    """
    if name == APPLICATION:
        if symbol is not None:
            raise StopProgram("the application's settings are for all symbols: leave out --symbol")
        return "/config/application" if what == "config" else f"/config/application/{what}"
    path = f"/strategies/{quote(name, safe='')}/{what}"
    return f"{path}/{symbol_named(symbol)}" if symbol is not None and what == "config" else path


def symbol_named(symbol: str) -> str:
    """A symbol of an option, in upper case.

    Raises:
        StopProgram: it is none.
    """
    try:
        return check_symbol(symbol)
    except SkipInput as error:
        raise StopProgram(f"--symbol: {error}") from error


def _checked(url: str) -> str:
    """The URL without a slash at its end. Errors never quote it, since it may hold a password."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in {"http", "https"} or not parts.host or parts.userinfo or parts.query or parts.fragment:
        raise StopProgram(f"--url or {URL_VARIABLE}: expected http://host:port or https://host:port")
    return str(parts).rstrip("/")
