"""What the environment says of where the configuration and the history are, for every program that uses them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from dataflow.nats.servers import servers_of
from state.errors import StopProgram

if TYPE_CHECKING:  # who has no use for the stores need not wait for their drivers
    from state.configs.stores import ConfigStores

EMBEDDED_URI = "sqlite:///ta-bot.sqlite3"
"""History and configuration of who has no server for them: a file in the working folder."""

SECRETS = frozenset({"nats_url", "mysql_uri", "mongodb_uri", "api_endpoint"})
"""Settings that may hold passwords."""

S = TypeVar("S", bound=BaseSettings)


class StoreSettings(BaseSettings):
    """Where the stores are; each field is a variable of the same name. Variables that are empty count as unset."""

    model_config = SettingsConfigDict(
        frozen=True, env_ignore_empty=True, extra="ignore", allow_inf_nan=False, validate_default=False
    )

    mysql_uri: str | None = Field(
        default=None, repr=False, description="History, fallback configuration: mysql+pymysql://... or sqlite:///path"
    )
    mongodb_uri: str | None = Field(default=None, repr=False, description="Primary configuration: mongodb://...")
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

    def open_configs(self, *, fallback_takes_writes: bool = False) -> ConfigStores:
        """The stores of the configuration; nothing is connected to yet. Raises `StopProgram` where they cannot be."""
        from state.configs.stores import open_stores

        return open_stores(
            self.mongodb_uri,
            self.mongodb_database,
            self.mysql_uri,
            EMBEDDED_URI,
            fallback_takes_writes=fallback_takes_writes,
        )


def settings_from(kind: type[S], given: dict[str, Any], secret: Iterable[str]) -> S:
    """The environment's settings, with those that were `given` (and are not None) instead.

    Raises:
        StopProgram: a variable is not usable. The message names it, and never quotes one that is `secret`.
    """
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


def are_servers(text: str) -> str:
    """`text`, when it names servers of NATS."""
    return passes(text, lambda: servers_of(text))
