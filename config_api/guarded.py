"""Routes that let in who may, and only with what they can read."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from config_api.auth import Right, Tokens, allow
from config_api.errors import ApiError, invalid
from config_api.findings import of_request
from config_api.gate import refusal
from config_api.limits import ChangeLimit

READ_ONLY = {"x-needs": "read"}
"""Marks, in its documentation too, a route that needs no more than a read token though it is a POST."""

_JSON = "application/json"

_CODES = {404: "unknown_route", 405: "wrong_method"}


class Guard:
    """Who may do what, and how often."""

    def __init__(self, tokens: Tokens, limit: ChangeLimit) -> None:
        self.tokens = tokens
        self.limit = limit

    def admit(self, request: Request, needed: Right) -> None:
        """Let a request in.

        Raises:
            ApiError: 401, 403 or 429, it may not.
        """
        client = self.tokens.client_of(request.headers.get("authorization"))
        allow(client, needed)
        if needed is Right.WRITE:
            self.limit.take(client.name)


class GuardedRoute(APIRoute):
    """A route that looks at who asks before anything is read. The app has the `Guard` in its state."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What handles a request."""
        handle = super().get_route_handler()
        is_read = self.methods == {"GET"} or self.openapi_extra == READ_ONLY
        needed = Right.READ if is_read else Right.WRITE

        async def guarded(request: Request) -> Response:
            request.app.state.guard.admit(request, needed)
            if self.body_field is not None:
                _check_type(request.headers.get("content-type"))
            return await handle(_JsonRequest(request.scope, request.receive))

        return guarded


class _JsonRequest(Request):
    """A request whose JSON is what the standard says: no NaN, no broken characters, no endless depth."""

    async def json(self) -> Any:
        """What the body holds."""
        if not hasattr(self, "_json"):
            self._json = orjson.loads(await self.body())
        return self._json


def _check_type(content_type: str | None) -> None:
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != _JSON:
        got = repr(kind[:60]) if kind else "none"
        raise ApiError(415, "unsupported_media_type", f"expected Content-Type: {_JSON}, got {got}")


def add_error_answers(app: FastAPI) -> None:
    """Have every error answered in the envelope."""
    app.add_exception_handler(ApiError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_error(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ApiError):
        raise error
    return refusal(error)


async def _on_invalid(_: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    found = error.errors()
    malformed = next((one for one in found if one["type"] == "json_invalid"), None)
    if malformed is not None:
        return refusal(ApiError(400, "malformed_json", f"the body is not JSON: {malformed['ctx']['error']}"))
    return refusal(invalid(of_request(found)))


async def _on_http(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    code = _CODES.get(error.status_code, "malformed_request")
    told = {"unknown_route": f"there is no {request.url.path[:200]}", "wrong_method": f"not with {request.method[:20]}"}
    message = told.get(code, "the request cannot be read")
    return refusal(ApiError(error.status_code, code, message, headers=error.headers))
