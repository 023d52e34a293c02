"""What happened to the bars of a key."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

_COUNTS = (
    "bars",
    "warm_up_bars",
    "repeated",
    "out_of_order",
    "gaps",
    "missing_bars",
    "filled_bars",
    "refused_snapshots",
)


@dataclass(slots=True)
class Tally:
    """Counts of one key that add up over batches.

    `bars` are those that could emit, `warm_up_bars` those that only warmed the state; both times are of `bars`.
    `filled_bars`, part of `bars`, were missed and came from history.
    """

    key: str
    bars: int = 0
    warm_up_bars: int = 0
    repeated: int = 0
    out_of_order: int = 0
    gaps: int = 0
    missing_bars: int = 0
    filled_bars: int = 0
    refused_snapshots: int = 0
    first_open_ms: int | None = None
    last_close_ms: int | None = None
    strategy_errors: dict[str, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Add the tally of a later batch to this one."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for strategy_id, count in other.strategy_errors.items():
            self.strategy_errors[strategy_id] = self.strategy_errors.get(strategy_id, 0) + count
        if self.first_open_ms is None:
            self.first_open_ms = other.first_open_ms
        if other.last_close_ms is not None:
            self.last_close_ms = other.last_close_ms

    def as_dict(self) -> dict[str, object]:
        """The counts as plain data."""
        return asdict(self)
