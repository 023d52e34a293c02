"""What every request goes through first, and every answer last."""

from __future__ import annotations

import asyncio
import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from config_api.auth import is_local_name
from config_api.errors import ApiError
from config_api.limits import BODY_SECS, MAX_BODY_BYTES

log = logging.getLogger(__name__)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Gate:
    """Answers for nobody but this machine where `local_only`, takes bodies of sane size only, and never a traceback."""

    def __init__(self, app: ASGIApp, *, local_only: bool) -> None:
        self.app = app
        self.local_only = local_only

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, or answer it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            headers = Headers(scope=scope)
            self._check_host(headers.get("host"))
            body = await _body_in_time(headers, receive)
            if body is not None:
                await self.app(scope, _replayed(body, receive), answer)
        except ApiError as error:
            await answer.refuse(scope, receive, error)
        except Exception as error:  # a client gets an answer; LOG_LEVEL=DEBUG shows where it came from
            log.error("%s: internal error: %s", scope["method"], type(error).__name__)  # noqa: TRY400  # no traceback
            log.debug("internal error", exc_info=True)
            await answer.refuse(scope, receive, ApiError(500, "internal", "internal error"))

    def _check_host(self, host: str | None) -> None:
        if self.local_only and not is_local_name(host):
            raise ApiError(403, "forbidden_host", "without tokens only localhost, 127.0.0.1 and [::1] are answered for")


class _Answer:
    """Sends an answer with headers that all have."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._started = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await self._send(message)

    async def refuse(self, scope: Scope, receive: Receive, error: ApiError) -> None:
        """Answer with an error, unless there is an answer under way."""
        if not self._started:
            await refusal(error)(scope, receive, self)


def refusal(error: ApiError) -> JSONResponse:
    """The answer that says it."""
    return JSONResponse(error.as_dict(), error.status, error.headers)


async def _body_in_time(headers: Headers, receive: Receive) -> bytes | None:
    try:
        async with asyncio.timeout(BODY_SECS):
            return await _whole_body(headers, receive)
    except TimeoutError as error:
        reason = f"the body did not come within {BODY_SECS:g} s"
        raise ApiError(408, "too_slow", reason, headers={"Connection": "close"}) from error


async def _whole_body(headers: Headers, receive: Receive) -> bytes | None:
    """The body; None when the client went away.

    Raises:
        ApiError: 413, it is too long, whatever its headers say.
    """
    announced = headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > MAX_BODY_BYTES:
        raise _too_large()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


def _too_large() -> ApiError:
    return ApiError(413, "too_large", f"the body is over {MAX_BODY_BYTES} bytes", headers={"Connection": "close"})


def _replayed(body: bytes, receive: Receive) -> Receive:
    """What gives a body that was read already."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again
