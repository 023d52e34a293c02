"""One key at work: bars in, signals out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import chain
from typing import Any

from operators.emission import Emission
from operators.making import signal_of
from operators.order import IN_ORDER, Arrival, BarOrder
from operators.requested import Step, asking_for, step_between, warmed_up
from operators.tally import Tally
from operators.warm_up import TIMES
from operators.work import MOST_NOTED, Work
from state.bar import Bar
from state.bar_window import BarWindow
from state.errors import WarmUpAgain
from state.indicator_set import IndicatorSet
from state.key import split_key
from state.snapshot import Snapshot, seal, unseal
from strategies.base import Strategy
from strategies.configuration import Configuration, unpack_configuration
from strategies.registry import STRATEGIES
from strategies.setup import Setup
from strategies.signal import (
    AppliedConfig,
    Signal,
)

log = logging.getLogger(__name__)


class KeyAnalyzer:
    """Runs every enabled strategy over the bars of one key.

    Deterministic: the same bars and configuration give the same signals, bit by bit, whether or not a snapshot
    was taken and gone on from in between. What it does is counted in `work`, which several analyzers may share.
    """

    def __init__(self, key: str, configuration: Configuration, keep_bars: int = 0, work: Work | None = None) -> None:
        self.key = key
        self.symbol, self.timeframe = split_key(key)
        self.configuration = configuration
        self.indicators = IndicatorSet(self.timeframe)
        self.order = BarOrder(self.timeframe)
        self.bars_seen = 0
        self.tally = Tally(key)
        self.work = Work() if work is None else work
        self.recent = BarWindow(keep_bars) if keep_bars else None
        self.strategies: dict[str, Strategy[Any]] = {}
        self.emissions: dict[str, Emission] = {}
        """Of disabled strategies too: a cooldown outlives that."""
        self._strategies_on(self.indicators, configuration)
        self._configure(configuration)

    def _strategies_on(self, indicators: IndicatorSet, configuration: Configuration) -> None:
        """Have all enabled strategies, reading from `indicators`."""
        self.indicators = indicators
        self.strategies = {
            strategy_id: STRATEGIES[strategy_id](config.parameters, indicators)
            for strategy_id, config in configuration.strategies.items()
        }

    def _configure(self, configuration: Configuration) -> None:
        """Go by `configuration`, with the strategies that there are."""
        self.configuration = configuration
        self.applied: dict[str, AppliedConfig] = {}
        for strategy_id, config in configuration.strategies.items():
            self.applied[strategy_id] = config.applied
            least = config.parameters.min_data_points
            if strategy_id in self.emissions:
                self.emissions[strategy_id].configure(configuration.engine, least)
            else:
                self.emissions[strategy_id] = Emission(configuration.engine, least)
        for strategy_id in self.emissions.keys() - self.strategies.keys():
            self.emissions[strategy_id].held = None
        self._asked = self.work.of(tuple(self.strategies))
        self._setups = [strategy.setup for strategy in self.strategies.values()]
        self._holding = list(range(len(self._setups)))  # those that may have held a setup on the bar before
        self._slots = [(strategy, self.emissions[strategy_id]) for strategy_id, strategy in self.strategies.items()]

    def bars_wanted(self, configuration: Configuration) -> int:
        """How many of its latest bars `reconfigure` is to be given: 0 where those that it keeps are enough."""
        step = step_between(self.configuration, configuration, self.timeframe)
        if not step.lacking or self.order.last_open_ms is None:
            return 0
        wanted = TIMES * step.bars
        return wanted if self.recent is None or wanted > len(self.recent) else 0

    def reconfigure(self, configuration: Configuration, bars: Iterable[Bar] = ()) -> None:
        """Go by another configuration from the next bar on.

        Indicators that nobody asked for before are warmed up over `bars`, the latest there are, and those that the
        analyzer keeps; nothing is emitted for them. What both configurations ask for goes on as it is, and so does
        what strategies held and emitted. A strategy that was not enabled before holds what it would have held.
        """
        before = self.configuration
        step = step_between(before, configuration, self.timeframe)
        if step.same_requests and before.strategies.keys() == configuration.strategies.keys():
            for strategy_id in step.changed:
                parameters = configuration.strategies[strategy_id].parameters
                self.strategies[strategy_id] = STRATEGIES[strategy_id](parameters, self.indicators)
        else:
            self._rebuild(configuration, step, bars)
        self._configure(configuration)
        if self.bars_seen:
            for strategy_id in configuration.strategies.keys() - before.strategies.keys():
                self._hold(strategy_id)

    def warm_up_again(self, names: frozenset[str], bars: Iterable[Bar]) -> None:
        """Warm up anew what has these names: there are more bars than there were."""
        kinds, _ = asking_for(names, self.configuration, self.timeframe)
        if kinds:
            self.indicators.take_over(warmed_up(kinds, self.timeframe, self._latest(bars)), names)

    def _rebuild(self, configuration: Configuration, step: Step, bars: Iterable[Bar]) -> None:
        """Have a set of what is asked for now, which goes on from the one there was."""
        old, new = self.indicators, IndicatorSet(self.timeframe)
        self._strategies_on(new, configuration)
        if step.lacking:
            new.take_over(warmed_up(step.lacking, self.timeframe, self._latest(bars)))
        new.take_over(old)

    def _latest(self, bars: Iterable[Bar]) -> Iterable[Bar]:
        """Those of `bars` up to the last one that was analyzed, and the own ones."""
        own = self.recent.bars() if self.recent is not None else []
        own_from_ms = own[0].open_time_ms if own else (self.order.last_open_ms or 0) + 1
        return chain((bar for bar in bars if bar.open_time_ms < own_from_ms), own)

    def _hold(self, strategy_id: str) -> None:
        """Have a strategy hold what it says of the last bar."""
        setup = self._setup_or_none(self.strategies[strategy_id], self.order.last_open_ms or 0)
        if setup is not None:
            self.emissions[strategy_id].begins(setup, self.bars_seen, emit=False)

    def on_bar(self, bar: Bar, *, emit: bool = True) -> list[Signal]:
        """Take the next bar that arrives; repeated ones and ones out of order are dropped and counted.

        Without `emit` the bar only warms the state.
        """
        if bar.open_time_ms == self.order.expected_ms:
            self.order.advance(bar.open_time_ms)
        elif not self._follows(bar):
            return []
        if emit:
            self._count(bar)
        else:
            self.tally.warm_up_bars += 1
        return self._analyze(bar, emit=emit)

    def warm_up(self, bars: Iterable[Bar]) -> None:
        """Take bars from history: they warm the state and emit nothing.

        All that setups leave behind is what was held on the last bar, so they are only looked for there: a third of
        the time.
        """
        last: Bar | None = None
        for bar in bars:
            if self.order.see(bar.open_time_ms) not in IN_ORDER:
                continue
            if last is not None:
                self._see(last)
            last = bar
        if last is not None:
            self._analyze(last, emit=False)

    def _follows(self, bar: Bar) -> bool:
        """Whether a bar that is not the expected one is to be analyzed; what it is gets counted."""
        tally, missing = self.tally, self.order.missing_before(bar.open_time_ms)
        arrival = self.order.see(bar.open_time_ms)
        if arrival is Arrival.REPEATED:
            tally.repeated += 1
        elif arrival is Arrival.OUT_OF_ORDER:
            tally.out_of_order += 1
        elif arrival is Arrival.AFTER_GAP:
            tally.gaps += 1
            tally.missing_bars += missing
        return arrival in IN_ORDER

    def _count(self, bar: Bar) -> None:
        tally = self.tally
        tally.bars += 1
        tally.last_close_ms = self.order.expected_ms
        if tally.first_open_ms is None:
            tally.first_open_ms = bar.open_time_ms

    def _see(self, bar: Bar) -> None:
        self.indicators.update(bar)
        self.bars_seen += 1
        if self.recent is not None:
            self.recent.append(bar)

    def _analyze(self, bar: Bar, *, emit: bool) -> list[Signal]:
        self._see(bar)
        bars_seen = self.bars_seen
        try:
            setups = [setup_of() for setup_of in self._setups]
        except Exception:  # noqa: BLE001  # looked into one by one; setups change nothing, so asking again is safe
            setups = [self._setup_or_none(strategy, bar.open_time_ms) for strategy in self.strategies.values()]
        for index in self._holding:
            if setups[index] is None:
                self._slots[index][1].held = None
        self._holding = [index for index, setup in enumerate(setups) if setup is not None]
        noted = self._asked.noted
        noted.append(self._holding)
        if len(noted) >= MOST_NOTED:
            self._asked.count()
        signals: list[Signal] = []
        for index in self._holding:
            strategy, emission = self._slots[index]
            setup = setups[index]
            if setup is not None and emission.begins(setup, bars_seen, emit=emit):
                signals.append(signal_of(self.symbol, self.timeframe, bar, strategy, setup, self.applied[strategy.id]))
        return signals

    def _setup_or_none(self, strategy: Strategy[Any], open_time_ms: int) -> Setup | None:
        """A strategy's setup; its error costs it this bar, is counted and logged, and touches nothing else."""
        try:
            return strategy.setup()
        except Exception:
            errors = self.tally.strategy_errors
            errors[strategy.id] = errors.get(strategy.id, 0) + 1
            about = {"strategy": strategy.id, "key": self.key, "open_time_ms": open_time_ms}
            log.exception("strategy %s failed on %s at %d", *about.values(), extra=about)
            return None

    def take_tally(self) -> Tally:
        """What happened since the last call."""
        tally, self.tally = self.tally, Tally(self.key)
        return tally

    def snapshot(self) -> Snapshot:
        """Everything that `resume` needs to go on exactly from here."""
        return seal(
            {
                "last_open_ms": self.order.last_open_ms,
                "bars_seen": self.bars_seen,
                "tally": self.tally.as_dict(),
                "configuration": self.configuration.packed,
                "recent": None if self.recent is None else self.recent.dump(),
                "indicators": self.indicators.dump(),
                "emissions": {strategy_id: emission.dump() for strategy_id, emission in self.emissions.items()},
            }
        )

    def resume(self, snapshot: Any) -> None:
        """Go on from a snapshot, with the configuration that it was taken with.

        Raises:
            WarmUpAgain: the snapshot is of another version, damaged, or of a configuration that is not possible any
                more; the analyzer is half loaded then and must be thrown away.
        """
        content = unseal(snapshot)
        try:
            last_open_ms = content["last_open_ms"]  # None before the first bar
            self.order = BarOrder(self.timeframe, None if last_open_ms is None else _whole_number(last_open_ms))
            self.bars_seen = _whole_number(content["bars_seen"])
            self.tally = Tally(**content["tally"])
            self._become(unpack_configuration(content["configuration"]))
            self.indicators.load(content["indicators"])
            if self.recent is not None and content["recent"] is not None:
                self.recent.load(content["recent"])
            for strategy_id in content["emissions"].keys() | self.strategies.keys():
                self._emission_of(strategy_id).load(content["emissions"][strategy_id])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WarmUpAgain(f"the snapshot is damaged: {type(error).__name__}: {error}") from error

    def _become(self, configuration: Configuration) -> None:
        """Begin with another configuration than was given."""
        if configuration.packed != self.configuration.packed:
            self.emissions = {}
            self._strategies_on(IndicatorSet(self.timeframe), configuration)
            self._configure(configuration)

    def _emission_of(self, strategy_id: str) -> Emission:
        """The emission of an enabled strategy, or of one that is disabled."""
        if strategy_id not in self.emissions:
            self.emissions[strategy_id] = Emission(self.configuration.engine, 1)
        return self.emissions[strategy_id]


def split_tally(snapshot: Any) -> tuple[Snapshot, Tally]:
    """A snapshot without what it counted, and that.

    Raises:
        WarmUpAgain: the snapshot is of another version, or damaged.
    """
    content = unseal(snapshot)
    try:
        tally = Tally(**content["tally"])
    except (KeyError, TypeError) as error:
        raise WarmUpAgain(f"the snapshot is damaged: {type(error).__name__}: {error}") from error
    return {**content, "tally": Tally(tally.key).as_dict()}, tally


def _whole_number(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"expected a whole number, got {value!r:.40}")
    return value
