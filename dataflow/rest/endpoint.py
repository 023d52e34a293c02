"""The REST endpoint: one attempt to hand it a signal, and whether it takes any."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import NamedTuple

import httpx

from dataflow.nats.headers import TRACEPARENT
from dataflow.rest import counts
from dataflow.rest.side_loop import SideLoop
from state.errors import StopProgram
from state.tls import TlsFiles

log = logging.getLogger(__name__)

# Of one attempt: for the parts, and for all of it, since a status may trickle in for ever.
_TIMEOUT = httpx.Timeout(5.0, connect=3.0)
ATTEMPT_SECS = 10.0

# So much is read of an answer, for so long; a longer one costs the connection.
_REST_BYTES = 65_536
_REST_SECS = 1.0

_CLOSE_SECS = 2.0

# What a proxy says that finds nobody; whatever else is answered, even that there is no such method, comes from there.
_NOBODY_BEHIND = frozenset({502, 503, 504})

_PASSING = frozenset({408, 425, 429})


def _is_no_request(record: logging.LogRecord) -> bool:
    """Whether the HTTP client's log line may be shown: those about requests hold the URL, with its secrets."""
    return record.levelno >= logging.WARNING


class Post(NamedTuple):
    """What is sent, under an idempotency key, within a trace if there is one."""

    key: str
    body: bytes
    traceparent: str = ""

    def headers(self) -> dict[str, str]:
        """Headers that are this one's own."""
        return {"Idempotency-Key": self.key, **({TRACEPARENT: self.traceparent} if self.traceparent else {})}


class Answer(NamedTuple):
    """What came of an attempt: no `reason` when the signal was taken, else why not, and whether to try again."""

    reason: str = ""
    again: bool = False
    after_secs: float = 0.0
    """How long the endpoint asks to wait."""


class Endpoint:
    """Takes POSTs of JSON. Its URL may hold secrets: `address` is what may be told of it.

    HTTP has an event loop of its own, so that NATS waits neither for it nor for the look-up of its name.

    Without `tls` the public authorities are trusted.

    Raises:
        StopProgram: the URL is none of HTTP, or a file of `tls` is not usable.
    """

    def __init__(self, url: str, most_at_once: int, tls: TlsFiles | None = None) -> None:
        self._url = url_of(url)
        if tls and self._url.scheme != "https":
            raise StopProgram(f"{tls.name}_CA_FILE: is of no use, since {tls.name} is not https")
        self.address = str(httpx.URL(scheme=self._url.scheme, host=self._url.host, port=self._url.port))
        self._away_since_secs: float | None = None
        self._answered_secs = 0.0
        self._refused = ""
        logging.getLogger("httpx").addFilter(_is_no_request)
        limits = httpx.Limits(max_connections=most_at_once, max_keepalive_connections=most_at_once)
        headers = {"Content-Type": "application/json", "User-Agent": "ta-bot"}
        verify = tls.for_client() if tls else True
        self._client = httpx.AsyncClient(timeout=_TIMEOUT, limits=limits, headers=headers, verify=verify)
        self._loop = SideLoop("rest")

    @property
    def away_secs(self) -> float:
        """For how long it has taken nothing; 0 while it does, as far as is known."""
        return 0.0 if self._away_since_secs is None else monotonic() - self._away_since_secs

    @property
    def away(self) -> bool:
        """Whether it did not take what it was sent last."""
        return self._away_since_secs is not None

    @property
    def refuses(self) -> bool:
        """Whether it answered last that it will never take what it was sent."""
        return bool(self._refused)

    async def post(self, post: Post) -> Answer:
        """Try once."""
        began_secs = monotonic()
        answer = await self._loop.run(self._post(post))
        if not answer.again:
            self._say_back()
            self._say_refused(answer.reason)
        elif began_secs >= self._answered_secs:  # what hung since before it came back tells nothing new
            self._say_away(answer.reason)
        return answer

    async def look(self) -> str:
        """Why nobody answers, empty where somebody does. It asks for OPTIONS, which changes nothing anywhere."""
        return await self._loop.run(self._look())

    def close(self) -> None:
        """End what is under way, and disconnect."""
        self._loop.close(self._client.aclose, _CLOSE_SECS)

    async def _post(self, post: Post) -> Answer:
        try:
            async with asyncio.timeout(ATTEMPT_SECS):
                return await self._post_once(post)
        except Exception as error:  # noqa: BLE001  # whatever it was, the next attempt may do better
            return Answer(_words(error), again=True)

    async def _post_once(self, post: Post) -> Answer:
        async with self._client.stream("POST", self._url, content=post.body, headers=post.headers()) as response:
            await _read_rest(response)
        status = response.status_code
        if response.is_success:
            return Answer()
        again = status in _PASSING or response.is_server_error
        return Answer(str(status), again, _after_secs(response.headers.get("Retry-After", "")))

    async def _look(self) -> str:
        try:
            async with asyncio.timeout(ATTEMPT_SECS), self._client.stream("OPTIONS", self._url) as response:
                await _read_rest(response)
        except Exception as error:  # noqa: BLE001  # whatever it was, nobody answers
            return _words(error)
        return str(response.status_code) if response.status_code in _NOBODY_BEHIND else ""

    def _say_away(self, reason: str) -> None:
        if self._away_since_secs is None:
            self._away_since_secs = monotonic()
            counts.AWAY.set(1)
            log.warning("REST endpoint %s does not take signals, trying again: %s", self.address, reason)

    def _say_back(self) -> None:
        self._answered_secs = monotonic()
        if self._away_since_secs is not None:
            log.info("REST endpoint %s takes signals again, after %.0f s", self.address, self.away_secs)
            self._away_since_secs = None
            counts.AWAY.set(0)

    def _say_refused(self, reason: str) -> None:
        if reason == self._refused:
            return
        self._refused = reason
        if reason:
            log.warning("REST endpoint %s refuses signals, they become dead letters: %s", self.address, reason)
        else:
            log.info("REST endpoint %s does not refuse signals any more", self.address)


