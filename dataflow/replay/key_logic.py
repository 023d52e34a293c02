"""The stateful step of a replay: one analyzer per key, snapshotted by Bytewax at the end of every epoch."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from bytewax.operators import StatefulBatchLogic

from operators.analyzer import KeyAnalyzer, split_tally
from operators.script import Script
from operators.tally import Tally
from state.bar import Bar
from state.errors import WarmUpAgain
from state.history import KlineHistory, NoHistory
from state.snapshot import Snapshot
from state.timeframe import DAY_MS
from strategies.configuration import Configuration
from strategies.signal import Signal

log = logging.getLogger(__name__)

KeyedBar = tuple[str, Bar]


# Telling after every bar what happened to it would cost a tenth of its analysis.
TALLY_EVERY_BARS = 100

_LONGEST_MONTH_MS = 31 * DAY_MS


def _nothing(_: int) -> None:
    return None


@dataclass(frozen=True)
class Analysis:
    """What every key is analyzed with.

    Bars that open before `live_from_ms` warm the state and emit nothing. `history` is asked for a key's earlier bars
    when its snapshot could not be used, or when a change that `script` tells asks for indicators that take them to
    warm up. `on_bars` hears how many bars were analyzed.
    """

    configuration: Configuration
    history: KlineHistory = field(default_factory=NoHistory)
    live_from_ms: int = 0
    on_bars: Callable[[int], None] = _nothing
    script: Script = field(default_factory=Script)


class KeyLogic(StatefulBatchLogic[tuple[str, Bar], Signal | Tally, Any]):
    """The analyzer of one key inside the flow.

    Signals leave with the batch that they are found in, counts every so many bars and at the end; until then they
    are part of the snapshot.

    Key and analyzer are only known from the first bar on: until then a snapshot waits to be gone on from.
    """

    def __init__(self, analysis: Analysis, resume_state: Snapshot | None) -> None:
        self.analysis = analysis
        self.resume_state = resume_state
        self.analyzer: KeyAnalyzer | None = None
        self.untold_bars = 0
        self.to_come: deque[tuple[int, Configuration]] = deque()
        self.changes_from_ms: float = inf
        """Bars that open before this are not concerned by what is to come."""

    def on_batch(self, values: list[tuple[str, Bar]]) -> tuple[list[Signal | Tally], bool]:
        """Analyze bars in the order of their arrival."""
        analyzer = self.started(values[0])
        live_from_ms = self.analysis.live_from_ms
        out: list[Signal | Tally] = []
        for _, bar in values:
            if bar.open_time_ms >= self.changes_from_ms:
                self.change(analyzer, bar)
            out += analyzer.on_bar(bar, emit=bar.open_time_ms >= live_from_ms)
        out += self.tell(analyzer, len(values))
        return out, StatefulBatchLogic.RETAIN

    def started(self, first: tuple[str, Bar]) -> KeyAnalyzer:
        """The analyzer; the first item of the key tells what it is for."""
        return self.analyzer or self._start(*first)

    def tell(self, analyzer: KeyAnalyzer, bars: int) -> list[Tally]:
        """Tell that so many bars were analyzed, and now and then what happened to them."""
        self.analysis.on_bars(bars)
        self.untold_bars += bars
        return [self._take_tally(analyzer)] if self.untold_bars >= TALLY_EVERY_BARS else []

    def on_eof(self) -> tuple[list[Signal | Tally], bool]:
        """What happened to the last bars; nothing that could come again after a restart."""
        if self.analyzer:
            return [self._take_tally(self.analyzer)], StatefulBatchLogic.RETAIN
        try:
            self.resume_state, tally = split_tally(self.resume_state)
        except WarmUpAgain:
            return [], StatefulBatchLogic.RETAIN
        return [tally], StatefulBatchLogic.RETAIN

    def _take_tally(self, analyzer: KeyAnalyzer) -> Tally:
        self.untold_bars = 0
        return analyzer.take_tally()

    def snapshot(self) -> Snapshot | None:
        """Plain versioned data: see `KeyAnalyzer.snapshot`."""
        return self.analyzer.snapshot() if self.analyzer else self.resume_state

    def _start(self, key: str, first: Bar) -> KeyAnalyzer:
        analyzer = KeyAnalyzer(key, self.analysis.configuration)
        self._plan(analyzer, self.analysis.script.timeline(analyzer.symbol))
        if self.resume_state is not None:
            analyzer = self._resumed(analyzer, first)
        self.analyzer, self.resume_state = analyzer, None
        return analyzer

    def _resumed(self, analyzer: KeyAnalyzer, first: Bar) -> KeyAnalyzer:
        key = analyzer.key
        try:
            analyzer.resume(self.resume_state)
        except WarmUpAgain as error:
            log.warning("%s: snapshot refused, warming up again from history: %s", key, error, extra={"key": key})
            analyzer = KeyAnalyzer(key, self._due(analyzer, first) or self.analysis.configuration)
            analyzer.warm_up(self.analysis.history.bars_before(key, first.open_time_ms))
            analyzer.tally.refused_snapshots += 1
        return analyzer

    def _plan(self, analyzer: KeyAnalyzer, to_come: Iterable[tuple[int, Configuration]]) -> None:
        self.to_come = deque(to_come)
        span_ms = _LONGEST_MONTH_MS if analyzer.timeframe.name == "1M" else analyzer.timeframe.span_ms
        self.changes_from_ms = self.to_come[0][0] - span_ms if self.to_come else inf

    def _due(self, analyzer: KeyAnalyzer, bar: Bar) -> Configuration | None:
        """What the key goes by from `bar` on, if anything changes there."""
        close_ms, due = analyzer.timeframe.close_ms(bar.open_time_ms), None
        while self.to_come and self.to_come[0][0] < close_ms:
            _, due = self.to_come.popleft()
        self._plan(analyzer, self.to_come)
        return due

    def change(self, analyzer: KeyAnalyzer, bar: Bar) -> None:
        """Go by what is due at `bar`; a key that was resumed may do so already, which changes nothing."""
        due = self._due(analyzer, bar)
        if due is None:
            return
        takes_bars = analyzer.bars_wanted(due) > 0
        bars = self.analysis.history.bars_before(analyzer.key, bar.open_time_ms) if takes_bars else ()
        analyzer.reconfigure(due, bars)
