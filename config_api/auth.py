"""Who may read, and who may change."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from ipaddress import ip_address

from config_api.errors import ApiError
from state.errors import StopProgram

SHORTEST_TOKEN = 16

_SCHEME = "bearer"
_LOCAL_NAME = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
_CHALLENGE = {"WWW-Authenticate": "Bearer"}


class Right(IntEnum):
    """What a token is for; the higher one includes the lower."""

    READ = 1
    WRITE = 2


@dataclass(frozen=True)
class Client:
    """Who asks: `name` tells clients apart, and tells nothing about their tokens."""

    name: str
    right: Right


@dataclass(frozen=True)
class _Known:
    digest: bytes = field(repr=False)
    client: Client


class Tokens:
    """The tokens that are accepted. Only their digests are kept, and neither is ever shown."""

    def __init__(self, tokens: Iterable[tuple[Right, str]] = ()) -> None:
        self._known = [
            _Known(_digest(token), Client(f"token {number}", right)) for number, (right, token) in enumerate(tokens, 1)
        ]

    def __bool__(self) -> bool:
        return bool(self._known)

    def __repr__(self) -> str:
        return f"Tokens({len(self._known)})"

    def client_of(self, authorization: str | None) -> Client:
        """Who an `Authorization` header says that it is; without any tokens, everybody may everything.

        All tokens are compared, each in constant time, so that how long it takes tells nothing.

        Raises:
            ApiError: 401, it names no token that is known.
        """
        if not self._known:
            return Client("local", Right.WRITE)
        scheme, _, token = (authorization or "").partition(" ")
        digest = _digest(token.strip())
        found: Client | None = None
        for known in self._known:
            if hmac.compare_digest(known.digest, digest) and (found is None or known.client.right > found.right):
                found = known.client
        if found is None or scheme.lower() != _SCHEME:
            told = "unknown token" if authorization else "no token"
            raise ApiError(401, "unauthorized", f"{told}: expected Authorization: Bearer TOKEN", headers=_CHALLENGE)
        return found


def allow(client: Client, needed: Right) -> None:
    """Let a client do what needs a right.

    Raises:
        ApiError: 403, it has not got it.
    """
    if client.right < needed:
        raise ApiError(403, "forbidden", "this token may only read: changes need a write token")


def tokens_of(text: str) -> Tokens:
    """The tokens that a setting names, such as `write:TOKEN,read:TOKEN`.

    Raises:
        StopProgram: it is not usable. The message quotes no part of it.
    """
    parts = [part.strip() for part in text.split(",")]
    if not text.strip() or not all(parts):
        raise StopProgram(_expectation("an empty entry"))
    return Tokens(_parsed(part, number) for number, part in enumerate(parts, 1))


def _parsed(part: str, number: int) -> tuple[Right, str]:
    name, colon, token = part.partition(":")
    right = {"read": Right.READ, "write": Right.WRITE}.get(name.strip().lower())
    if not colon or right is None:
        raise StopProgram(_expectation(f"neither write: nor read: in entry {number}"))
    if len(token) < SHORTEST_TOKEN:
        raise StopProgram(_expectation(f"only {len(token)} characters in entry {number}"))
    if not token.isascii() or not token.isprintable() or " " in token:
        raise StopProgram(_expectation(f"a space or an odd character in entry {number}"))
    return right, token


def _expectation(got: str) -> str:
    return (
        f"expected write:TOKEN or read:TOKEN, commas between several, each token of at least {SHORTEST_TOKEN} ASCII"
        f" characters without spaces and commas; got {got}"
    )


def check_binding(host: str, tokens: Tokens) -> None:
    """Let nobody else in where no token is asked for.

    Raises:
        StopProgram: the address can be reached from other machines, and there are no tokens.
    """
    if not tokens and not is_loopback(host):
        raise StopProgram(
            f"FASTAPI_HOST: {host or 'all addresses'} can be reached by others, and without API_TOKENS whoever reaches"
            " it may change the configuration; set API_TOKENS, or FASTAPI_HOST=127.0.0.1"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("localhost"), is_loopback("127.8.8.8"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_local_name(host: str | None) -> bool:
    """Whether a `Host` header names this machine: a name of somebody else's may be made to lead here.

    >>> is_local_name("localhost:8080"), is_local_name("[::1]"), is_local_name("evil.example:8080")
    (True, True, False)
    """
    return _LOCAL_NAME.fullmatch((host or "").strip()) is not None


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
