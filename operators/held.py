"""What a key holds while it waits for an answer of its history."""

from __future__ import annotations

from typing import Any

from operators.config_book import NewConfiguration
from operators.messages import Notice
from state.bar import Bar
from strategies.configuration import unpack_configuration

Held = Bar | Notice | NewConfiguration


def pack_held(item: Held) -> tuple[float, ...] | bytes | None:
    """Plain data."""
    if type(item) is NewConfiguration:
        return item.configuration.packed
    return tuple(item) if type(item) is Bar else None


def unpack_held(packed: Any, notice: Notice) -> Held:
    """What was packed; a notice is the same for all of a key.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if packed is None:
        return notice
    return NewConfiguration(unpack_configuration(packed)) if isinstance(packed, bytes) else Bar(*packed)


def have_arrived(bars: list[Bar], held: list[Held]) -> bool:
    """Whether some of what is held is no newer than `bars`, the last of which is what history had by then."""
    newest_ms = bars[-1].open_time_ms if bars else -1
    return any(item.open_time_ms <= newest_ms for item in held if type(item) is Bar)
