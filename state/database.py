"""A SQL database, MySQL or SQLite: its URI, its connections, and its errors by what the caller should do."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from sqlalchemy import exc

from state.errors import RetryLater, StopProgram
from state.tls import TlsFiles

TIMEOUT_SECS = 5.0

_SCHEMES = ("mysql+pymysql", "mysql", "sqlite")
_SCHEME = re.compile(r"([a-z][a-z0-9+]{0,19}):/", re.IGNORECASE)

# Both databases are to give the same: plain numbers, and times as text.
_DECODERS = {
    **conversions,
    FIELD_TYPE.DECIMAL: float,
    FIELD_TYPE.NEWDECIMAL: float,
    FIELD_TYPE.DATETIME: str,
    FIELD_TYPE.TIMESTAMP: str,
}

# What a MySQL server says that waiting may mend: disk, memory, connections or locks used up, shutting down, a network
# error, interrupted, killed, too slow, another writer's rows in the way.
_MYSQL_FOR_NOW = frozenset(
    {1020, 1021, 1037, 1038, 1040, 1041, 1047, 1053, 1062, 1114, 1135, 1184, 1203, 1205, 1206, 1213, 1226, 1317, 1412}
    | {1614, 1615, 1836, 1927, 1969, 3024, 3168, 3572, 4031, *range(1152, 1162)}
)

# What PyMySQL says itself is about the connection, but for these: authentication methods and protocols that it lacks.
_PYMYSQL_TO_MEND = frozenset({2049, 2054, 2059, 2061})

# Those that demand TLS and verify by themselves; of PyMySQL's others, as a URI gives them, some do neither.
_MYSQL_TLS_OPTIONS = frozenset({"ssl_ca", "ssl_capath", "ssl_cert", "ssl_check_hostname", "ssl_cipher", "ssl_key"})
_MYSQL_TRUSTED = frozenset({"ssl_ca", "ssl_capath"})

# Two writers met: the next attempt finds the other's rows.
_SQLITE_DUPLICATE = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_UNIQUE)
_SQLITE_FOR_NOW = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL)


class Database:
    """A database at a URI: `mysql+pymysql://`, the same as `mysql://`, or `sqlite:///path`.

    In MySQL's URIs user and password may be percent-encoded. Nothing is connected to before the first use. Connections
    are pooled, checked when taken from the pool, and may be used from any thread, each from one at a time. Numbers come
    as int or float, times as text in UTC. Connecting, and every answer, is waited for `timeout_secs` at most.

    With `tls`, MySQL must be reached by TLS, and its certificate and host name be right; without, what options of the
    URI say holds, such as `ssl_ca`. The files are read for every connection. SQLite has no use for them.

    `name` is the URI as it may be shown: without user, password and options.

    Raises:
        StopProgram: the URI is not usable, or a file of `tls`.
    """

    def __init__(self, uri: str, *, timeout_secs: float = TIMEOUT_SECS, tls: TlsFiles | None = None) -> None:
        url = _parsed(uri)
        _check_tls_options(url, tls)
        self.name = _shown(url)
        self.is_sqlite = url.drivername == "sqlite"
        self.path = Path(url.database or "") if self.is_sqlite else None
        self._secrets = {f"'{url.username}'@": "'***'@", **({url.password: "***"} if url.password else {})}
        self._engine = sa.create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_pre_ping=True,
            pool_timeout=timeout_secs,
            hide_parameters=True,
            connect_args={"timeout": timeout_secs} if self.is_sqlite else _mysql_arguments(timeout_secs),
        )
        if tls is not None and not self.is_sqlite:
            _demand_tls(self._engine, tls)

    @contextmanager
    def connected(self) -> Iterator[sa.Connection]:
        """A connection on which every statement is its own transaction.

        Raises:
            RetryLater: the database cannot be reached, is too slow, busy, or went away.
            StopProgram: the user must mend something, such as a password, a name, or rights.
        """
        with self._telling(), self._connect() as connection:
            yield connection

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """A connection with a transaction to write in: committed at the end, undone on an error. Raises as above."""
        with self.connected() as connection:
            # SQLite would otherwise find out too late that another one writes.
            connection.exec_driver_sql("BEGIN IMMEDIATE" if self.is_sqlite else "BEGIN")
            try:
                yield connection
            except BaseException:
                with suppress(exc.SQLAlchemyError):  # the connection may be what failed
                    connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def close(self) -> None:
        """Let go of all pooled connections."""
        self._engine.dispose()

    def _connect(self) -> sa.Connection:
        try:
            return self._engine.connect()
        except (RuntimeError, TypeError, ValueError) as error:  # options and methods that PyMySQL cannot serve
            raise StopProgram(self._line(str(error))) from error
        except OSError as error:  # PyMySQL tells of the network in errors of its own
            raise StopProgram(self._line(f"a file that the URI's options name cannot be used: {error}")) from error

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            original = error.orig or error
            kind = RetryLater if _is_for_now(error, original) else StopProgram
            raise kind(self._line(_said(original))) from error
        except exc.TimeoutError as error:
            raise RetryLater(self._line("all connections are in use")) from error

    def _line(self, text: str) -> str:
        for secret, mask in self._secrets.items():
            text = text.replace(secret, mask)
        return f"{self.name}: {' '.join(text.split())}"


def _mysql_arguments(timeout_secs: float) -> dict[str, Any]:
    return {
        "connect_timeout": timeout_secs,
        "read_timeout": timeout_secs,
        "write_timeout": timeout_secs,
        "init_command": "SET time_zone = '+00:00'",  # TIMESTAMP columns come in the session's
        "conv": _DECODERS,
    }


def _demand_tls(engine: sa.Engine, tls: TlsFiles) -> None:
    tls.for_client()  # what is not usable is refused here

    def add_context(_dialect: object, _record: object, _arguments: object, options: dict[str, Any]) -> None:
        options["ssl"] = tls.for_client()

    sa.event.listen(engine, "do_connect", add_context)


def _check_tls_options(url: sa.URL, tls: TlsFiles | None) -> None:
    """Refuse options of MySQL's URI that would not do what they seem to say."""
    given = {name for name in url.query if name.lower().startswith("ssl")}
    if not given:
        return
    shown = ", ".join(sorted(given))
    if tls is not None:
        raise StopProgram(f"database URI: has options for TLS ({shown}), and so say MYSQL_ variables: use one of both")
    if not given <= _MYSQL_TLS_OPTIONS:
        raise StopProgram(f"database URI: expected MYSQL_TLS=true or MYSQL_CA_FILE in place of the options {shown}")
    if not given & _MYSQL_TRUSTED:
        raise StopProgram(f"database URI: options {shown} without ssl_ca would have any certificate pass: add ssl_ca")


