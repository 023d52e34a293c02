"""The client of NATS, stricter with what its URLs say."""

from __future__ import annotations

from typing import Any
from urllib.parse import ParseResult, unquote

from nats.aio.client import Client
from nats.errors import Error


class _Address(ParseResult):
    """A server's URL, with user, password or token as they are meant: decoded."""

    __slots__ = ()

    @property
    def username(self) -> str | None:
        """The user, or the token where there is no password."""
        name = super().username
        return None if name is None else unquote(name)

    @property
    def password(self) -> str | None:
        """The password."""
        password = super().password
        return None if password is None else unquote(password)


class UrlClient(Client):
    """Takes user and password percent-encoded, and tells nothing to a server of `tls://` that has no TLS.

    The library takes them as they stand, and goes on in the clear.
    """

    @staticmethod
    def _parse_server_uri(connect_url: str) -> ParseResult:
        return _Address(*Client._parse_server_uri(connect_url))

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        server = self._current_server
        if initial_connection and server and server.uri.scheme == "tls" and not info.get("tls_required"):
            raise Error("the URL says tls://, and the server does not ask for TLS")
        await super()._process_info(info, initial_connection)
