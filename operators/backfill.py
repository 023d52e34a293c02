"""One key's bars made complete from history: seeding, gaps, notices, and an outage of the history."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from operators.analyzer import KeyAnalyzer
from operators.messages import Notice
from state.bar import Bar
from state.errors import WarmUpAgain
from state.snapshot import Snapshot
from strategies.signal import Signal

# More bars than this are never read to fill one gap: the newest of them are.
FILL_BARS = 20_000

# A key that went on without its history remembers so many bars; after that it is as warm as history would make it.
OWED_BARS = 1_000


class Wake(NamedTuple):
    """The flow has started, and this key is to be ready before its first bar."""


class Leave(NamedTuple):
    """The key is not analyzed any more."""


class HistoryRequest(NamedTuple):
    """Asks for the newest `limit` bars of `key` that open between two times, both excluded; None is no bound."""

    key: str
    after_open_ms: int | None
    before_open_ms: int | None
    limit: int


class HistoryAnswer(NamedTuple):
    """What history has, the oldest first; None when it is away: then the same request is answered again later."""

    request: HistoryRequest
    bars: list[Bar] | None


Item = Bar | Notice | Wake | HistoryAnswer


@dataclass(frozen=True)
class BackfillPolicy:
    """How keys are seeded and gaps filled.

    A new key gets `warm_up_bars` bars. Signals of a bar that was missed go out when it lies at most `max_age_bars`
    bars before the one that arrived. `ask` passes requests on; their answers come back as items.
    """

    ask: Callable[[HistoryRequest], None]
    warm_up_bars: int = 500
    max_age_bars: int = 1


@dataclass
class Debt:
    """What a key that went on without its history needs to make up for it: its state before, and its bars since.

    `noticed` when there are bars in history that will not arrive.
    """

    before: Snapshot | None
    noticed: bool
    bars: list[Bar] = field(default_factory=list)


class Backfill:
    """Feeds a key's analyzer.

    A key is seeded before its first bar: it asks for history and holds what arrives until the answer is there. So it
    does at a gap, and at a notice that history has newer bars. When history is away it goes on without, and when
    history is back, its state is made what it would have been.
    """

    def __init__(self, make: Callable[[], KeyAnalyzer], policy: BackfillPolicy) -> None:
        self.make = make
        self.policy = policy
        self.analyzer = make()
        self.asked: HistoryRequest | None = None
        self.waiting = False
        self.held: list[Bar | Notice] = []
        self.debt: Debt | None = None
        self.untouched = False
        """Whether all that is known came from history, unasked for: its newest bar may still be to arrive."""

    @property
    def is_new(self) -> bool:
        """Whether nothing is known of the key yet."""
        return self.analyzer.order.last_open_ms is None and self.debt is None

    @property
    def state(self) -> Literal["starting", "seeded", "cold"]:
        """Whether it waits for its first bars from history, has had them, or goes on without what history has."""
        if self.debt is not None:
            return "cold"
        return "starting" if self.waiting and self.is_new else "seeded"

    def take(self, item: Item) -> list[Signal]:
        """Take what comes next for the key; the signals to send."""
        if isinstance(item, HistoryAnswer):
            return self._on_answer(item)
        if isinstance(item, Wake):
            self._wake()
            return []
        if self.waiting:
            self.held.append(item)
            return []
        if type(item) is Bar:
            return self._on_bar(item)
        if self.debt is not None:
            self.debt.noticed = True
        else:
            self._wait(item, self._seed(None) if self.is_new else self._request(self._last_ms, None, FILL_BARS))
        return []

    @property
    def _last_ms(self) -> int | None:
        return self.analyzer.order.last_open_ms

    def _wake(self) -> None:
        """Be seeded; or ask again what was asked before a restart."""
        if self.asked is not None:
            self.policy.ask(self.asked)
        elif self.is_new:
            self._wait(None, self._seed(None))

    def _on_bar(self, bar: Bar) -> list[Signal]:
        open_ms, order = bar.open_time_ms, self.analyzer.order
        if open_ms == order.expected_ms:
            return self._analyze(bar)
        if self.untouched and open_ms <= (order.last_open_ms or 0):
            self.analyzer, self.untouched = self._anew(), False  # history had this bar before it arrived
        if self.is_new:
            self._wait(bar, self._seed(open_ms))
            return []
        missing = order.missing_before(open_ms)
        if missing and self.debt is None:
            self._wait(bar, self._request(order.last_open_ms, open_ms, min(missing, FILL_BARS)))
            return []
        return self._analyze(bar)

    def _analyze(self, bar: Bar) -> list[Signal]:
        """Analyze a bar that arrived; what is missing before it stays so."""
        self.untouched = False
        signals = self.analyzer.on_bar(bar)
        if self.debt is not None and self._last_ms == bar.open_time_ms:
            self.debt.bars.append(bar)
            if len(self.debt.bars) > OWED_BARS:
                self.debt = self.asked = None
        return signals

    def _anew(self) -> KeyAnalyzer:
        """An analyzer that has seen nothing, and goes on counting."""
        analyzer = self.make()
        analyzer.tally = self.analyzer.tally
        return analyzer

    def _seed(self, before_open_ms: int | None) -> HistoryRequest:
        return self._request(None, before_open_ms, self.policy.warm_up_bars)

    def _request(self, after_open_ms: int | None, before_open_ms: int | None, limit: int) -> HistoryRequest:
        return HistoryRequest(self.analyzer.key, after_open_ms, before_open_ms, limit)

    def _wait(self, item: Bar | Notice | None, request: HistoryRequest) -> None:
        self.waiting = True
        self.held = [] if item is None else [item]
        self._ask(request)

    def _ask(self, request: HistoryRequest) -> None:
        self.asked = request
        self.policy.ask(request)

    def _on_answer(self, answer: HistoryAnswer) -> list[Signal]:
        if answer.request != self.asked:
            return []  # of before a restart, or overtaken
        if not self.waiting:
            return [] if answer.bars is None else self._mend(answer.bars)
        if answer.bars is None:
            return self._go_on_without()
        return self._go_on_with(answer.bars)

    def _go_on_with(self, bars: list[Bar]) -> list[Signal]:
        """History has answered: take its bars, then what was held."""
        first = next((item for item in self.held if type(item) is Bar), None)
        if self.is_new:
            if first is not None and bars and bars[-1].open_time_ms >= first.open_time_ms:
                self._ask(self._seed(first.open_time_ms))  # it arrived while history was asked
                return []
            # A notice does not bring the bars it is about: the newest is the one that arrived.
            known = len(bars) if first is not None or not self.held else len(bars) - 1
            self.analyzer.warm_up(bars[:known])
            self.untouched = not self.held
            bars = bars[known:]
        held, self.held, self.waiting, self.asked = self.held, [], False, None
        arrived = {item.open_time_ms for item in held if type(item) is Bar}
        if not held:
            return []
        first_held, *rest = held
        if type(first_held) is Bar:
            signals = self._fill(bars, first_held.open_time_ms, arrived) + self._analyze(first_held)
        else:
            signals = self._fill(bars, bars[-1].open_time_ms if bars else 0, arrived)
        for item in rest:
            signals += self.take(item)
        return signals

    def _fill(self, bars: Iterable[Bar], newest_ms: int, arrived: set[int]) -> list[Signal]:
        """Analyze bars that were missed; the signals of those that are recent enough, or have arrived as well."""
        signals: list[Signal] = []
        for bar in bars:
            found = self.analyzer.on_bar(bar)
            self.analyzer.tally.filled_bars += 1
            if bar.open_time_ms in arrived or self._is_recent(bar, newest_ms):
                signals += found
        return signals

    def _is_recent(self, bar: Bar, newest_ms: int) -> bool:
        ordinal = self.analyzer.timeframe.ordinal
        return ordinal(newest_ms) - ordinal(bar.open_time_ms) <= self.policy.max_age_bars

    def _go_on_without(self) -> list[Signal]:
        """History is away: analyze what was held as it is, and remember what to make up for."""
        held, self.held, self.waiting = self.held, [], False
        bars = [item for item in held if type(item) is Bar]
        self.debt = Debt(None if self.is_new else self.analyzer.snapshot(), noticed=len(bars) < len(held))
        return [signal for bar in bars for signal in self._analyze(bar)]

    def _mend(self, bars: list[Bar]) -> list[Signal]:
        """History is back: be as if it had never been away; of what would have been sent, send what is recent."""
        debt = self.debt
        if debt is None:
            return []
        missing = self._missing(debt)
        if missing is not None and missing != self.asked:
            self._ask(missing)
            return []
        self.debt = self.asked = None
        analyzer, own = self._before(debt), {bar.open_time_ms: bar for bar in debt.bars}
        first_ms = debt.bars[0].open_time_ms if debt.bars else None
        if debt.before is None:
            analyzer.warm_up(bar for bar in bars if first_ms is None or bar.open_time_ms < first_ms)
            self.untouched = first_ms is None
        last_ms = analyzer.order.last_open_ms
        history = {bar.open_time_ms: bar for bar in bars if last_ms is None or bar.open_time_ms > last_ms}
        merged = sorted((history | own).values())
        signals: list[Signal] = []
        for bar in merged:
            found = analyzer.on_bar(bar)
            if self._is_recent(bar, merged[-1].open_time_ms):
                signals += found
        analyzer.tally = self.analyzer.tally
        analyzer.tally.filled_bars += len(merged) - len(own)
        self.analyzer = analyzer
        if debt.noticed:
            self.take(Notice((analyzer.symbol,), analyzer.timeframe))
        return signals

    def _missing(self, debt: Debt) -> HistoryRequest | None:
        """All that `debt` lacks: what was asked for first, and what bars since then were missing."""
        if not debt.bars:
            return None
        close_ms = self.analyzer.timeframe.close_ms
        opens = [bar.open_time_ms for bar in debt.bars]
        after_gaps = [opens[0], *(b for a, b in pairwise(opens) if b != close_ms(a))]
        if debt.before is not None:
            after_ms: int = debt.before["last_open_ms"]
            return self._request(after_ms, after_gaps[-1], min(self._bars_from(after_ms, after_gaps[-1]), FILL_BARS))
        limit = self.policy.warm_up_bars + self._bars_from(opens[0], after_gaps[-1])
        return self._request(None, after_gaps[-1], limit)

    def _bars_from(self, start_ms: int, end_ms: int) -> int:
        ordinal = self.analyzer.timeframe.ordinal
        return ordinal(end_ms) - ordinal(start_ms)

    def _before(self, debt: Debt) -> KeyAnalyzer:
        analyzer = self.make()
        if debt.before is not None:
            analyzer.resume(debt.before)
        return analyzer

    def snapshot(self) -> Snapshot:
        """Plain versioned data: the analyzer's, and what is waited for or owed."""
        snapshot = self.analyzer.snapshot()
        if self.asked is not None or self.debt is not None or self.untouched:
            snapshot["backfill"] = {
                "asked": None if self.asked is None else tuple(self.asked)[1:],
                "waiting": self.waiting,
                "held": [tuple(item) if type(item) is Bar else None for item in self.held],
                "debt": None if self.debt is None else _packed(self.debt),
                "untouched": self.untouched,
            }
        return snapshot

    def resume(self, snapshot: Any) -> None:
        """Go on from a snapshot; `Wake` then asks again what was asked.

        Raises:
            WarmUpAgain: the snapshot cannot be used; this is half loaded and must be thrown away.
        """
        self.analyzer.resume(snapshot)
        content = snapshot.get("backfill")
        if content is None:
            return
        key, timeframe = self.analyzer.key, self.analyzer.timeframe
        try:
            self.asked = None if content["asked"] is None else HistoryRequest(key, *content["asked"])
            self.waiting, self.untouched = bool(content["waiting"]), bool(content["untouched"])
            notice = Notice((self.analyzer.symbol,), timeframe)
            self.held = [notice if item is None else Bar(*item) for item in content["held"]]
            if content["debt"] is not None:
                before, noticed, bars = content["debt"]
                self.debt = Debt(before, bool(noticed), [Bar(*bar) for bar in bars])
        except (KeyError, TypeError, ValueError) as error:
            raise WarmUpAgain(f"the snapshot is damaged: {type(error).__name__}: {error}") from error


def _packed(debt: Debt) -> tuple[Snapshot | None, bool, list[tuple[float, ...]]]:
    return debt.before, debt.noticed, [tuple(bar) for bar in debt.bars]
