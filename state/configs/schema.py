"""The tables of the configuration in a SQL database: made, or brought to what is needed, before the first write."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import mysql
from sqlalchemy.schema import CreateColumn, CreateTable

from state.configs.rows import PLACES
from state.database import Database
from state.errors import RetryLater, StopProgram

log = logging.getLogger(__name__)

LOCK_WAIT_SECS = 4

Columns = dict[str, set[str]]
"""The tables that there are, with the names of their columns."""

_COLUMNS = {
    "mysql": "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    " AND table_name IN :names",
    "sqlite": "SELECT t.name, c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c"
    " WHERE t.type IN ('table', 'view') AND t.name IN :names",
}
_UNIQUE = {
    "mysql": "SELECT table_name, index_name, column_name FROM information_schema.statistics"
    " WHERE table_schema = DATABASE() AND non_unique = 0 AND table_name IN :names",
    "sqlite": "SELECT t.name, l.name, c.name FROM sqlite_master t JOIN pragma_index_list(t.name) l"
    ' JOIN pragma_index_info(l.name) c WHERE l."unique" AND NOT l.partial AND t.name IN :names',
}
_LOCK = "CONCAT('configs ', LEFT(SHA1(DATABASE()), 20))"  # locks are the server's, whatever the database


def _name(length: int) -> sa.types.TypeEngine[Any]:
    exactly = mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin")
    return sa.String(length).with_variant(exactly, "mysql")


def _json() -> sa.types.TypeEngine[Any]:
    return sa.Text().with_variant(mysql.JSON(), "mysql")


def _time() -> sa.types.TypeEngine[Any]:
    return sa.Text().with_variant(mysql.DATETIME(fsp=6), "mysql")


def _keys(names: tuple[str, ...], *, may_lack: str = "") -> list[sa.Column[Any]]:
    lengths = {"strategy_id": 100, "symbol": 40, "name": 40}
    return [sa.Column(name, _name(lengths[name]), nullable=name == may_lack) for name in names]


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # only that counts up by itself there
    first = sa.Column("id", number, primary_key=True, autoincrement=True)
    return sa.Table(name, sa.MetaData(), first, *columns, mysql_engine="InnoDB", mysql_charset="utf8mb4")


def _records(name: str, keys: tuple[str, ...]) -> sa.Table:
    return _table(
        name,
        *_keys(keys),
        sa.Column("parameters", _json(), nullable=False),
        sa.Column("version", sa.BigInteger()),
        *(sa.Column(column, _time()) for column in ("created_at", "updated_at")),
        sa.Column("created_by", sa.Text()),
        sa.Column("metadata", _json()),
    )


def _audit(name: str, keys: tuple[str, ...]) -> sa.Table:
    return _table(
        name,
        *_keys(keys, may_lack="symbol"),
        sa.Column("action", _name(10), nullable=False),
        *(sa.Column(column, _json()) for column in ("old_parameters", "new_parameters")),
        sa.Column("changed_by", sa.Text()),
        sa.Column("changed_at", _time()),
        sa.Column("reason", sa.Text()),
        sa.Column("version", sa.BigInteger()),
        sa.Column("audit_id", _name(64)),
    )


TABLES = {place.records: _records(place.records, place.keys) for place in PLACES} | {
    place.audit: _audit(place.audit, place.keys) for place in PLACES
}
UNIQUE = {place.records: place.keys for place in PLACES} | {place.audit: ("audit_id",) for place in PLACES}


def columns_of(connection: sa.Connection) -> Columns:
    """The tables of the configuration that there are, with the columns that they have."""
    found: Columns = {}
    for table, column in connection.execute(_of_tables(_COLUMNS[connection.dialect.name])):
        found.setdefault(table, set()).add(column)
    return found


def make_schema(database: Database) -> None:
    """Have all tables, columns and unique indexes that are needed; what else is there stays.

    Raises:
        StopProgram: a table has rows that say different things of one scope.
        RetryLater: another program is at it.
    """
    if not (database.path and not database.path.exists()):
        with database.connected() as connection:
            if not list(_missing(connection)):
                return
    with _alone(database) as connection:
        for table, statement, index in _missing(connection):
            if index:
                _check_unique(connection, database.name, table, index)
            log.debug("%s: %s", database.name, " ".join(statement.split()))
            connection.exec_driver_sql(statement)


@contextmanager
def _alone(database: Database) -> Iterator[sa.Connection]:
    """A connection for what one program may do at a time."""
    if database.is_sqlite:
        with database.transaction() as connection:
            yield connection
        return
    with database.connected() as connection:
        if connection.exec_driver_sql(f"SELECT GET_LOCK({_LOCK}, {LOCK_WAIT_SECS})").scalar() != 1:
            raise RetryLater(f"{database.name}: another program makes the tables of the configuration")
        try:
            yield connection
        finally:
            with suppress(exc.SQLAlchemyError):  # the connection may be what failed
                connection.exec_driver_sql(f"SELECT RELEASE_LOCK({_LOCK})")


def _missing(connection: sa.Connection) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What has to be done to which table, with the columns that an index is for."""
    columns = columns_of(connection)
    quote = connection.dialect.identifier_preparer.quote_identifier
    for name, table in TABLES.items():
        if name not in columns:
            yield name, str(CreateTable(table).compile(dialect=connection.dialect)), ()
        for column in table.columns if name in columns else ():
            if column.name not in columns[name] and column.name != "id":
                yield name, f"ALTER TABLE {quote(name)} ADD COLUMN {_added(column, connection.dialect)}", ()
    unique = _unique_indexes(connection)
    for name, keys in UNIQUE.items():
        if set(keys) not in unique.get(name, []):
            on = ", ".join(map(quote, keys))
            yield name, f"CREATE UNIQUE INDEX {quote(f'unique_{name}')} ON {quote(name)} ({on})", keys


def _added(column: sa.Column[Any], dialect: sa.Dialect) -> str:
    """A column as it can be added to a table with rows: these have nothing in it."""
    return str(CreateColumn(sa.Column(column.name, column.type, nullable=True)).compile(dialect=dialect))


def _unique_indexes(connection: sa.Connection) -> dict[str, list[set[str]]]:
    found: dict[str, dict[str, set[str]]] = {}
    for table, index, column in connection.execute(_of_tables(_UNIQUE[connection.dialect.name])):
        found.setdefault(table, {}).setdefault(index, set()).add(column)
    return {table: list(indexes.values()) for table, indexes in found.items()}


def _check_unique(connection: sa.Connection, database: str, table: str, keys: tuple[str, ...]) -> None:
    columns: list[sa.ColumnClause[Any]] = [sa.column(key) for key in keys]
    twice = sa.select(*columns).select_from(sa.table(table)).group_by(*columns).having(sa.func.count() > 1).limit(1)
    row = connection.execute(twice.where(*(column.is_not(None) for column in columns))).first()
    if row is not None:
        raise StopProgram(f"{database}: {table} has more than one row of {', '.join(map(str, row))}: keep one of them")


def _of_tables(query: str) -> sa.TextClause:
    return sa.text(query).bindparams(sa.bindparam("names", list(TABLES), expanding=True))
