"""What the environment says of where the configuration and the history are, for every program that uses them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from dataflow.redaction import hide_secrets_of
from state.errors import StopProgram
from state.tls import TlsFiles

if TYPE_CHECKING:  # who has no use for the stores need not wait for their drivers
    from state.configs.store import ConfigStore
    from state.configs.stores import ConfigStores
    from state.klines import BadRow, KlineStore

EMBEDDED_URI = "sqlite:///ta-bot.sqlite3"
"""History and configuration of who has no server for them: a file in the working folder."""

SECRETS = frozenset({"nats_url", "mysql_uri", "mongodb_uri", "api_endpoint"})
"""Settings that may hold passwords."""

S = TypeVar("S", bound=BaseSettings)


ENVIRONMENT = SettingsConfigDict(
    frozen=True, env_ignore_empty=True, extra="ignore", allow_inf_nan=False, validate_default=False
)
"""How variables are read; those that are empty count as unset."""


class StoreSettings(BaseSettings):
    """Where the stores are, and what opens them; each field is a variable of the same name."""

    model_config = ENVIRONMENT

    mysql_uri: str | None = Field(
        default=None, repr=False, description="History, fallback configuration: mysql+pymysql://... or sqlite:///path"
    )
    mysql_tls: bool = Field(default=False, description="Whether MySQL must be reached by TLS; its files make that so")
    mysql_ca_file: Path | None = Field(default=None, description="Certificates to trust, in place of the system's")
    mysql_cert_file: Path | None = Field(default=None, description="Certificate to show to MySQL")
    mysql_key_file: Path | None = Field(default=None, description="Its key")
    mongodb_uri: str | None = Field(default=None, repr=False, description="Primary configuration: mongodb://...")
    mongodb_ca_file: Path | None = Field(default=None, description="Certificates to trust; makes TLS a must")
    mongodb_cert_file: Path | None = Field(
        default=None, description="Certificate to show to MongoDB and its key, in one file; makes TLS a must"
    )
    mongodb_database: str = Field(default="petrosa", min_length=1, max_length=63, description="Database in it")

    @field_validator("mysql_uri")
    @classmethod
    def _is_database(cls, uri: str) -> str:
        from state.database import Database

        return passes(uri, lambda: Database(uri).close())

    @field_validator("mongodb_uri")
    @classmethod
    def _is_mongodb(cls, uri: str) -> str:
        from state.configs.mongo import MongoConfigStore

        return passes(uri, lambda: MongoConfigStore(uri, "petrosa").close())

    @property
    def history_uri(self) -> str:
        """Where the history is."""
        return self.mysql_uri or EMBEDDED_URI

    def open_klines(self, on_bad: Callable[[BadRow], None] | None = None) -> KlineStore:
        """The history; nothing is connected to yet. Raises `StopProgram` where it cannot be."""
        from state.klines import KlineStore

        return KlineStore(self.history_uri, on_bad=on_bad, tls=self._mysql_tls())

    def open_configs(self, *, fallback_takes_writes: bool = False) -> ConfigStores:
        """The stores of the configuration; nothing is connected to yet. Raises `StopProgram` where they cannot be."""
        from state.configs.stores import open_stores

        return open_stores(
            self.mongodb_uri,
            self.mongodb_database,
            self.mysql_uri,
            EMBEDDED_URI,
            fallback_takes_writes=fallback_takes_writes,
            mysql_tls=self._mysql_tls(),
            mongodb_tls=self._mongodb_tls(),
        )

    def config_stores(self) -> list[ConfigStore]:
        """The same stores, each by itself; nothing is connected to yet. Raises as `open_configs`."""
        from state.configs.stores import stores_of

        return stores_of(
            self.mongodb_uri,
            self.mongodb_database,
            self.mysql_uri,
            EMBEDDED_URI,
            mysql_tls=self._mysql_tls(),
            mongodb_tls=self._mongodb_tls(),
        )

    def _mysql_tls(self) -> TlsFiles | None:
        files = TlsFiles("MYSQL", self.mysql_ca_file, self.mysql_cert_file, self.mysql_key_file)
        return files if files or self.mysql_tls else None

    def _mongodb_tls(self) -> TlsFiles | None:
        return TlsFiles("MONGODB", self.mongodb_ca_file, self.mongodb_cert_file, self.mongodb_cert_file) or None


def settings_from(kind: type[S], given: dict[str, Any], secret: Collection[str]) -> S:
    """The environment's settings, with those that were `given` (and are not None) instead.

    Raises:
        StopProgram: a variable is not usable. The message names it, and never quotes one that is `secret`.
    """
    hide_secrets_of({name: value for name, value in given.items() if name in secret})
    try:
        return kind(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise StopProgram("; ".join(_finding(finding, frozenset(secret)) for finding in error.errors())) from None


def _finding(finding: Any, secret: frozenset[str]) -> str:
    name = str(finding["loc"][0]) if finding["loc"] else "settings"
    own = finding["type"] == "value_error"  # our own words, which quote what may be quoted
    got = "" if own or name in secret else f", got {finding['input']!r:.60}"
    return f"{name.upper()}: {str(finding['msg']).removeprefix('Value error, ')}{got}"


def passes(text: str, check: Callable[[], object]) -> str:
    """`text`, when a check of ours lets it pass."""
    try:
        check()
    except StopProgram as error:
        raise ValueError(str(error)) from error
    return text
