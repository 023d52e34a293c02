"""The page for people, and the files that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from fastapi import APIRouter, Request, Response

from config_api.errors import not_found

router = APIRouter(include_in_schema=False)

_FOLDER = Path(__file__).parents[1] / "static"

_TYPES = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
    }
)


class Asset(NamedTuple):
    """A file as it is sent."""

    content: bytes
    media_type: str
    tag: str


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """All files by name, read once: nothing that a client names becomes a path."""
    found = {}
    for path in sorted(_FOLDER.iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            found[path.name] = Asset(content, _TYPES[path.suffix], f'"{sha256(content).hexdigest()[:32]}"')
    return MappingProxyType(found)


@router.get("/")
async def page(request: Request) -> Response:
    """The page."""
    return _answer(request, "index.html")


@router.get("/static/{name}")
async def asset(request: Request, name: str) -> Response:
    """One of its files."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    found = assets().get(name)
    if found is None:
        raise not_found("file", f"there is no file {name[:60]!r}")
    headers = {"ETag": found.tag, "Cache-Control": "no-cache"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if found.tag in known or known == ["*"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
