"""The keys of a process by timeframe, and how far behind the clock they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from operators.times import format_time
from state.key import split_key
from state.timeframe import TIMEFRAMES, Timeframe

KeyState = Literal["starting", "seeded", "cold"]

STATES: tuple[KeyState, ...] = ("starting", "seeded", "cold")

DUE_SECS = 120.0
"""How long the next bar of a group may be due before that is told as trouble: it has a way to come."""


class KeyNow(NamedTuple):
    """How a key is."""

    state: KeyState
    close_ms: int | None = None
    """When its newest bar closed; None before its first one."""
    is_behind: bool = False
    """Whether it is yet to go by what is known of its configuration."""


@dataclass
class Group:
    """The keys of one timeframe.

    The newest bar is a group's pulse; a key of its own may lag behind it, as one that is not traded any more does.
    """

    timeframe: Timeframe
    now_ms: int
    since_ms: int
    """From when on bars are due where none is known yet."""
    states: Counter[KeyState] = field(default_factory=Counter)
    newest_close_ms: int | None = None
    overdue_keys: int = 0
    """Keys that lack at least one bar that was due for `DUE_SECS`."""
    keys_behind: int = 0
    """Keys that are yet to go by what is known of their configuration."""

    def add(self, key: KeyNow) -> None:
        """Count a key in."""
        self.states[key.state] += 1
        self.keys_behind += key.is_behind
        if key.close_ms is not None:
            self.newest_close_ms = max(key.close_ms, self.newest_close_ms or 0)
        self.overdue_keys += self._due_secs(key.close_ms) > DUE_SECS

    @property
    def lag_secs(self) -> float | None:
        """How long ago the newest bar closed, in seconds: up to one span where all is well. None before the first."""
        return None if self.newest_close_ms is None else max(0.0, (self.now_ms - self.newest_close_ms) / 1000)

    @property
    def overdue_bars(self) -> int:
        """How many bars have closed since the newest one that was analyzed."""
        return self._overdue(self.newest_close_ms)

    @property
    def due_secs(self) -> float:
        """For how long the next bar has been due, in seconds; 0 while it is not."""
        return self._due_secs(self.newest_close_ms)

    @property
    def trouble(self) -> str | None:
        """What is wrong with it."""
        if self.due_secs <= DUE_SECS:
            return None
        return f"{self.timeframe.name}: the next bar has been due for {self.due_secs:.0f} s"

    def as_dict(self) -> dict[str, object]:
        """JSON types."""
        newest_ms = self.newest_close_ms
        return {
            "keys": self.states.total(),
            "states": {state: self.states[state] for state in STATES},
            "last_bar_closed": None if newest_ms is None else format_time(newest_ms),
            "lag_secs": self.lag_secs,
            "overdue_bars": self.overdue_bars,
            "overdue_keys": self.overdue_keys,
            "keys_behind_configuration": self.keys_behind,
        }

    def _due_secs(self, close_ms: int | None) -> float:
        next_ms = self.timeframe.close_ms(self.since_ms if close_ms is None else close_ms)
        return max(0.0, (self.now_ms - next_ms) / 1000)

    def _overdue(self, close_ms: int | None) -> int:
        last_ms, now_ms = self.since_ms if close_ms is None else close_ms, self.now_ms
        if self.timeframe.name == "1M":
            return max(0, self.timeframe.ordinal(now_ms) - self.timeframe.ordinal(last_ms))
        return max(0, (now_ms - last_ms) // self.timeframe.span_ms)


def groups_of(keys: Iterable[tuple[str, KeyNow]], now_ms: int, since_ms: int) -> dict[str, Group]:
    """All keys by the name of their timeframe, the shortest first."""
    found: dict[str, Group] = {}
    for name, key in keys:
        timeframe = split_key(name)[1]
        if timeframe.name not in found:
            found[timeframe.name] = Group(timeframe, now_ms, since_ms)
        found[timeframe.name].add(key)
    return {name: found[name] for name in TIMEFRAMES if name in found}
