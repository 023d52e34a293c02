"""What is measured: something that is fed a year of bars."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.clock import Run
from benchmarks.wanted import Wish
from state.bar import Bar


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    `prepare` makes everything anew and returns the run that is timed. `objects` instances stand for the indicators
    named by `covers`.
    """

    id: str
    label: str
    prepare: Callable[[], Run]
    covers: frozenset[str]
    objects: int

    def coverage(self, wish: Wish) -> str:
        """How much of our indicators this stands for, in words."""
        return f"{self.objects} objects for {len(self.covers)} of our {len(wish.ours)} indicators"


def bought_volume(bar: Bar) -> float:
    """The share of the volume that was bought, by the close's place between low and high."""
    return bar.volume * (bar.close - bar.low) / (bar.high - bar.low) if bar.high > bar.low else bar.volume / 2.0


def higher_closes(bars: list[Bar], multiplier: int, span_ms: int) -> list[float | None]:
    """For every bar the close of the bar `multiplier` times as long that ends with it, if one does."""
    return [bar.close if (bar.open_time_ms // span_ms + 1) % multiplier == 0 else None for bar in bars]
