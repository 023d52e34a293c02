"""One key at work: bars in, signals out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from math import inf
from typing import Any

from operators.emission import Emission
from operators.order import Arrival, BarOrder
from operators.tally import Tally
from operators.times import format_time
from state.bar import Bar
from state.errors import WarmUpAgain
from state.indicator_set import IndicatorSet
from state.key import split_key
from state.snapshot import Snapshot, seal, unseal
from strategies.base import Strategy
from strategies.configuration import Configuration
from strategies.registry import STRATEGIES
from strategies.setup import Setup
from strategies.signal import (
    NOMINAL_QUANTITY,
    SOURCE,
    AppliedConfig,
    Signal,
    SignalMetadata,
    signal_id_of,
    strength_of,
)

log = logging.getLogger(__name__)


class KeyAnalyzer:
    """Runs every enabled strategy over the bars of one key.

    Deterministic: the same bars and configuration give the same signals, bit by bit, whether or not a snapshot
    was taken and gone on from in between.
    """

    def __init__(self, key: str, configuration: Configuration) -> None:
        self.key = key
        self.symbol, self.timeframe = split_key(key)
        self.indicators = IndicatorSet(self.timeframe)
        self.order = BarOrder(self.timeframe)
        self.bars_seen = 0
        self.tally = Tally(key)
        self.strategies: dict[str, Strategy[Any]] = {}
        self.emissions: dict[str, Emission] = {}
        self.applied: dict[str, AppliedConfig] = {}
        for strategy_id, config in configuration.strategies.items():
            parameters = config.parameters
            self.strategies[strategy_id] = STRATEGIES[strategy_id](parameters, self.indicators)
            self.emissions[strategy_id] = Emission(configuration.engine, parameters.min_data_points)
            self.applied[strategy_id] = config.applied
        self._setups = [strategy.setup for strategy in self.strategies.values()]
        self._holding = list(range(len(self._setups)))  # those that may have held a setup on the bar before
        self._slots = list(zip(self.strategies.values(), self.emissions.values(), strict=True))

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
            if self.order.see(bar.open_time_ms) not in (Arrival.NEXT, Arrival.AFTER_GAP):
                continue
            if last is not None:
                self.indicators.update(last)
                self.bars_seen += 1
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
        return arrival in (Arrival.NEXT, Arrival.AFTER_GAP)

    def _count(self, bar: Bar) -> None:
        tally = self.tally
        tally.bars += 1
        tally.last_close_ms = self.order.expected_ms
        if tally.first_open_ms is None:
            tally.first_open_ms = bar.open_time_ms

    def _analyze(self, bar: Bar, *, emit: bool) -> list[Signal]:
        self.indicators.update(bar)
        self.bars_seen = bars_seen = self.bars_seen + 1
        try:
            setups = [setup_of() for setup_of in self._setups]
        except Exception:  # noqa: BLE001  # looked into one by one; setups change nothing, so asking again is safe
            setups = [self._setup_or_none(strategy, bar) for strategy in self.strategies.values()]
        for index in self._holding:
            if setups[index] is None:
                self._slots[index][1].held = None
        self._holding = [index for index, setup in enumerate(setups) if setup is not None]
        signals: list[Signal] = []
        for index in self._holding:
            strategy, emission = self._slots[index]
            setup = setups[index]
            if setup is not None and emission.begins(setup, bars_seen, emit=emit):
                signals.append(self._signal(bar, strategy, setup))
        return signals

    def _setup_or_none(self, strategy: Strategy[Any], bar: Bar) -> Setup | None:
        """A strategy's setup; its error costs it this bar, is counted and logged, and touches nothing else."""
        try:
            return strategy.setup()
        except Exception:
            errors = self.tally.strategy_errors
            errors[strategy.id] = errors.get(strategy.id, 0) + 1
            log.exception("strategy %s failed on %s at %d", strategy.id, self.key, bar.open_time_ms)
            return None

    def _signal(self, bar: Bar, strategy: Strategy[Any], setup: Setup) -> Signal:
        action, confidence, price, stop, target = setup
        confidence = min(1.0, max(0.0, confidence))
        symbol, timeframe, strategy_id, open_time_ms = self.symbol, self.timeframe, strategy.id, bar.open_time_ms
        reward = None if stop is None or target is None else abs(target - price) / abs(price - stop)
        reward = None if reward == inf else reward
        return Signal(
            signal_id=signal_id_of(strategy_id, symbol, timeframe.name, open_time_ms, action),
            strategy_id=strategy_id,
            strategy=strategy_id,
            source=SOURCE,
            symbol=symbol,
            action=action,
            confidence=confidence,
            strength=strength_of(confidence),
            price=price,
            current_price=bar.close,
            quantity=NOMINAL_QUANTITY,
            stop_loss=stop,
            take_profit=target,
            timeframe=timeframe.name,
            timestamp=format_time(timeframe.close_ms(open_time_ms)),
            indicators=strategy.indicators(),
            metadata=SignalMetadata(format_time(open_time_ms), reward, self.applied[strategy_id]),
        )

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
                "indicators": self.indicators.dump(),
                "emissions": {strategy_id: emission.dump() for strategy_id, emission in self.emissions.items()},
            }
        )

    def resume(self, snapshot: Any) -> None:
        """Go on from a snapshot; on an error the analyzer is half loaded and must be thrown away.

        Raises:
            WarmUpAgain: the snapshot is of another version, or of a configuration that asked for other indicators.
        """
        content = unseal(snapshot)
        try:
            last_open_ms = content["last_open_ms"]  # None before the first bar
            self.order = BarOrder(self.timeframe, None if last_open_ms is None else _whole_number(last_open_ms))
            self.bars_seen = _whole_number(content["bars_seen"])
            self.tally = Tally(**content["tally"])
            self.indicators.load(content["indicators"])
            for strategy_id, emission in self.emissions.items():
                emission.load(content["emissions"][strategy_id])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise WarmUpAgain(f"the snapshot is damaged: {type(error).__name__}: {error}") from error


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
