"""TLS out of files: which certificates one end of a connection has and trusts."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from state.errors import StopProgram

Stamp = tuple[tuple[int, int, int], ...]
"""What tells two states of the same files apart."""


@dataclass(frozen=True)
class TlsFiles:
    """Files in PEM: the certificates that are trusted, and a certificate of one's own with its key.

    Without `ca` those of the system are trusted. `key` may be in the same file as `cert`. `name` is how the variables
    that name them begin, such as `NATS` for `NATS_CA_FILE`. They are read when a context is made, so that a new context
    has what the files hold by then.
    """

    name: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def __bool__(self) -> bool:
        """Whether any is named."""
        return self.ca is not None or self.cert is not None or self.key is not None

    def for_client(self) -> ssl.SSLContext:
        """TLS 1.2 or later to servers, whose certificates and host names are verified.

        Raises:
            StopProgram: a file is not usable. The message names its variable and path.
        """
        if self.ca is not None:
            self._check_readable("CA", self.ca)
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError:
            self._refuse("CA", self.ca, "expected certificates in PEM")
        self._load_own(context)
        return context

    def for_server(self) -> ssl.SSLContext:
        """TLS 1.2 or later from clients, who need no certificates.

        Raises:
            StopProgram: a file is not usable. The message names its variable and path.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load_own(context)
        return context

    def reload(self, context: ssl.SSLContext) -> None:
        """Have the next connections of a server's context use what the files hold now; refused, it stays as it was.

        Raises:
            StopProgram: a file is not usable. The message names its variable and path.
        """
        self.for_server()  # a pair that does not belong together would leave the context with neither
        self._load_own(context)

    def stamp(self) -> Stamp:
        """What differs once a file is replaced; files that are missing have none."""
        found = []
        for path in (self.ca, self.cert, self.key):
            try:
                stat = path.stat() if path else None
            except OSError:
                stat = None
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns) if stat else (0, 0, 0))
        return tuple(found)

    def _load_own(self, context: ssl.SSLContext) -> None:
        if (self.cert is None) != (self.key is None):
            has, lacks = ("CERT", "KEY") if self.key is None else ("KEY", "CERT")
            raise StopProgram(f"{self.name}_{has}_FILE: is of no use without {self.name}_{lacks}_FILE")
        if self.cert is None or self.key is None:
            return
        self._check_readable("CERT", self.cert)
        if self.key != self.cert:
            self._check_readable("KEY", self.key)
        try:
            context.load_cert_chain(self.cert, self.key, _no_password)
        except (OSError, _HasPassword) as error:
            self._refuse_pair(error)

    def _check_readable(self, which: str, path: Path) -> None:
        try:
            with path.open("rb") as file:
                file.read(1)
        except OSError as error:
            self._refuse(which, path, f"cannot be read: {error.strerror or error}")

    def _refuse_pair(self, error: Exception) -> NoReturn:
        if isinstance(error, _HasPassword):
            self._refuse("KEY", self.key, "expected a key without a password")
        if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
            self._refuse("KEY", self.key, f"is not the key of the certificate in {self.cert}")
        if self.key == self.cert:
            self._refuse("CERT", self.cert, "expected a certificate and its key in PEM")
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(self.cert)
        except OSError:
            self._refuse("CERT", self.cert, "expected a certificate in PEM")
        self._refuse("KEY", self.key, "expected a key in PEM")

    def _refuse(self, which: str, path: Path | None, why: str) -> NoReturn:
        which = "CERT" if which == "KEY" and self.key == self.cert else which
        raise StopProgram(f"{self.name}_{which}_FILE: {path}: {why}") from None


class _HasPassword(Exception):
    """The library asks for a password, which nobody is there to type."""


def _no_password() -> str:
    raise _HasPassword
