"""When a setup holds, and when it becomes a signal."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Setup = tuple[str, float, float, float | None, float | None]
"""action (buy, sell or hold), confidence, entry price, stop, target; an alert (hold) has no stop and no target."""

MIN_CONFIDENCE = 0.5
COOLDOWN_BARS = 64


class Signal(NamedTuple):
    """An emitted signal: the index of its bar, confidence in 0..1, prices."""

    bar: int
    strategy_id: str
    action: str
    confidence: float
    price: float
    stop: float | None
    target: float | None


def levels_make_sense(setup: Setup) -> bool:
    """Stop, entry and target in the order the action asks for, and all above 0; an alert has only its price."""
    action, _, price, stop, target = setup
    if action == "hold":
        return price > 0
    if stop is None or target is None:
        return False
    ordered = stop < price < target if action == "buy" else target < price < stop
    return ordered and price > 0 and stop > 0 and target > 0


def clamped(confidence: float) -> float:
    """Confidence within 0..1; an undefined one stays undefined."""
    if confidence < 0:
        return 0.0
    return 1.0 if confidence > 1 else confidence


def holds(setup: Setup | None, bars_seen: int, min_data_points: int, min_confidence: float) -> bool:
    """Rule 1: warm, confident enough, sensible levels."""
    return (
        setup is not None
        and bars_seen >= min_data_points
        and clamped(setup[1]) >= min_confidence
        and levels_make_sense(setup)
    )


def emitted(
    strategy_id: str,
    setups: Sequence[Setup | None],
    min_data_points: int,
    min_confidence: float = MIN_CONFIDENCE,
    cooldown_bars: int = COOLDOWN_BARS,
    first_live: int = 0,
) -> list[Signal]:
    """Rule 2 over one strategy's setups, one per bar; bars before `first_live` are history and emit nothing."""
    signals: list[Signal] = []
    held_before: str | None = None
    last_emitted: dict[str, int] = {}
    for i, setup in enumerate(setups):
        held = setup[0] if setup is not None and holds(setup, i + 1, min_data_points, min_confidence) else None
        if setup is not None and held is not None and held != held_before and i >= first_live:
            rested = held not in last_emitted or i - last_emitted[held] >= cooldown_bars
            if rested:
                last_emitted[held] = i
                action, confidence, price, stop, target = setup
                signals.append(Signal(i, strategy_id, action, clamped(confidence), price, stop, target))
        held_before = held
    return signals


def emitted_by_all(
    setups: Mapping[str, Sequence[Setup | None]],
    min_data_points: Mapping[str, int],
    min_confidence: float = MIN_CONFIDENCE,
    cooldown_bars: int = COOLDOWN_BARS,
    first_live: int = 0,
) -> list[Signal]:
    """Signals of several strategies for one key, by bar, then in the order of the strategies given."""
    signals = [
        signal
        for strategy_id, series in setups.items()
        for signal in emitted(
            strategy_id, series, min_data_points[strategy_id], min_confidence, cooldown_bars, first_live
        )
    ]
    return sorted(signals, key=lambda signal: signal.bar)
