"""The API of the configuration, as commands ask it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

import httpx
import orjson

from config_api.paths import PREFIX
from dataflow.commands.options import API_CA_VARIABLE, API_URL_VARIABLE
from state.errors import StopProgram
from state.tls import TlsFiles

TOKEN_VARIABLE = "TA_BOT_API_TOKEN"  # noqa: S105  # its name

_TIMEOUT_SECS = 30.0


class ConfigClient:
    """Asks one API. The token comes from the environment, and is never shown.

    With `ca_file` the certificates in it are trusted, in place of those of the public authorities.
    """

    def __init__(self, url: str, ca_file: Path | None = None) -> None:
        self.url = _checked(url)
        if ca_file is not None and not self.url.startswith("https:"):
            raise StopProgram(f"--ca-file or {API_CA_VARIABLE}: is of no use, since the URL is not https")
        self._verify = True if ca_file is None else TlsFiles("API", ca_file).for_client()
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
                verify=self._verify,
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


def _checked(url: str) -> str:
    """The URL without a slash at its end. Errors never quote it, since it may hold a password."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL("")
    if parts.scheme not in {"http", "https"} or not parts.host or parts.userinfo or parts.query or parts.fragment:
        raise StopProgram(f"--url or {API_URL_VARIABLE}: expected http://host:port or https://host:port")
    return str(parts).rstrip("/")
