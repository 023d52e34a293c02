"""What answers say: the data of each, and what goes with it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from config_api.envelope import Success, example
from config_api.errors import Finding
from state.configs.records import AuditAction
from strategies.application import ApplicationSettings
from strategies.signal import Signal

Action = Literal["read", "created", "updated", "deleted", "rolled_back", "validated", "unchanged", "refreshed"]

_READ = {"action": "read", "changes_applied": False, "mirrored": None, "announced": None, "note": None}
_UPDATED = {"action": "updated", "changes_applied": True, "mirrored": True, "announced": True, "note": None}


class Metadata(BaseModel):
    """What was done."""

    action: Action = Field(description="What was done")
    changes_applied: bool = Field(default=False, description="Whether anything that is stored was changed")
    mirrored: bool | None = Field(
        default=None, description="Whether the other store has the change too; it gets it later if not"
    )
    announced: bool | None = Field(
        default=None, description="Whether bots were told at once; they find it at their next look at the stores if not"
    )
    note: str | None = Field(default=None, description="What else there is to know")

    def rolled_back(self) -> Metadata:
        """The same, where what was done is going back."""
        return self.model_copy(update={"action": "rolled_back"}) if self.changes_applied else self


class StrategyItem(BaseModel):
    """One strategy in the list of all."""

    id: str = Field(description="What it is called everywhere")
    strategy_id: str = Field(description="The same, by the name that it has in other answers")
    name: str = Field(description="What people call it")
    description: str = Field(description="What it looks for")
    category: str = Field(description="Where it comes from: petrosa or quantzed")
    has_global_config: bool = Field(description="Whether values for all symbols are stored")
    symbol_overrides: list[str] = Field(description="Symbols that have values of their own")
    parameter_count: int = Field(description="How many parameters it has")


class StrategyList(Success[list[StrategyItem], Metadata]):
    """All strategies."""

    model_config = example(
        [  # type: ignore[arg-type]
            {
                "id": "momentum_pulse",
                "strategy_id": "momentum_pulse",
                "name": "Momentum Pulse",
                "description": "...",
                "category": "petrosa",
                "has_global_config": True,
                "symbol_overrides": ["BTCUSDT"],
                "parameter_count": 14,
            }
        ],
        _READ,
    )


class Parameter(BaseModel):
    """One parameter of a strategy."""

    name: str = Field(description="What it is called")
    type: Literal["int", "float"] = Field(description="int takes whole numbers only")
    description: str = Field(description="What it does")
    default: int | float = Field(description="Its value where nothing else is stored")
    min: int | float = Field(description="The least that is possible")
    max: int | float = Field(description="The most that is possible")
    example: int | float = Field(description="A value that is possible with all others at their defaults")


class SchemaMetadata(Metadata):
    """What must hold between parameters."""

    rules: list[str] = Field(description="What must hold between parameters", examples=[["ema_fast < ema_slow"]])


class ParameterList(Success[list[Parameter], SchemaMetadata]):
    """The parameters of a strategy."""

    model_config = example(
        [  # type: ignore[arg-type]
            {
                "name": "rsi_min",
                "type": "float",
                "description": "Least RSI",
                "default": 50.0,
                "min": 0.0,
                "max": 100.0,
                "example": 55.0,
            }
        ],
        {**_READ, "rules": ["rsi_min < rsi_max"]},
    )


class Defaults(BaseModel):
    """What a strategy does where nothing is stored."""

    strategy_id: str = Field(description="Whose defaults these are")
    parameters: dict[str, int | float] = Field(description="Values by name")


class DefaultsAnswer(Success[Defaults, Metadata]):
    """A strategy's defaults."""

    model_config = example({"strategy_id": "momentum_pulse", "parameters": {"rsi_min": 50.0}}, _READ)


class Config(BaseModel):
    """A strategy's configuration, for all symbols or for one."""

    strategy_id: str = Field(description="Whose configuration it is")
    symbol: str | None = Field(description="The symbol it is for; null for all that have no values of their own")
    parameters: dict[str, int | float] = Field(
        description="All values in force: the default, over it what is stored for all symbols, over that the symbol's"
    )
    stored_parameters: dict[str, Any] | None = Field(
        description="What is stored for exactly this; null where nothing is"
    )
    changed_parameters: dict[str, int | float] = Field(description="Those in force that differ from the defaults")
    version: int = Field(description="How often this was changed; 0 where it never was")
    source: str = Field(
        description="Where the values that have the last word come from: mongodb, mysql, sqlite or default"
    )
    is_override: bool = Field(description="Whether the symbol has values of its own")


_CONFIG = {
    "strategy_id": "momentum_pulse",
    "symbol": None,
    "parameters": {"rsi_min": 45.0},
    "stored_parameters": {"rsi_min": 45.0},
    "changed_parameters": {"rsi_min": 45.0},
    "version": 3,
    "source": "mongodb",
    "is_override": False,
}