def _parsed(uri: str) -> sa.URL:
    """The parts of a URI. Errors never quote it: what is wrong may be a password with a character unencoded."""
    scheme = _SCHEME.match(uri)
    if scheme is None or scheme[1].lower() not in _SCHEMES:
        shown = f"scheme {scheme[1]}" if scheme else "no scheme"
        raise StopProgram(f"database URI: expected mysql+pymysql://, mysql:// or sqlite:///path, got {shown}")
    try:
        url = sa.make_url(uri)
    except (exc.ArgumentError, ValueError):
        url = None
    if scheme[1].lower() == "sqlite":
        return _checked_sqlite(url)
    database = url.database if url else None
    if url is None or not database or re.search("[@/]", f"{database}{url.host}"):
        raise StopProgram(
            "database URI: expected mysql+pymysql://user:password@host:3306/database,"
            " with @ : / ? # in user and password percent-encoded"
        )
    return url.set(drivername="mysql+pymysql")


def _checked_sqlite(url: sa.URL | None) -> sa.URL:
    if url is None or url.host or url.query or url.database in (None, "", ":memory:"):
        raise StopProgram("database URI: expected sqlite:///relative/path or sqlite:////absolute/path")
    return url.set(drivername="sqlite")


def _shown(url: sa.URL) -> str:
    if url.drivername == "sqlite":
        return f"sqlite:///{url.database}"
    user = "***@" if url.username else ""
    return f"mysql://{user}{url.host or 'localhost'}:{url.port or 3306}/{url.database}"


def _is_for_now(error: exc.DBAPIError, original: BaseException) -> bool:
    code = getattr(original, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in _SQLITE_FOR_NOW or code in _SQLITE_DUPLICATE
    number = original.args[0] if original.args and isinstance(original.args[0], int) else 0
    if 1000 <= number < 2000 or number >= 3000:
        return number in _MYSQL_FOR_NOW
    return isinstance(error, (exc.OperationalError, exc.InterfaceError)) and number not in _PYMYSQL_TO_MEND


def _said(original: BaseException) -> str:
    """What the driver says; PyMySQL says it after a number."""
    return str(original.args[-1] if original.args else original) or type(original).__name__
