"""What is stored of the configuration: one record per scope, and an audit entry per change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

Values = dict[str, Any]
"""Parameters by name, as JSON types."""

AuditAction = Literal["CREATE", "UPDATE", "DELETE"]

SYSTEM = "system"
"""Who writes defaults when they are used for the first time."""


class Scope(NamedTuple):
    """What a record is for: a strategy, a strategy on one symbol, or without a strategy the application itself."""

    strategy_id: str | None
    symbol: str | None = None

    def __str__(self) -> str:
        """In words.

        >>> str(Scope("doji_reversal", "BTCUSDT")), str(APPLICATION)
        ('doji_reversal on BTCUSDT', 'the application')
        """
        if self.strategy_id is None:
            return "the application"
        return self.strategy_id if self.symbol is None else f"{self.strategy_id} on {self.symbol}"


APPLICATION = Scope(None)


@dataclass(frozen=True)
class ConfigRecord:
    """What holds for a scope.

    `parameters` may be some of all there are; None says that they were deleted, which counts as a version, so that
    versions of a scope only ever rise. `source` is the kind of store it comes from: mongodb, mysql or sqlite. Times are
    milliseconds since the Unix epoch.
    """

    scope: Scope
    parameters: Values | None
    version: int
    created_ms: int
    updated_ms: int
    created_by: str
    source: str


@dataclass(frozen=True)
class AuditEntry:
    """One change of one scope: `version` is the one that it made, and None for parameters says that there were none."""

    id: str
    scope: Scope
    action: AuditAction
    version: int
    old_parameters: Values | None
    new_parameters: Values | None
    changed_by: str
    changed_ms: int
    reason: str | None


@dataclass(frozen=True)
class Change:
    """A change that is asked for.

    `parameters` is all that the scope is to hold, None deletes it. `expected_version` is what it was decided on, 0
    where there was nothing.
    """

    scope: Scope
    parameters: Values | None
    expected_version: int
    changed_by: str
    reason: str | None = None
