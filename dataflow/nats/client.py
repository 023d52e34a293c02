"""The client of NATS, stricter with what its URLs say."""

from __future__ import annotations

import logging
import ssl
from typing import Any
from urllib.parse import ParseResult, unquote

from nats.aio.client import Client
from nats.errors import Error

from state.tls import TlsFiles


def _is_of_use(record: logging.LogRecord) -> bool:
    """Whether asyncio's log line may tell somebody something: this one comes whenever the library's TLS ends."""
    return not str(record.msg).startswith("returning true from eof_received()")


logging.getLogger("asyncio").addFilter(_is_of_use)


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
    """Takes user and password percent-encoded, and tells nothing to a server without TLS where that is demanded.

    It is by `tls://`, and by files for TLS. The library takes URLs as they stand, and goes on in the clear.
    """

    def __init__(self, tls: TlsFiles) -> None:
        super().__init__()
        self._tls = tls

    @property
    def ssl_context(self) -> ssl.SSLContext:
        """As the files are now. Raises `StopProgram` where they are not usable any more."""
        return self._tls.for_client()

    @staticmethod
    def _parse_server_uri(connect_url: str) -> ParseResult:
        return _Address(*Client._parse_server_uri(connect_url))

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        server = self._current_server
        if initial_connection and server and not info.get("tls_required"):
            if server.uri.scheme == "tls":
                raise Error("the URL says tls://, and the server does not ask for TLS")
            if self._tls:
                raise Error("files for TLS are set, and the server does not ask for TLS")
        await super()._process_info(info, initial_connection)
