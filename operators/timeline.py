"""When a key goes by which configuration: a bar by the one that was announced before the bar was stored."""

from __future__ import annotations

from typing import Any

from operators.config_book import NewConfiguration
from state.errors import WarmUpAgain
from strategies.configuration import Configuration, unpack_configuration


class Timeline:
    """The configurations to come for one key, and when the newest of its bars was stored.

    Bars and announcements reach a key on different ways, and after a restart in another order than before. That both
    say when they were stored makes the order the same each time.
    """

    def __init__(self) -> None:
        self.newest_ns = 0
        self.to_come: list[NewConfiguration] = []
        self._last = b""

    def begin(self, current: Configuration) -> None:
        """The key goes by `current` until what is to come."""
        self._last = (self.to_come[-1].configuration if self.to_come else current).packed

    def plan(self, item: NewConfiguration) -> list[NewConfiguration]:
        """Take a configuration, and tell whether to go by it now."""
        if item.configuration.packed == self._last:
            return []
        self._last = item.configuration.packed
        if item.stored_ns > self.newest_ns:
            self.to_come.append(item)
            return []
        self.to_come.clear()  # it is what holds in the end
        return [item]

    def due(self, stored_ns: int) -> list[NewConfiguration]:
        """What to go by before a bar, or anything else that was stored at this time."""
        self.newest_ns = max(self.newest_ns, stored_ns)
        if not self.to_come:
            return []
        due = [item for item in self.to_come if item.stored_ns <= stored_ns]
        del self.to_come[: len(due)]
        return due[-1:]  # each has all that those before it had

    def all_due(self) -> list[NewConfiguration]:
        """What to go by when no bar that was stored before it can arrive any more."""
        due, self.to_come = self.to_come[-1:], []
        return due

    def pack(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "newest_ns": self.newest_ns,
            "to_come": [(item.configuration.packed, item.stored_ns) for item in self.to_come],
        }

    def load(self, snapshot: Any) -> None:
        """Go on from a snapshot that has what was packed as its timeline.

        Raises:
            WarmUpAgain: it is something else.
        """
        try:
            content = snapshot["timeline"]
            self.newest_ns = int(content["newest_ns"])
            self.to_come = [
                NewConfiguration(unpack_configuration(packed), int(stored_ns))
                for packed, stored_ns in content["to_come"]
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise WarmUpAgain(f"the snapshot is damaged: {type(error).__name__}: {error}") from error
