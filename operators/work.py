"""How often strategies were asked, and how often they held a setup; counting it costs a bar next to nothing."""

from __future__ import annotations

from collections import Counter
from itertools import chain

MOST_NOTED = 512
"""So many bars are noted before they are counted."""


class Asked:
    """What strategies that are enabled together were asked about, and held."""

    def __init__(self, enabled: tuple[str, ...]) -> None:
        self.enabled = enabled
        self.noted: list[list[int]] = []
        """For each bar that is not counted yet, which strategies held a setup, by their places in `enabled`."""
        self.bars = 0
        self.held: Counter[int] = Counter()

    def count(self) -> None:
        """Count what is noted: many at once, which takes a fraction of the time."""
        self.bars += len(self.noted)
        self.held.update(chain.from_iterable(self.noted))
        self.noted.clear()


class Work:
    """What was done for a key. What is counted only grows, so another thread may read it at any time.

    It is not part of a snapshot: what is done again after a restart is counted again.
    """

    def __init__(self) -> None:
        self._asked: dict[tuple[str, ...], Asked] = {}

    def of(self, enabled: tuple[str, ...]) -> Asked:
        """Where to note what is done while these strategies are enabled."""
        return self._asked.setdefault(enabled, Asked(enabled))

    def count(self) -> None:
        """Count all that is noted."""
        for asked in self._asked.values():
            asked.count()

    def add_to(self, evaluations: dict[str, int], setups: dict[str, int]) -> None:
        """Add everything that is counted to what others did, by strategy.

        An evaluation is a bar that a strategy was asked about, a setup one that it held a setup on, whether or not a
        signal came of it.
        """
        for asked in list(self._asked.values()):
            for place, strategy_id in enumerate(asked.enabled):
                evaluations[strategy_id] = evaluations.get(strategy_id, 0) + asked.bars
                setups[strategy_id] = setups.get(strategy_id, 0) + asked.held[place]