class ConfigAnswer(Success[Config, Metadata]):
    """A strategy's configuration as it is now."""

    model_config = example(_CONFIG, _UPDATED)


class ApplicationConfig(BaseModel):
    """The application's settings."""

    parameters: ApplicationSettings = Field(description="All settings in force")
    stored_parameters: dict[str, Any] | None = Field(description="Those that are stored; null where none are")
    changed_parameters: dict[str, Any] = Field(description="Those in force that differ from the defaults")
    version: int = Field(description="How often they were changed; 0 where they never were")
    source: str = Field(description="Where they come from: mongodb, mysql, sqlite or default")


class ApplicationAnswer(Success[ApplicationConfig, Metadata]):
    """The application's settings as they are now."""

    model_config = example(
        {
            "parameters": {
                "enabled_strategies": ["momentum_pulse"],
                "symbols": ["BTCUSDT"],
                "timeframes": None,
                "min_confidence": 0.6,
                "cooldown_bars": 64,
            },
            "stored_parameters": {
                "enabled_strategies": ["momentum_pulse"],
                "symbols": ["BTCUSDT"],
                "min_confidence": 0.6,
            },
            "changed_parameters": {
                "enabled_strategies": ["momentum_pulse"],
                "symbols": ["BTCUSDT"],
                "min_confidence": 0.6,
            },
            "version": 2,
            "source": "mongodb",
        },
        _UPDATED,
    )


class AuditItem(BaseModel):
    """One change."""

    id: str = Field(description="What tells it from all others")
    strategy_id: str | None = Field(description="The strategy that was changed; null for the application")
    symbol: str | None = Field(description="The symbol whose own values were changed; null for those of all symbols")
    action: AuditAction = Field(description="What was done")
    version: int = Field(description="The version that it made")
    old_parameters: dict[str, Any] | None = Field(description="What was stored before; null for nothing")
    new_parameters: dict[str, Any] | None = Field(description="What was stored then; null for nothing")
    changed_by: str = Field(description="Who did it")
    changed_at: str = Field(description="When: ISO 8601, UTC")
    reason: str | None = Field(description="Why")


class AuditAnswer(Success[list[AuditItem], Metadata]):
    """Changes, newest first."""

    model_config = example(
        [  # type: ignore[arg-type]
            {
                "id": "0194f1c0",
                "strategy_id": "momentum_pulse",
                "symbol": None,
                "action": "UPDATE",
                "version": 3,
                "old_parameters": {"rsi_min": 50.0},
                "new_parameters": {"rsi_min": 45.0},
                "changed_by": "alice",
                "changed_at": "2024-01-01T00:15:00.000Z",
                "reason": "fewer signals on quiet days",
            }
        ],
        _READ,
    )


class Refreshed(BaseModel):
    """What was read anew."""

    source: str = Field(description="The store that gave it: mongodb, mysql or sqlite")
    records: int = Field(description="How many scopes have something stored")


class RefreshedAnswer(Success[Refreshed, Metadata]):
    """All that is stored was read anew."""

    model_config = example({"source": "mongodb", "records": 31}, {**_READ, "action": "refreshed"})


class ChangedSignal(BaseModel):
    """A signal that both configurations give, with other numbers."""

    before: Signal
    after: Signal


class DryRunView(BaseModel):
    """What the change would have made of a symbol's last bars."""

    symbol: str = Field(description="Whose bars")
    timeframe: str = Field(description="Of which timeframe")
    bars: int = Field(description="How many bars of the history were tried out")
    warm_up_bars: int = Field(description="How many before them only warmed up")
    first_open_time: str | None = Field(description="When the first of them opened; null where there are none")
    last_open_time: str | None = Field(description="When the last of them opened; null where there are none")
    strategies: list[str] = Field(description="The strategies that the change concerns")
    appear: list[Signal] = Field(description="Signals that only the change gives")
    disappear: list[Signal] = Field(description="Signals that only what holds now gives")
    changed: list[ChangedSignal] = Field(description="Signals that both give, with other numbers")
    unchanged: int = Field(description="How many signals of these strategies stay as they are")


class Verdict(BaseModel):
    """Whether a change is possible, and what it would do."""

    valid: bool = Field(description="Whether it would be taken")
    errors: list[Finding] = Field(description="Why not")
    dry_run: DryRunView | None = Field(
        description="What it would do to signals; null where it is not possible, or no symbol was named"
    )


class VerdictAnswer(Success[Verdict, Metadata]):
    """What would become of a change; nothing was changed."""

    model_config = example(
        {
            "valid": True,
            "errors": [],
            "dry_run": {
                "symbol": "BTCUSDT",
                "timeframe": "15m",
                "bars": 200,
                "warm_up_bars": 500,
                "first_open_time": "2024-01-01T00:00:00.000Z",
                "last_open_time": "2024-01-03T01:45:00.000Z",
                "strategies": ["momentum_pulse"],
                "appear": [],
                "disappear": [],
                "changed": [],
                "unchanged": 3,
            },
        },
        {**_READ, "action": "validated"},
    )