async def _read_rest(response: httpx.Response) -> None:
    """Read what follows the status, which says it all: a connection with nothing left on it can be used again."""
    size_bytes = 0
    with suppress(httpx.TransportError, TimeoutError):
        async with asyncio.timeout(_REST_SECS):
            async for part in response.aiter_raw():
                size_bytes += len(part)
                if size_bytes > _REST_BYTES:
                    return


def url_of(text: str) -> httpx.URL:
    """The URL that `text` is.

    Raises:
        StopProgram: it is none of HTTP. The message never quotes it, since it may hold secrets.
    """
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        raise _no_url("it is no URL") from None  # the error quotes it
    if url.scheme not in {"http", "https"}:
        raise _no_url("neither http nor https")
    if not url.host or "%" in url.host:
        raise _no_url("no host" if not url.host else "an impossible host")
    if url.port is not None and not 0 < url.port < 65_536:
        raise _no_url("an impossible port")
    return url


def _no_url(got: str) -> StopProgram:
    return StopProgram(
        f"REST endpoint: expected a URL such as https://host/path, got {got} (not shown, it may be secret)"
    )


def _words(error: Exception) -> str:
    """What went wrong, without anything that was sent."""
    name = type(error).__name__
    return f"{name}: {error}"[:200] if isinstance(error, httpx.ConnectError) and str(error) else name


def _after_secs(retry_after: str) -> float:
    """Seconds of a `Retry-After` header: a number of them, or a date; 0 when there is none.

    >>> _after_secs("120"), _after_secs("Mon, 01 Jan 2024 00:00:00 GMT"), _after_secs("soon"), _after_secs("")
    (120.0, 0.0, 0.0, 0.0)
    """
    if retry_after.isdecimal():
        return float(retry_after[:9])
    try:
        return max(0.0, parsedate_to_datetime(retry_after).timestamp() - time())
    except ValueError:
        return 0.0
