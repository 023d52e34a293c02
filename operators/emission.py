"""The emission rule: when a setup that holds becomes a signal."""

from __future__ import annotations

from math import inf
from typing import Any, get_args

from strategies.configuration import EngineSettings
from strategies.setup import Action, Setup


class Emission:
    """One strategy's memory on one key: what it held on the bar before, and when it last emitted what.

    Bars are counted from 1 as they are seen for the key.
    """

    __slots__ = ("cooldown_bars", "emitted", "held", "min_confidence", "min_data_points")

    def __init__(self, engine: EngineSettings, min_data_points: int) -> None:
        self.held: Action | None = None
        self.emitted: dict[Action, int] = {}
        self.configure(engine, min_data_points)

    def configure(self, engine: EngineSettings, min_data_points: int) -> None:
        """Go by other settings from the next bar on; what was held and emitted stays."""
        # Confidences count within 0..1, so that none is too low for 0. An undefined one still is.
        self.min_confidence = engine.min_confidence or -inf
        self.cooldown_bars = engine.cooldown_bars
        self.min_data_points = min_data_points

    def begins(self, setup: Setup, bars_seen: int, *, emit: bool) -> bool:
        """Whether `setup` is to be emitted on this bar; what it leaves behind is remembered.

        A setup holds when there are enough bars, enough confidence, and levels on their sides of the price. It is
        emitted when it was not held with the same action on the bar before and the last emission of that action
        is at least the cooldown back. Without `emit`, as for bars from history, nothing is emitted and only what
        is held is remembered.
        """
        if not (setup.confidence >= self.min_confidence and bars_seen >= self.min_data_points and setup.makes_sense()):
            self.held = None
            return False
        action = setup.action
        if action == self.held:
            return False
        self.held = action
        if not emit:
            return False
        last = self.emitted.get(action)
        if last is not None and bars_seen - last < self.cooldown_bars:
            return False
        self.emitted[action] = bars_seen
        return True

    def dump(self) -> tuple[Action | None, dict[Action, int]]:
        """Everything `load` needs, as plain data."""
        return self.held, dict(self.emitted)

    def load(self, dumped: Any) -> None:
        """Go on from what `dump` returned.

        Raises:
            ValueError, TypeError, AttributeError: it is something else.
        """
        held, emitted = dumped
        actions = get_args(Action)
        if held not in (None, *actions) or any(
            action not in actions or type(bar) is not int for action, bar in emitted.items()
        ):
            raise ValueError(f"not what a strategy held and emitted: {dumped!r:.80}")
        self.held, self.emitted = held, dict(emitted)
