"""Asks the bot how it is, for whoever looks at its sidecar."""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
import orjson

from config_api.live.views import Flow

_TIMEOUT = httpx.Timeout(1.0)

# Of all that ask within this, one asks the bot.
_FRESH_SECS = 2.0

_MOST_BYTES = 256 * 1024
_LONGEST_SECS = 2.0

# Late bars are told by the sidecar itself, who can tell a market that is fed from records from one that stands still.
_TOLD_ELSEWHERE = frozenset({"bars"})


class FlowHealth:
    """Asks the server of health at a URL: for `/health`, which tells more, or where there is none for `/ready`.

    May be used from any thread.
    """

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self.address = str(httpx.URL(scheme=self._url.scheme, host=self._url.host, port=self._url.port))
        self._client = httpx.Client(base_url=self._url, timeout=_TIMEOUT, trust_env=False)
        self._found: Flow | None = None
        self._asked_secs = 0.0
        self._lock = threading.Lock()

    def ask(self) -> Flow:
        """How the bot is, as of two seconds ago or a little longer: nobody waits while another one asks."""
        if self._lock.acquire(blocking=self._found is None):
            try:
                if self._found is None or time.monotonic() - self._asked_secs > _FRESH_SECS:
                    self._found = self._ask()
                    self._asked_secs = time.monotonic()
            finally:
                self._lock.release()
        found: Flow | None = self._found
        return found if found is not None else self._away("is being asked")

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _ask(self) -> Flow:
        try:
            content = self._read("/health") or self._read("/ready")
        except httpx.TimeoutException:
            return self._away("does not answer in time")
        except httpx.HTTPError:
            return self._away("does not answer")
        except (ValueError, UnicodeError):
            content = None
        if content is None:
            return self._away("answers, but not as the bot does")
        ready = content.get("ready") is True
        return Flow(reachable=True, ready=ready, trouble=_trouble(content, ready), details=content)

    def _read(self, path: str) -> dict[str, Any] | None:
        """What is answered; None where there is no such thing."""
        with self._client.stream("GET", path) as answer:
            if answer.status_code == httpx.codes.NOT_FOUND:
                return None
            body, began_secs = bytearray(), time.monotonic()
            for part in answer.iter_bytes():
                body += part
                if len(body) > _MOST_BYTES or time.monotonic() - began_secs > _LONGEST_SECS:
                    raise ValueError("too long")
        content = orjson.loads(body)
        if not isinstance(content, dict) or "ready" not in content:
            raise ValueError("no readiness")
        return content

    def _away(self, how: str) -> Flow:
        trouble = f"The bot at {self.address} {how}."
        return Flow(reachable=False, ready=None, trouble=trouble, details={})


def _trouble(content: dict[str, Any], ready: bool) -> str | None:
    parts = {name: part for name, part in content.items() if isinstance(part, dict) and name not in _TOLD_ELSEWHERE}
    troubles = [f"{name}: {part['trouble']}" for name, part in parts.items() if part.get("trouble")]
    if ready:
        return f"The bot works, but {'; '.join(troubles)}." if troubles else None
    return f"The bot is not ready: {'; '.join(troubles)}." if troubles else "The bot is not ready yet."
