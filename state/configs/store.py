"""What a store of the configuration is, and what all of them together answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from state.configs.records import AuditEntry, Change, ConfigRecord, Scope

MOST_ENTRIES = 1_000
"""As many audit entries are read at once at most."""


class ConfigStore(Protocol):
    """One database that keeps records and audit entries. May be used from any thread.

    Every method raises `RetryLater` where the store is away or busy, and `StopProgram` where somebody must mend
    something there, such as a password or rights. Nothing is connected to before the first use.
    """

    kind: str
    """mongodb, mysql or sqlite: what records that come from it say as their source."""
    name: str
    """Where it is, without user, password and options."""

    def check(self) -> None:
        """See whether it can be read, in a moment."""

    def prepare(self) -> None:
        """Have all that the first write would make, such as tables and unique indexes; what else is there stays."""

    def records(self) -> list[ConfigRecord]:
        """All records, deleted ones included; none where nothing was ever written. Unusable ones are logged."""

    def put(self, change: Change, entry_id: str, now_ms: int) -> tuple[ConfigRecord, AuditEntry]:
        """Make a change and its audit entry, both or neither.

        Raises:
            ReadAgain: the scope's version is not the expected one.
        """

    def copy(self, records: Iterable[ConfigRecord], entries: Iterable[AuditEntry], *, replace: bool = False) -> None:
        """Take over what another store has.

        A record takes the place of an older one, that is of one with a lower version, or with the same and changed
        earlier; with `replace`, of any. An entry is added unless one of its id is there.
        """

    def entries(
        self, strategy_id: str | None, symbol: str | None = None, *, limit: int = MOST_ENTRIES, since_ms: int = 0
    ) -> list[AuditEntry]:
        """Audit entries of a strategy (None: of the application), of one symbol or of all there are, newest first."""

    def all_entries(self, since_ms: int = 0) -> list[AuditEntry]:
        """Audit entries of everything, from a time on."""

    def entry_of(self, scope: Scope, version: int) -> AuditEntry | None:
        """The entry of the change that made a version of a scope."""

    def close(self) -> None:
        """Let go of all connections."""


@dataclass(frozen=True)
class Records:
    """All records as they were read: `is_primary` tells whether the primary store gave them."""

    by_scope: dict[Scope, ConfigRecord]
    source: str
    is_primary: bool

    def get(self, scope: Scope) -> ConfigRecord | None:
        """The record of a scope, deleted or not; None where there never was one."""
        return self.by_scope.get(scope)


@dataclass(frozen=True)
class Written:
    """A change that was made; `mirrored` is False where the other store could not take it yet."""

    record: ConfigRecord
    entry: AuditEntry
    mirrored: bool
