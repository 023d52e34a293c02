"""The bodies of requests."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from state.timeframe import TIMEFRAMES
from strategies.registry import STRATEGIES

# What may be written into logs, terminals and databases: no control characters.
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"

LAST_VERSION = 2**31 - 1


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


_AsWhole = BeforeValidator(_whole)  # bounds go before it, or the documentation would lack them

Version = Annotated[int, Field(ge=1, le=LAST_VERSION), _AsWhole]

By = Annotated[
    str, Field(min_length=1, max_length=100, pattern=_PLAIN, description="Who changes it", examples=["alice"])
]
Reason = Annotated[
    Annotated[str, Field(max_length=500, pattern=_PLAIN)] | None,
    Field(description="Why", examples=["fewer signals on quiet days"]),
]
Expected = Annotated[
    Annotated[int, Field(ge=0, le=LAST_VERSION), _AsWhole] | None,
    Field(
        description="The version that this was decided on, 0 where nothing was stored; when it is another one by now,"
        " nothing is changed and the answer is 409. Without it, what is stored at that moment is changed",
        examples=[3],
    ),
]
SYMBOL = {"pattern": "^[A-Za-z0-9][A-Za-z0-9_]{0,39}$"}
"""What a symbol may be, for the documentation: symbols are checked in one place."""

ASymbol = Annotated[str, Field(json_schema_extra=SYMBOL)]
AStrategy = Annotated[str, Field(json_schema_extra={"enum": list(STRATEGIES)})]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Change(_Request):
    """Values to change; those that are not named stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "parameters": {"rsi_min": 45},
                "changed_by": "alice",
                "reason": "fewer signals on quiet days",
                "validate_only": False,
                "expected_version": None,
            }
        }
    )

    parameters: dict[str, Any] = Field(
        description="Values by name, for all those that are to change", max_length=500, examples=[{"rsi_min": 45}]
    )
    changed_by: By
    reason: Reason = None
    validate_only: bool = Field(default=False, description="Only say whether it would be possible")
    expected_version: Expected = None


class ApplicationChange(Change):
    """Settings to change; those that are not named stay as they are."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "parameters": {"symbols": ["BTCUSDT", "ETHUSDT"], "min_confidence": 0.6},
                "changed_by": "alice",
                "reason": "only these for now",
            }
        }
    )

    parameters: dict[str, Any] = Field(
        description="Settings by name, for all those that are to change",
        max_length=500,
        examples=[{"cooldown_bars": 8}],
    )


class Rollback(_Request):
    """A version to go back to."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"version": 2, "changed_by": "alice", "reason": "too many signals"}}
    )

    version: Version = Field(description="The version whose values are to hold again")
    changed_by: By
    reason: Reason = None
    expected_version: Expected = None


class StrategyRollback(Rollback):
    """A version of a strategy's configuration, or of a symbol's, to go back to."""

    symbol: ASymbol | None = Field(default=None, description="A symbol, for its own values", examples=["BTCUSDT"])


class Trial(_Request):
    """A change to try out: of a strategy, with `strategy_id` and `parameters`; or with `application` of that."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "strategy_id": "momentum_pulse",
                "parameters": {"rsi_min": 45},
                "symbol": "BTCUSDT",
                "timeframe": "15m",
                "bars": 200,
            }
        }
    )

    strategy_id: AStrategy | None = Field(
        default=None, description="The strategy that changes", examples=["momentum_pulse"]
    )
    parameters: dict[str, Any] | None = Field(
        default=None, description="Its values that change", max_length=500, examples=[{"rsi_min": 45}]
    )
    symbol: ASymbol | None = Field(
        default=None,
        description="The symbol whose own values change, or without it those for all symbols;"
        " and whose bars are tried out, unless dry_run_symbol says another",
        examples=["BTCUSDT"],
    )
    application: dict[str, Any] | None = Field(
        default=None, description="The settings of the application that change", max_length=500
    )
    dry_run_symbol: ASymbol | None = Field(
        default=None, description="The symbol whose bars a change for all symbols is tried out on", examples=["BTCUSDT"]
    )
    timeframe: str = Field(
        default="15m",
        description="The timeframe of the bars",
        examples=["15m"],
        json_schema_extra={"enum": list(TIMEFRAMES)},
    )
    bars: Annotated[int, Field(ge=1, le=2_000), _AsWhole] = Field(
        default=200, description="How many of the last bars are tried out"
    )
