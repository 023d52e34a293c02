"""What routes are given: the desk, the trials, and their parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from config_api.desk import Desk
from config_api.live.market import Market
from config_api.requests import SYMBOL, ASymbol, By, Expected, Reason
from config_api.trials import Trials
from config_api.views import AuditItem
from operators.times import format_time
from state.configs.records import AuditEntry
from state.configs.store import MOST_ENTRIES
from state.watch import Watch
from strategies.registry import STRATEGIES


@dataclass(frozen=True)
class Parts:
    """What the API works with."""

    desk: Desk
    trials: Trials
    watches: Mapping[str, Watch]
    """What looks after everything outside: `history`, `nats`, and each store of the configuration by its kind."""
    market: Market


def _desk(request: Request) -> Desk:
    parts: Parts = request.app.state.parts
    return parts.desk


def _trials(request: Request) -> Trials:
    parts: Parts = request.app.state.parts
    return parts.trials


def _market(request: Request) -> Market:
    parts: Parts = request.app.state.parts
    return parts.market


TheDesk = Annotated[Desk, Depends(_desk)]
TheTrials = Annotated[Trials, Depends(_trials)]
TheMarket = Annotated[Market, Depends(_market)]

StrategyId = Annotated[
    str, Path(description="A strategy", examples=["momentum_pulse"], json_schema_extra={"enum": list(STRATEGIES)})
]
Symbol = Annotated[
    str,
    Path(
        description="A symbol: 1 to 40 letters, digits or underscores, in any case",
        examples=["BTCUSDT"],
        json_schema_extra=SYMBOL,
    ),
]


class Page(BaseModel):
    """How many changes are wanted."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=50, ge=1, le=MOST_ENTRIES, description="How many changes at most")


class StrategyPage(Page):
    """How many changes are wanted, and of what."""

    symbol: ASymbol | None = Field(
        default=None, description="Only changes of this symbol's own values", examples=["BTCUSDT"]
    )


APage = Annotated[Page, Query()]
AStrategyPage = Annotated[StrategyPage, Query()]


class Deletion(BaseModel):
    """Who deletes, why, and what that was decided on."""

    model_config = ConfigDict(extra="forbid")

    changed_by: By
    reason: Reason = None
    expected_version: Expected = None


ADeletion = Annotated[Deletion, Query()]


def audit_items(entries: list[AuditEntry]) -> list[AuditItem]:
    """Changes as clients see them."""
    return [
        AuditItem(
            id=entry.id,
            strategy_id=entry.scope.strategy_id,
            symbol=entry.scope.symbol,
            action=entry.action,
            version=entry.version,
            old_parameters=entry.old_parameters,
            new_parameters=entry.new_parameters,
            changed_by=entry.changed_by,
            changed_at=format_time(entry.changed_ms),
            reason=entry.reason,
        )
        for entry in entries
    ]
