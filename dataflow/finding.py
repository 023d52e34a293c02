"""What the parts of a program say of themselves when they are asked how they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from state.watch import Watch

Health = Literal["healthy", "degraded", "unhealthy"]


class Finding(NamedTuple):
    """How a part is: `trouble` says in words, without secrets, what is wrong, and is None when nothing is.

    Without a part that is `vital` the program cannot do what it is for. `details` are JSON types.
    """

    trouble: str | None = None
    vital: bool = False
    details: Mapping[str, object] = MappingProxyType({})

    @property
    def health(self) -> Health:
        """What that means for the program."""
        if self.trouble is None:
            return "healthy"
        return "unhealthy" if self.vital else "degraded"

    def as_dict(self) -> dict[str, object]:
        """JSON types."""
        return {"ok": self.trouble is None, "trouble": self.trouble, **self.details}


class Part(NamedTuple):
    """What says how it is, at once; what is slow to find out is watched by a thread of its own meanwhile."""

    probe: Callable[[], Finding]
    watch: Watch | None = None


def worst(findings: Mapping[str, Finding]) -> Health:
    """How a program is whose parts are like this.

    >>> worst({"nats": Finding(vital=True), "rest": Finding("connection refused")})
    'degraded'
    """
    found = {finding.health for finding in findings.values()}
    return "unhealthy" if "unhealthy" in found else "degraded" if "degraded" in found else "healthy"
