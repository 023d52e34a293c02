"""How many bars of history are enough: the signals of a key seeded with so many, beside one that saw everything."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from operators.analyzer import KeyAnalyzer
from state.bar import Bar
from strategies.configuration import Configuration
from strategies.signal import Signal

WINDOW_BARS = 100
"""Bars that are compared after each seeding; then it is seeded anew."""


@dataclass
class Differences:
    """How the signals of one strategy differ.

    `both` gave so many of them; of these, `confidence` is the largest difference in confidence, and `levels_bps` the
    largest of an entry, stop or target, in basis points of the entry.
    """

    both: int = 0
    only_whole: int = 0
    only_seeded: int = 0
    confidence: float = 0.0
    levels_bps: float = 0.0

    def compare(self, whole: Signal | None, seeded: Signal | None) -> None:
        """Count a signal, as each of them gave it."""
        if whole is None:
            self.only_seeded += 1
        elif seeded is None:
            self.only_whole += 1
        else:
            self.both += 1
            self.confidence = max(self.confidence, abs(whole.confidence - seeded.confidence))
            levels = zip(_levels(whole), _levels(seeded), strict=True)
            most = max(abs(one - other) for one, other in levels)
            self.levels_bps = max(self.levels_bps, most / whole.price * 10_000.0)

    @property
    def share(self) -> float:
        """The share of signals that only one of them gave."""
        only = self.only_whole + self.only_seeded
        return only / (self.both + only) if only else 0.0

    def add(self, other: Differences) -> None:
        """Add those of another key."""
        self.both += other.both
        self.only_whole += other.only_whole
        self.only_seeded += other.only_seeded
        self.confidence = max(self.confidence, other.confidence)
        self.levels_bps = max(self.levels_bps, other.levels_bps)


@dataclass
class KeySeeding:
    """The differences on one key, by strategy: of setups that begin, and of what the cooldown lets through of them."""

    key: str
    begun: dict[str, Differences] = field(default_factory=dict)
    emitted: dict[str, Differences] = field(default_factory=dict)

    @property
    def sort_key(self) -> str:
        """Orders them by key."""
        return f"seeding {self.key}"


class SeedingCheck:
    """Beside a key's analyzer, others that are seeded with the last `bars` bars, one after the other.

    Each is compared for `WINDOW_BARS` bars and then makes way for the next, so every signal is compared, from twice
    `bars` bars on. Bars that open before `live_from_ms` are not compared.

    A new key knows neither what its indicators were before its history, nor what was emitted within the cooldown. Which
    of them makes a difference is told apart by comparing without a cooldown too.
    """

    passes_signals_on = True

    def __init__(self, key: str, configuration: Configuration, bars: int, live_from_ms: int) -> None:
        self.cooldown_bars = configuration.engine.cooldown_bars
        self.eager = _without_cooldown(configuration)
        self.whole = KeyAnalyzer(key, self.eager)
        self.recent: deque[Bar] = deque(maxlen=bars)
        self.live_from_ms = live_from_ms
        self.not_before = 2 * bars
        self.seen = 0
        self.seeded: KeyAnalyzer | None = None
        self.compared = 0
        self.emitted: dict[tuple[str, str], int] = {}
        self.result = KeySeeding(key)

    def take(self, bar: Bar, signals: Sequence[Signal]) -> Sequence[KeySeeding]:
        """Compare the signals of a bar."""
        self.seen += 1
        begun = self.whole.on_bar(bar)
        if self.seen > self.not_before and bar.open_time_ms >= self.live_from_ms:
            if self.seeded is None or self.compared == WINDOW_BARS:
                self.seeded, self.compared, self.emitted = self._seeded(), 0, {}
            self.compared += 1
            theirs = self.seeded.on_bar(bar)
            _compare(begun, theirs, self.result.begun)
            _compare(signals, [signal for signal in theirs if self._is_emitted(signal)], self.result.emitted)
        self.recent.append(bar)
        return ()

    def left(self) -> Sequence[KeySeeding]:
        """All differences."""
        return (self.result,)

    def _seeded(self) -> KeyAnalyzer:
        analyzer = KeyAnalyzer(self.result.key, self.eager)
        analyzer.warm_up(self.recent)
        return analyzer

    def _is_emitted(self, signal: Signal) -> bool:
        """Whether the cooldown lets it through, see `operators.emission`."""
        what = signal.strategy_id, signal.action
        last = self.emitted.get(what)
        if last is not None and self.seen - last < self.cooldown_bars:
            return False
        self.emitted[what] = self.seen
        return True


def _without_cooldown(configuration: Configuration) -> Configuration:
    engine = configuration.engine.model_copy(update={"cooldown_bars": 0})
    return Configuration(engine=engine, strategies=configuration.strategies)


def _compare(whole: Sequence[Signal], seeded: Sequence[Signal], into: dict[str, Differences]) -> None:
    ours = {signal.signal_id: signal for signal in whole}
    theirs = {signal.signal_id: signal for signal in seeded}
    for signal_id, signal in {**theirs, **ours}.items():
        differences = into.setdefault(signal.strategy_id, Differences())
        differences.compare(ours.get(signal_id), theirs.get(signal_id))


def _levels(signal: Signal) -> tuple[float, float, float]:
    return signal.price, signal.stop_loss or 0.0, signal.take_profit or 0.0
