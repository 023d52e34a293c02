"""The envelope that every answer of the API comes in, and how routes say which answers they give."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from config_api.errors import CurrentVersion, Finding

D = TypeVar("D")
M = TypeVar("M")
E = TypeVar("E")


class Success(BaseModel, Generic[D, M]):
    """What was asked for."""

    success: Literal[True] = True
    data: D
    metadata: M


class Problem(BaseModel, Generic[E]):
    """Why there is nothing else."""

    code: str = Field(description="For programs: never changes")
    message: str = Field(description="For people")
    details: E


class Failure(BaseModel, Generic[E]):
    """Why a request was not served."""

    success: Literal[False] = False
    error: Problem[E]


_PLAIN = Failure[None]
_CONFLICT = Failure[CurrentVersion]
_INVALID = Failure[list[Finding]]

_ABOUT: dict[int, tuple[str, type[BaseModel], dict[str, Any]]] = {
    400: ("The body is not JSON", _PLAIN, {"code": "malformed_json", "message": "the body is not JSON: ..."}),
    401: ("No token, or an unknown one", _PLAIN, {"code": "unauthorized", "message": "no token: expected ..."}),
    403: (
        "The token may only read; or, without tokens, another host was asked for",
        _PLAIN,
        {"code": "forbidden", "message": "this token may only read: changes need a write token"},
    ),
    404: ("There is no such thing", _PLAIN, {"code": "unknown_strategy", "message": "there is no strategy 'x'"}),
    409: (
        "It was changed meanwhile: read it again, and decide anew",
        _CONFLICT,
        {
            "code": "version_conflict",
            "message": "momentum_pulse: expected version 3, it is 4",
            "details": {"current_version": 4},
        },
    ),
    408: (
        "The body did not come in time",
        _PLAIN,
        {"code": "too_slow", "message": "the body did not come within 10 s"},
    ),
    413: ("The body is over 64 KiB", _PLAIN, {"code": "too_large", "message": "the body is over 65536 bytes"}),
    415: (
        "The body is of another type",
        _PLAIN,
        {"code": "unsupported_media_type", "message": "expected Content-Type: application/json, got 'text/plain'"},
    ),
    422: (
        "Something in the request is not possible: all that was found is in the details",
        _INVALID,
        {
            "code": "invalid",
            "message": "rsi_min: Input should be less than or equal to 100",
            "details": [
                {
                    "parameter": "rsi_min",
                    "message": "Input should be less than or equal to 100",
                    "expected": "a number from 0.0 to 100.0",
                    "got": 250,
                    "symbol": None,
                }
            ],
        },
    ),
    429: (
        "Too many changes; Retry-After says when there may be another one",
        _PLAIN,
        {"code": "too_many_changes", "message": "more than 60 changes a minute; the next one in 1 s"},
    ),
    500: ("A mistake in this program", _PLAIN, {"code": "internal", "message": "internal error"}),
    503: (
        "A store is away: the same request may do later",
        _PLAIN,
        {"code": "store_unavailable", "message": "mongodb://***@host:27017: connection refused"},
    ),
}

READ = (401, 403, 500, 503)
WRITE = (*READ, 400, 408, 409, 413, 415, 422, 429)


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route may answer besides what was asked for, for its documentation."""
    return {status: _answer(*_ABOUT[status]) for status in sorted(set(statuses))}


def _answer(description: str, model: type[BaseModel], error: dict[str, Any]) -> dict[str, Any]:
    example = {"success": False, "error": {"details": None, **error}}
    return {"description": description, "model": model, "content": {"application/json": {"example": example}}}


def example(data: dict[str, Any], metadata: dict[str, Any]) -> ConfigDict:
    """The configuration of a model of answers, with an example of one."""
    return ConfigDict(json_schema_extra={"example": {"success": True, "data": data, "metadata": metadata}})
