"""One key at work: bars in, signals out."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from operators.emission import Emission
from operators.order import Arrival, BarOrder
from operators.tally import Tally
from state.bar import Bar
from state.errors import WarmUpAgain
from state.indicator_set import IndicatorSet
from state.key import split_key
from state.snapshot import Snapshot, seal, unseal
from strategies.base import Strategy
from strategies.configuration import Configuration
from strategies.registry import STRATEGIES
from strategies.setup import Setup
from strategies.signal import AppliedConfig, Signal, SignalMetadata, signal_id_of, strength_of

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
        self._work = [
            (strategy.setup, strategy, self.emissions[strategy_id]) for strategy_id, strategy in self.strategies.items()
        ]

    def on_bar(self, bar: Bar, *, emit: bool = True) -> list[Signal]:
        """Take the next bar that arrives; repeated ones and ones out of order are dropped and counted.

        Without `emit` the bar only warms the state.
        """
        arrival = self._count(bar, emit=emit)
        if arrival is Arrival.REPEATED or arrival is Arrival.OUT_OF_ORDER:
            return []
        return self._analyze(bar, emit=emit)

    def warm_up(self, bars: Iterable[Bar]) -> None:
        """Take bars from history: they warm the state and emit nothing."""
        for bar in bars:
            if self.order.see(bar.open_time_ms) in (Arrival.NEXT, Arrival.AFTER_GAP):
                self._analyze(bar, emit=False)

    def _count(self, bar: Bar, *, emit: bool) -> Arrival:
        tally = self.tally
        missing = self.order.missing_before(bar.open_time_ms)
        arrival = self.order.see(bar.open_time_ms)
        if arrival is Arrival.REPEATED:
            tally.repeated += 1
        elif arrival is Arrival.OUT_OF_ORDER:
            tally.out_of_order += 1
        else:
            if emit:
                tally.bars += 1
                tally.last_close_ms = self.order.expected_ms
                if tally.first_open_ms is None:
                    tally.first_open_ms = bar.open_time_ms
            else:
                tally.warm_up_bars += 1
            if arrival is Arrival.AFTER_GAP:
                tally.gaps += 1
                tally.missing_bars += missing
        return arrival

    def _analyze(self, bar: Bar, *, emit: bool) -> list[Signal]:
        self.indicators.update(bar)
        self.bars_seen = bars_seen = self.bars_seen + 1
        signals: list[Signal] = []
        for setup_of, strategy, emission in self._work:
            try:
                setup = setup_of()
                if setup is None:
                    emission.held = None
                elif emission.begins(setup, bars_seen, emit=emit):
                    signals.append(self._signal(bar, strategy, setup))
            except Exception:  # noqa: BLE001  # a strategy's error costs that strategy that bar, and nothing else
                self._report_error(strategy.id, bar)
                emission.held = None
        return signals

    def _report_error(self, strategy_id: str, bar: Bar) -> None:
        errors = self.tally.strategy_errors
        errors[strategy_id] = errors.get(strategy_id, 0) + 1
        log.exception("strategy %s failed on %s at %d", strategy_id, self.key, bar.open_time_ms)

    def _signal(self, bar: Bar, strategy: Strategy[Any], setup: Setup) -> Signal:
        open_time = datetime.fromtimestamp(bar.open_time_ms / 1000, UTC)
        confidence = min(1.0, max(0.0, setup.confidence))
        return Signal(
            signal_id=signal_id_of(strategy.id, self.symbol, self.timeframe.name, open_time, setup.action),
            strategy_id=strategy.id,
            strategy=strategy.id,
            symbol=self.symbol,
            action=setup.action,
            confidence=confidence,
            strength=strength_of(confidence),
            price=setup.price,
            current_price=bar.close,
            stop_loss=setup.stop,
            take_profit=setup.target,
            timeframe=self.timeframe.name,
            timestamp=datetime.fromtimestamp(self.timeframe.close_ms(bar.open_time_ms) / 1000, UTC),
            indicators=strategy.indicators(),
            metadata=SignalMetadata(
                bar_open_time=open_time,
                risk_reward_ratio=_risk_reward_ratio(setup),
                strategy_config=self.applied[strategy.id],
            ),
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
            self.order = BarOrder(self.timeframe, content["last_open_ms"])
            self.bars_seen = content["bars_seen"]
            self.indicators.load(content["indicators"])
            for strategy_id, emission in self.emissions.items():
                emission.load(content["emissions"][strategy_id])
        except (KeyError, TypeError, ValueError) as error:
            raise WarmUpAgain(f"the snapshot lacks {error}") from error


def _risk_reward_ratio(setup: Setup) -> float | None:
    if setup.stop is None or setup.target is None:
        return None
    return abs(setup.target - setup.price) / abs(setup.price - setup.stop)
