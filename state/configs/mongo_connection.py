"""A connection to MongoDB, and its errors by what the caller should do."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from bson import DatetimeConversion
from bson.errors import InvalidDocument
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import (
    ConnectionFailure,
    InvalidName,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)

from state.errors import RetryLater, SkipInput, StopProgram
from state.tls import TlsFiles

log = logging.getLogger(__name__)

Document = dict[str, Any]

# What happens to connections is told by who uses them; there, commands are written out whole.
logging.getLogger("pymongo").setLevel(logging.ERROR)

_URI = re.compile(r"mongodb(?:\+srv)?://(?:(?P<user>[^:@/?]*)(?::(?P<password>[^@/?]*))?@)?(?P<hosts>[^@/?]+)")

# What a server says that waiting may mend: out of time, memory or disk, another one's locks or writes in the way,
# shutting down, starting, electing, a network error.
_FOR_NOW = frozenset(
    {6, 7, 24, 46, 50, 63, 64, 89, 91, 100, 112, 117, 133, 134, 146, 150, 189, 202, 225, 234, 237, 246, 262, 290, 317}
    | {358, 384, 9001, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 14031}
)
_FOR_NOW_LABELS = ("RetryableWriteError", "TransientTransactionError")


class MongoConnection:
    """A database of a MongoDB server or cluster. Nothing is connected to before the first use, of any thread.

    Every answer is waited for `timeout_secs` at most. What is written survives the death of the server that took it.
    `name` is where it is, without user, password and options. With `tls` the server must be reached by TLS, and its
    certificate and host name be right; without, what options of the URI say holds. Its files are read again when they
    change.

    Raises:
        StopProgram: the URI, the database's name, or a file of `tls` is not usable.
    """

    def __init__(self, uri: str, database_name: str, timeout_secs: float, tls: TlsFiles | None = None) -> None:
        parts = _URI.match(uri)
        if parts is None:
            raise StopProgram(_UNUSABLE)
        self._client = _client_of(uri, round(timeout_secs * 1000), _tls_options(uri, tls))
        self._tls, self._stamp = tls, tls.stamp() if tls else ()
        self.database = self._named(database_name)
        user, password = (unquote_plus(parts[name] or "") for name in ("user", "password"))
        self.name = f"mongodb://{'***@' if user else ''}{parts['hosts']}/{database_name}"
        self._secrets = {
            **{f"{mark}{user}{mark}": "***" for mark in "'\"" if user},
            **({password: "***"} if password else {}),
        }

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Raises instead of the driver's errors.

        Raises:
            RetryLater: the server cannot be reached, is too slow, busy, or went away.
            StopProgram: the user must mend something, such as a password or rights.
            SkipInput: MongoDB cannot hold a value.
        """
        self._renew()
        try:
            yield
        except (InvalidDocument, OverflowError, UnicodeEncodeError) as error:
            raise SkipInput(f"expected values that MongoDB can hold: {error}"[:200]) from error
        except PyMongoError as error:
            reason = self._reason(error)
            kind = RetryLater if _is_for_now(reason) else StopProgram
            raise kind(self.line(_said(reason))) from error

    def line(self, text: str) -> str:
        """An error's text in one line that says where, without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return f"{self.name}: {' '.join(text.split())}"

    def close(self) -> None:
        """Let go of all connections."""
        self._client.close()

    def _renew(self) -> None:
        """Have new connections use what the files hold by now; authorities that were trusted before still are."""
        if self._tls is None or (stamp := self._tls.stamp()) == self._stamp:
            return
        try:
            self._tls.for_client()
        except StopProgram as error:  # others may be in place in a moment; until then the old ones do
            log.debug("%s", error)
            return
        context: Any = self._client.options.pool_options._ssl_context  # the driver reads files once in its life
        if self._tls.ca:
            context.load_verify_locations(self._tls.ca)
        if self._tls.cert:
            context.load_cert_chain(self._tls.cert)
        self._stamp = stamp

    def _reason(self, error: PyMongoError) -> PyMongoError:
        """A server that refused a password a moment ago is said not to be found: what it said is the reason."""
        if isinstance(error, ServerSelectionTimeoutError):
            for server in self._client.topology_description.server_descriptions().values():
                if isinstance(server.error, OperationFailure):
                    return server.error
        return error

    def _named(self, database_name: str) -> Database[Document]:
        try:
            return self._client[database_name]
        except InvalidName as error:
            self.close()
            raise StopProgram(f"MongoDB database: expected a database's name, got {database_name!r:.60}") from error


_UNUSABLE = (
    "MongoDB URI: expected mongodb://user:password@host:27017/?options or mongodb+srv://...,"
    " with @ : / ? # % in user and password percent-encoded, and options that pymongo knows"
)


def _tls_options(uri: str, tls: TlsFiles | None) -> Document:
    if tls is None:
        return {}
    options = parse_qsl(uri.partition("?")[2])
    given = [name for name, value in options if name.lower().startswith(("tls", "ssl")) and not _says_tls(name, value)]
    if given:
        shown = ", ".join(sorted(given))
        raise StopProgram(f"MongoDB URI: has options for TLS ({shown}), and so say MONGODB_ variables: use one of both")
    tls.for_client()  # says better than the driver what is not usable
    files = {"tlsCAFile": tls.ca, "tlsCertificateKeyFile": tls.cert}
    return {"tls": True, **{name: str(path) for name, path in files.items() if path}}


def _says_tls(name: str, value: str) -> bool:
    return name.lower() in {"tls", "ssl"} and value.lower() == "true"


def _client_of(uri: str, timeout_ms: int, tls: Document) -> MongoClient[Document]:
    """A client. Errors never quote the URI: what is wrong may be a password with a character unencoded."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # options that would be left out
            return MongoClient(
                uri,
                connect=False,
                datetime_conversion=DatetimeConversion.DATETIME_AUTO,
                unicode_decode_error_handler="replace",
                serverSelectionTimeoutMS=timeout_ms,
                connectTimeoutMS=timeout_ms,
                socketTimeoutMS=timeout_ms,
                timeoutMS=timeout_ms,
                w="majority",
                journal=True,
                readConcernLevel="majority",
                **tls,
            )
    except FileNotFoundError as error:
        raise StopProgram(f"MongoDB URI: {error.filename}: cannot be read: {error.strerror}") from None
    except (PyMongoError, ValueError, TypeError, OSError, UserWarning, DeprecationWarning):
        raise StopProgram(_UNUSABLE) from None  # their causes may quote it


def _is_for_now(error: PyMongoError) -> bool:
    if isinstance(error, ConnectionFailure | WriteConcernError) or error.timeout:
        return True
    if any(error.has_error_label(label) for label in _FOR_NOW_LABELS):
        return True
    if not isinstance(error, OperationFailure):
        return False
    of_many = (error.details or {}).get("writeErrors", [])
    return error.code in _FOR_NOW or any(each.get("code") in _FOR_NOW for each in of_many)


def _said(error: PyMongoError) -> str:
    """What the server says, or the driver; without the command, and without what the driver knows of the servers."""
    details = error.details if isinstance(error, OperationFailure) else None
    text = str((details or {}).get("errmsg") or error)
    for rest in (" to execute command", ", Timeout:", " (configured timeouts:", ", full error:"):
        text = text.partition(rest)[0]
    return text or type(error).__name__
