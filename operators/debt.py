"""What a key that went on without its history must make up for."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from operators.analyzer import KeyAnalyzer
from operators.requests import FILL_BARS, HistoryRequest
from state.bar import Bar
from state.snapshot import Snapshot
from state.timeframe import Timeframe
from strategies.configuration import unpack_configuration


@dataclass
class Debt:
    """The key's state before it went on, None if it is to be seeded, and its bars since, each once and in order.

    `configurations` are those that it has had since, packed, each with the open time of the last bar before it (-1 for
    the first one). `noticed` when there are bars in history that will not arrive. `sent` are open times and ids of
    those signals that went out since and could go out again.
    """

    before: Snapshot | None
    configurations: list[tuple[int, bytes]]
    noticed: bool
    bars: list[Bar] = field(default_factory=list)
    sent: list[tuple[int, str]] = field(default_factory=list)

    @property
    def last_ms(self) -> int | None:
        """When the last bar before opened."""
        return None if self.before is None else self.before["last_open_ms"]

    def is_news(self, open_ms: int) -> bool:
        """Whether a bar comes after all that is remembered."""
        newest_ms = self.bars[-1].open_time_ms if self.bars else self.last_ms
        return newest_ms is None or open_ms > newest_ms

    def lacking(self, key: str, timeframe: Timeframe, warm_up_bars: int) -> HistoryRequest | None:
        """Asks for all that is missing before and between its bars; None when nothing is."""
        until_ms, last_ms = self._lacks_until_ms(timeframe), self.last_ms
        if until_ms is None:
            return None
        start_ms = self.bars[0].open_time_ms if last_ms is None else last_ms
        bars = timeframe.ordinal(until_ms) - timeframe.ordinal(start_ms)
        limit = warm_up_bars + min(bars, FILL_BARS) if last_ms is None else min(bars - 1, FILL_BARS)
        return HistoryRequest(key, last_ms, until_ms, limit)

    def _lacks_until_ms(self, timeframe: Timeframe) -> int | None:
        """When the last bar opened that others are missing before."""
        opens = [bar.open_time_ms for bar in self.bars]
        if self.last_ms is not None:
            opens.insert(0, self.last_ms)
        after_gaps = [later for earlier, later in pairwise(opens) if later != timeframe.close_ms(earlier)]
        if after_gaps:
            return after_gaps[-1]
        return opens[0] if self.last_ms is None and opens else None

    def begin_again(self, analyzer: KeyAnalyzer, history: list[Bar]) -> dict[int, Bar]:
        """Bring a new analyzer to where this began; what it is to take since, missed bars and its own, by open time."""
        own = {bar.open_time_ms: bar for bar in self.bars}
        first_ms = min(own, default=None)
        if self.before is None:
            analyzer.warm_up(bar for bar in history if first_ms is None or bar.open_time_ms < first_ms)
        else:
            analyzer.resume(self.before)
        last_ms = -1 if analyzer.order.last_open_ms is None else analyzer.order.last_open_ms
        return {bar.open_time_ms: bar for bar in history if bar.open_time_ms > last_ms} | own

    def configure(self, last_ms: int, packed: bytes) -> None:
        """Note a configuration; of several between two bars the last one counts."""
        if len(self.configurations) > 1 and self.configurations[-1][0] == last_ms:
            self.configurations.pop()
        self.configurations.append((last_ms, packed))

    def pack(self) -> tuple[Any, ...]:
        """Plain data."""
        bars = [tuple(bar) for bar in self.bars]
        return self.before, list(self.configurations), self.noticed, bars, list(self.sent)


def unpack_debt(packed: Any) -> Debt | None:
    """What was packed; None where there was no debt.

    Raises:
        TypeError, ValueError: it is something else.
    """
    if packed is None:
        return None
    before, configurations, noticed, bars, sent = packed
    return Debt(
        before,
        [(int(ms), unpack_configuration(packed).packed) for ms, packed in configurations],
        bool(noticed),
        [Bar(*bar) for bar in bars],
        [(int(ms), str(id_)) for ms, id_ in sent],
    )
