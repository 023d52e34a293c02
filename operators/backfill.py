"""One key's bars made complete from history: seeding, gaps, notices, new indicators, and an outage of the history."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal

from operators.analyzer import KeyAnalyzer
from operators.config_book import NewConfiguration
from operators.debt import Debt, unpack_debt
from operators.held import Held, have_arrived, pack_held, unpack_held
from operators.messages import Notice
from operators.requested import asking_for, step_between
from operators.requests import FILL_BARS, HistoryAnswer, HistoryRequest, Wake
from operators.warm_up import TIMES
from state.bar import Bar
from state.errors import WarmUpAgain
from state.snapshot import Snapshot
from strategies.configuration import Configuration, unpack_configuration
from strategies.signal import Signal

# A key that went on without its history remembers at least so many bars, and as many as it is seeded with; after that
# it is as warm as history would make it.
OWED_BARS = 1_000

Item = Held | Wake | HistoryAnswer


@dataclass(frozen=True)
class BackfillPolicy:
    """How keys are seeded and gaps filled.

    A new key gets `warm_up_bars` bars. Signals of a bar that was missed go out when it lies at most `max_age_bars`
    bars before the one that arrived. `ask` passes requests on; their answers come back as items.
    """

    ask: Callable[[HistoryRequest], None]
    warm_up_bars: int = 500
    max_age_bars: int = 1


class Backfill:
    """Feeds a key's analyzer.

    A key is seeded before its first bar: it asks for history and holds what arrives until the answer is there. So it
    does at a gap, at a notice that history has newer bars, and when a new configuration asks for indicators that take
    more bars to warm up than the key keeps. When history is away it goes on without, and when history is back, its
    state is made what it would have been.
    """

    def __init__(
        self, make: Callable[[Configuration], KeyAnalyzer], policy: BackfillPolicy, configuration: Configuration
    ) -> None:
        self.make = make
        self.policy = policy
        self.analyzer = make(configuration)
        self.asked: HistoryRequest | None = None
        self.waiting = False
        self.held: list[Held] = []
        self.triggered = False
        """Whether the first of what is held is what history was asked for."""
        self.debt: Debt | None = None
        self.thin: frozenset[str] = frozenset()
        """Indicators, by name, that were warmed up over fewer bars than it takes."""
        self.untouched = False
        """Whether all that is known came from history, unasked for: its newest bar may still be to arrive."""
        self._number = 0

    @property
    def configuration(self) -> Configuration:
        """The last one that the key was given; it may wait for history before it goes by that."""
        given = (item.configuration for item in reversed(self.held) if type(item) is NewConfiguration)
        return next(given, self.analyzer.configuration)

    @property
    def is_new(self) -> bool:
        """Whether nothing is known of the key yet."""
        return self._last_ms is None and self.debt is None

    @property
    def state(self) -> Literal["starting", "seeded", "cold"]:
        """Whether it waits for its first bars from history, has had them, or goes on without what history has."""
        if self.debt is not None or self.thin:
            return "cold"
        return "starting" if self.waiting and self.is_new else "seeded"

    def take(self, item: Item) -> list[Signal]:
        """Take what comes next for the key; the signals to send."""
        if isinstance(item, HistoryAnswer):
            return self._on_answer(item)
        if isinstance(item, Wake):
            self._wake()
        elif type(item) is NewConfiguration and not (self.waiting and self._holds_bars()):
            self._on_configuration(item)
        elif self.waiting:
            self._hold(item)
        elif type(item) is Bar:
            return self._on_bar(item)
        elif self.debt is not None:
            self.debt.noticed = True
        elif self.is_new or self.untouched:  # where it is untouched, history may have had the noticed bar by then
            self._wait(item, self._seed(None))
        else:
            self._wait(item, self._request(self._last_ms, None, FILL_BARS))
        return []

    @property
    def _last_ms(self) -> int | None:
        return self.analyzer.order.last_open_ms

    def _wake(self) -> None:
        """Be seeded; or ask again what was asked before a restart."""
        if self.asked is not None:
            self._ask(self.asked)
        elif self.is_new:
            self._wait(None, self._seed(None))
        else:
            self._ask_for_thin()

    def _hold(self, item: Held) -> None:
        """Keep an item for later; one notice after another says nothing new, unless history was asked in between."""
        untold = self.held[self.triggered :]
        if type(item) is not Notice or not untold or type(untold[-1]) is not Notice:
            self.held.append(item)

    def _holds_bars(self) -> bool:
        """Whether there are bars that a configuration which comes now is not for."""
        return not self.is_new or any(type(item) is Bar for item in self.held)

    def _on_configuration(self, item: NewConfiguration) -> None:
        """Go by another configuration from the next bar on; first ask history for what it takes to warm up."""
        analyzer, configuration, last_ms = self.analyzer, item.configuration, self._last_ms
        if self.debt is not None:
            self.debt.configure(-1 if last_ms is None else last_ms, configuration.packed)
            self._go_by(configuration, None)
        elif last_ms is None:
            self.analyzer = self._anew(configuration)
            if self.asked is not None and self.asked.limit < self.policy.warm_up_bars:
                self._ask(self.asked._replace(limit=self.policy.warm_up_bars))
        elif wanted := analyzer.bars_wanted(configuration):
            self._wait(item, self._request(None, last_ms + 1, wanted))
        else:
            self._go_by(configuration, None)

    def _go_by(self, configuration: Configuration, bars: list[Bar] | None) -> None:
        """Go by a configuration; without bars of history, what takes more than the own ones lacks them from then on."""
        analyzer = self.analyzer
        if bars is None and analyzer.bars_wanted(configuration):
            self.thin |= step_between(analyzer.configuration, configuration, analyzer.timeframe).new
        self.analyzer.reconfigure(configuration, bars or ())

    def _ask_for_thin(self) -> None:
        """Ask for the bars that indicators lack, when nothing else is asked for."""
        if not self.thin or self.asked is not None or self.debt is not None or self._last_ms is None:
            return
        _, bars = asking_for(self.thin, self.analyzer.configuration, self.analyzer.timeframe)
        if bars:
            self._ask(self._request(None, self._last_ms + 1, TIMES * bars))
        else:
            self.thin = frozenset()  # nobody reads them any more

    def _on_bar(self, bar: Bar) -> list[Signal]:
        open_ms, order = bar.open_time_ms, self.analyzer.order
        if open_ms == order.expected_ms or self.debt is not None:
            return self._analyze(bar)
        history_had_it = self.untouched and open_ms <= (order.last_open_ms or 0)
        if self.is_new or history_had_it:
            self._wait(bar, self._seed(open_ms))
        elif missing := order.missing_before(open_ms):
            self._wait(bar, self._request(order.last_open_ms, open_ms, min(missing, FILL_BARS)))
        else:
            return self._analyze(bar)
        return []

    def _analyze(self, bar: Bar) -> list[Signal]:
        """Analyze a bar that arrived; what is missing before it stays so."""
        self.untouched = False
        signals = self.analyzer.on_bar(bar)
        if self.debt is not None and self.debt.is_news(bar.open_time_ms):
            self._owe(self.debt, bar, signals)
        return signals

    def _owe(self, debt: Debt, bar: Bar, signals: list[Signal]) -> None:
        """Remember a bar, and what went out for it, until history is back."""
        open_ms = bar.open_time_ms
        debt.bars.append(bar)
        debt.sent = [sent for sent in debt.sent if self._is_recent(sent[0], open_ms)]
        debt.sent += [(open_ms, signal.signal_id) for signal in signals]
        if len(debt.bars) > max(OWED_BARS, self.policy.warm_up_bars):
            self.debt = self.asked = None
            self._ask_for_thin()

    def _anew(self, configuration: Configuration) -> KeyAnalyzer:
        """An analyzer that has seen nothing, and goes on counting."""
        analyzer = self.make(configuration)
        analyzer.tally = self.analyzer.tally
        return analyzer

    def _seed(self, before_open_ms: int | None) -> HistoryRequest:
        return self._request(None, before_open_ms, self.policy.warm_up_bars)

    def _request(self, after_open_ms: int | None, before_open_ms: int | None, limit: int) -> HistoryRequest:
        return HistoryRequest(self.analyzer.key, after_open_ms, before_open_ms, limit)

    def _wait(self, item: Held | None, request: HistoryRequest) -> None:
        self.waiting, self.triggered = True, item is not None
        self.held = [] if item is None else [item]
        self._ask(request)

    def _ask(self, request: HistoryRequest) -> None:
        self._number += 1
        self.asked = request._replace(number=self._number)
        self.policy.ask(self.asked)

    def _on_answer(self, answer: HistoryAnswer) -> list[Signal]:
        request, bars = answer
        if request != self.asked:
            return []  # of before a restart, or overtaken
        if self.waiting:
            if self.triggered and type(self.held[0]) is NewConfiguration:
                signals = self._reconfigure(self.held[0].configuration, bars)
            else:
                signals = self._go_on_without(request) if bars is None else self._go_on_with(request, bars)
        elif bars is None:
            return []
        elif self.debt is not None:
            signals = self._mend(self.debt, request, bars)
        else:
            signals = self._thicken(bars)
        if bars is not None:
            self._ask_for_thin()
        return signals

    def _thicken(self, bars: list[Bar]) -> list[Signal]:
        """Give indicators the bars that they lacked."""
        self.analyzer.warm_up_again(self.thin, bars)
        self.thin, self.asked = frozenset(), None
        return []

    def _reconfigure(self, configuration: Configuration, bars: list[Bar] | None) -> list[Signal]:
        """Go by a configuration that history was asked for, then take what was held."""
        (_, *held), self.held, self.waiting, self.asked = self.held, [], False, None
        self._go_by(configuration, bars)
        if bars is None:
            self._ask_for_thin()
        return [signal for item in held for signal in self.take(item)]

    def _go_on_with(self, request: HistoryRequest, bars: list[Bar]) -> list[Signal]:
        """History has answered: take its bars, then what was held."""
        held, triggered = self.held, self.triggered
        self.held, self.waiting, self.asked = [], False, None
        is_seed = request.after_open_ms is None
        signals: list[Signal] = []
        if is_seed:
            noticed = triggered and type(held[0]) is Notice
            if noticed and have_arrived(bars, held):
                # Bars that arrived go first, so that what they give is sent.
                held, triggered, noticed = [*held[1:], held[0]], False, False
            bars = self._warm_up(bars, noticed=noticed)
            self.untouched = not triggered and self._last_ms is not None
        if triggered:
            trigger, *held = held
            arrived = [item for item in held if type(item) is Bar]
            signals = self._fill(bars, trigger if type(trigger) is Bar else None, arrived)
        for item in held:
            signals += self.take(item)
        return signals

    def _warm_up(self, bars: list[Bar], *, noticed: bool) -> list[Bar]:
        """Begin anew from history. The rest: a notice does not bring its bars, so the newest is the one that arrived.

        Until here an untouched key keeps what it knows: history could have been away.
        """
        known = len(bars) - 1 if noticed and bars else len(bars)
        self.thin = frozenset()
        if self._last_ms is not None:
            self.analyzer = self._anew(self.analyzer.configuration)
        self.analyzer.warm_up(bars[:known])
        return bars[known:]

    def _fill(self, bars: list[Bar], trigger: Bar | None, arrived: list[Bar]) -> list[Signal]:
        """Analyze bars that were missed, then the one that arrived; the newest stands for it where it was a notice.

        Of those that were missed, the signals of recent ones go out, and of those that have arrived meanwhile.
        """
        newest_ms = max((bar.open_time_ms for bar in (*bars, trigger) if bar is not None), default=0)
        last_ms = -1 if self._last_ms is None else self._last_ms
        own = {bar.open_time_ms: bar for bar in reversed(arrived) if last_ms < bar.open_time_ms < newest_ms}
        missed = {bar.open_time_ms: bar for bar in bars}
        signals = self._analyze_missed(missed | own, newest_ms, {bar.open_time_ms for bar in arrived})
        self.analyzer.tally.filled_bars += len(missed.keys() - own.keys())
        return signals + self._analyze(trigger) if trigger is not None else signals

    def _analyze_missed(self, bars: dict[int, Bar], newest_ms: int, wanted: Collection[int]) -> list[Signal]:
        """The signals of those that are recent or wanted."""
        signals: list[Signal] = []
        for open_ms, bar in sorted(bars.items()):
            found = self.analyzer.on_bar(bar)
            if open_ms in wanted or self._is_recent(open_ms, newest_ms):
                signals += found
        return signals

    def _is_recent(self, open_ms: int, newest_ms: int) -> bool:
        ordinal = self.analyzer.timeframe.ordinal
        return ordinal(newest_ms) - ordinal(open_ms) <= self.policy.max_age_bars

    def _go_on_without(self, request: HistoryRequest) -> list[Signal]:
        """History is away: analyze what was held as it is, and remember what to make up for."""
        held, self.held, self.waiting = self.held, [], False
        before = None if request.after_open_ms is None else self.analyzer.snapshot()
        self.debt = Debt(before, [(-1, self.analyzer.configuration.packed)], noticed=False)
        return [signal for item in held for signal in self.take(item)]

    def _mend(self, debt: Debt, request: HistoryRequest, bars: list[Bar]) -> list[Signal]:
        """History is back: be as if it had never been away; of what would have been sent, send what is recent."""
        analyzer = self.analyzer
        lacking = debt.lacking(analyzer.key, analyzer.timeframe, self.policy.warm_up_bars)
        if lacking is not None and lacking != request._replace(number=lacking.number):
            self._ask(lacking)
            return []
        self.debt = self.asked = None
        # Where bars have arrived and none are missing, all is as it should be.
        signals = self._redo(debt, bars) if lacking or not debt.bars else []
        if debt.noticed:
            self.take(Notice((analyzer.symbol,), analyzer.timeframe))
        return signals

    def _redo(self, debt: Debt, bars: list[Bar]) -> list[Signal]:
        """Analyze all bars since `debt` began, those of history among them."""
        (_, first), *later = debt.configurations
        if debt.before is None:
            self.thin = frozenset()
        tally, self.analyzer = self.analyzer.tally, self.make(unpack_configuration(first))
        since = debt.begin_again(self.analyzer, bars)
        self.untouched = not since and (self._last_ms is not None if debt.before is None else self.untouched)
        newest_ms, signals = max(since, default=0), []
        for last_ms, packed in later:
            before = {open_ms: since[open_ms] for open_ms in since if open_ms <= last_ms}
            signals += self._analyze_missed(before, newest_ms, ())
            self._go_by(unpack_configuration(packed), None)
        signals += self._analyze_missed(since, newest_ms, ())
        missed = len(since) - len(debt.bars)
        tally.bars += missed
        tally.filled_bars += missed
        self.analyzer.tally = tally
        sent = {signal_id for _, signal_id in debt.sent}
        return [signal for signal in signals if signal.signal_id not in sent]

    def snapshot(self) -> Snapshot:
        """Plain versioned data: the analyzer's, and what is waited for or owed."""
        snapshot = self.analyzer.snapshot()
        if self.asked is not None or self.untouched or self.thin:
            snapshot["backfill"] = {
                "asked": None if self.asked is None else tuple(self.asked)[1:],
                "waiting": self.waiting,
                "held": [pack_held(item) for item in self.held],
                "triggered": self.triggered,
                "debt": None if self.debt is None else self.debt.pack(),
                "untouched": self.untouched,
                "thin": sorted(self.thin),
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
        try:
            self._load(content)
        except (KeyError, TypeError, ValueError) as error:
            raise WarmUpAgain(f"the snapshot is damaged: {type(error).__name__}: {error}") from error
        if self.debt is not None and self.debt.before is not None:
            self.make(self.analyzer.configuration).resume(self.debt.before)  # now rather than when history is back

    def _load(self, content: Snapshot) -> None:
        if content["asked"] is not None:
            self.asked = HistoryRequest(self.analyzer.key, *content["asked"])
            self._number = self.asked.number
        notice = Notice((self.analyzer.symbol,), self.analyzer.timeframe)
        self.held = [unpack_held(packed, notice) for packed in content["held"]]
        self.waiting, self.triggered = bool(content["waiting"]), bool(content["triggered"])
        self.untouched = bool(content["untouched"])
        self.debt = unpack_debt(content["debt"])
        self.thin = frozenset(map(str, content["thin"]))
