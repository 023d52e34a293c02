"""Parameter models: the only place where a default, a range or a description is written."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Parameters(BaseModel):
    """Parameters of a strategy: frozen, bounded, unknown names refused, no text where a number belongs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    ORDERED: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Names whose values must rise strictly, group by group."""

    AT_MOST: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Pairs of names: the first one's value may not be above the second one's."""

    min_data_points: int

    @model_validator(mode="after")
    def _make_sense_together(self) -> Self:
        broken: list[str] = []
        for names in self.ORDERED:
            values = [getattr(self, name) for name in names]
            if any(left >= right for left, right in pairwise(values)):
                broken.append(f"{' < '.join(names)} must hold, got {_joined(values)}")
        for low, high in self.AT_MOST:
            if getattr(self, low) > getattr(self, high):
                broken.append(f"{low} <= {high} must hold, got {_joined([getattr(self, low), getattr(self, high)])}")
        if broken:
            raise ValueError("; ".join(broken))
        return self


def _joined(values: list[Any]) -> str:
    return ", ".join(str(value) for value in values)


def number(default: float, description: str, minimum: float, maximum: float) -> Any:
    """A parameter with a range; an int where `default` is one."""
    return Field(default=default, ge=minimum, le=maximum, description=description)


def period(default: int, description: str, minimum: int = 1) -> Any:
    """A number of bars, up to 500."""
    return number(default, description, minimum, 500)


def confidence(default: float, description: str, maximum: float = 1.0) -> Any:
    """A confidence or a part of one, from 0."""
    return number(default, description, 0.0, maximum)


def base_confidence(default: float, maximum: float = 1.0) -> Any:
    """Confidence of a setup before anything is added."""
    return confidence(default, "Confidence of a setup before bonuses", maximum)


def factor(default: float, description: str, maximum: float = 1000.0) -> Any:
    """A factor from 0 that scales a quantity into confidence."""
    return number(default, description, 0.0, maximum)


def fraction(default: float, description: str, minimum: float = 0.0) -> Any:
    """A fraction of a price or of a candle, up to 1."""
    return number(default, description, minimum, 1.0)


def rsi_level(default: float, description: str) -> Any:
    """A level of the RSI or ADX, 0 to 100."""
    return number(default, description, 0.0, 100.0)


def volume_multiple(default: float, description: str) -> Any:
    """A multiple of a mean volume, 0 to 100."""
    return number(default, description, 0.0, 100.0)


def atr_multiple(default: float, description: str) -> Any:
    """A distance in ATRs, 0 to 20."""
    return number(default, description, 0.0, 20.0)


def stop_loss_atr(default: float = 2.0) -> Any:
    """Distance of the stop, 0.1 to 20 ATRs."""
    return number(default, "Distance of the stop in ATRs", 0.1, 20.0)


def risk_reward(default: float) -> Any:
    """Reward per risk, 0.1 to 20."""
    return number(default, "Distance of the target per distance of the stop", 0.1, 20.0)


def min_data_points(default: int) -> Any:
    """Bars seen before the first setup may hold, 1 to 5000."""
    return number(default, "Bars that must have been seen before a setup may hold", 1, 5000)


class AtrRisk(Parameters):
    """Parameters of a strategy whose stop and target are a number of ATRs away."""

    stop_loss_atr: float = stop_loss_atr()
    take_profit_atr: float = number(3.0, "Distance of the target in ATRs", 0.1, 20.0)
