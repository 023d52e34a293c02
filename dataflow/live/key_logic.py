"""The stateful step of the live flow: a key's analyzer, fed with what arrives and with what history has."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from bytewax.operators import StatefulBatchLogic

from dataflow.config.here import ConfigHere, Probe
from dataflow.live import counts
from dataflow.live.key_groups import KeyNow
from dataflow.tracing.traces import FlowTraces
from operators.analyzer import KeyAnalyzer
from operators.backfill import Backfill, BackfillPolicy, Item
from operators.config_book import NewConfiguration
from operators.requests import Leave, Wake
from operators.tally import Tally
from operators.timeline import Timeline
from operators.warm_up import bars_to_seed
from operators.work import Work
from state.errors import WarmUpAgain
from state.key import split_key
from state.snapshot import Snapshot
from strategies.configuration import Configuration
from strategies.signal import Signal

log = logging.getLogger(__name__)


# Enough for all default indicators to be defined, where history knows nothing of a key.
OWN_BARS = 300

_ForKey = Item | Leave | Probe
KeyItem = tuple[str, _ForKey] | tuple[str, _ForKey, int] | tuple[str, _ForKey, int, str]
"""A key, what is for it; for what came as a message, when (ns) that was stored; where it is traced, in which trace."""


@dataclass(frozen=True)
class LiveAnalysis:
    """What every key is analyzed with.

    Keys are seeded with the policy's bars, and with more where indicators need more. Keys that come with a snapshot
    are told to `on_resumed`, to be woken; how every key is, and None when it is gone, is told to `on_state`.
    """

    here: ConfigHere
    policy: BackfillPolicy
    on_resumed: Callable[[str, Wake], None]
    on_state: Callable[[str, KeyNow | None], None]
    is_past: Callable[[int], bool]
    """Whether all bars that were stored before a time (ns) have arrived."""
    traces: FlowTraces = field(default_factory=FlowTraces)


class LiveKeyLogic(StatefulBatchLogic[KeyItem, Signal | Tally, Any]):
    """The analyzer of one key inside the live flow.

    Signals and counts leave with the batch that they are found in. A key that left the selection is discarded.
    """

    def __init__(self, analysis: LiveAnalysis, resume_state: Snapshot | None) -> None:
        self.analysis = analysis
        self.resume_state = resume_state
        self.backfill: Backfill | None = None
        self.timeline = Timeline()
        self.work = Work()
        self._go_at: datetime | None = None
        key = _key_in(resume_state)
        if key is not None:
            analysis.here.register(key)
            analysis.on_resumed(key, Wake())

    def on_batch(self, values: list[KeyItem]) -> tuple[list[Signal | Tally], bool]:
        """Take what came for the key, in order."""
        key = values[0][0]
        if type(values[0][1]) is Probe:
            self.analysis.here.keys_are_loaded = True
            return [], StatefulBatchLogic.DISCARD
        here = self.analysis.here
        left = here.is_known and not here.selection.takes(key)
        if left or any(type(value[1]) is Leave for value in values):
            return [], self._leave(key)
        backfill = self.backfill or self._start(key)
        out: list[Signal | Tally] = []
        take = self.analysis.traces.taking(self._take)
        for value in values:
            out += take(backfill, value)
        return self._told(backfill, out), StatefulBatchLogic.RETAIN

    def _told(self, backfill: Backfill, out: list[Signal | Tally]) -> list[Signal | Tally]:
        """`out` with what was counted."""
        key = backfill.analyzer.key
        close_ms = backfill.analyzer.order.expected_ms
        self.analysis.on_state(key, KeyNow(backfill.state, close_ms, bool(self.timeline.to_come)))
        self.work.count()
        tally = backfill.analyzer.take_tally()
        if tally != Tally(key):
            out.append(tally)
        if not self.timeline.to_come:
            self._go_at = None
        elif self._go_at is None:
            self._go_at = datetime.now(UTC) + self.analysis.here.turn_of(key)
        return out

    def notify_at(self) -> datetime | None:
        """When to go by what is to come, should no bar arrive before."""
        return self._go_at

    def on_notify(self) -> tuple[list[Signal | Tally], bool]:
        """Go by what is to come while it is quiet: at the next bar it would cost that bar's signals the time."""
        self._go_at = None
        out: list[Signal | Tally] = []
        if self.backfill is None:
            return [], StatefulBatchLogic.RETAIN
        if self.timeline.to_come and self.analysis.is_past(self.timeline.to_come[-1].stored_ns):
            out += [signal for one in self.timeline.all_due() for signal in self._configure(self.backfill, one)]
        return self._told(self.backfill, out), StatefulBatchLogic.RETAIN

    def _take(self, backfill: Backfill, value: KeyItem) -> list[Signal]:
        item = value[1]
        due: list[NewConfiguration] = []
        if type(item) is NewConfiguration:
            due = self.timeline.plan(item)
        elif len(value) > 2:
            due = self.timeline.due(value[2])
        signals = [signal for one in due for signal in self._configure(backfill, one)]
        if isinstance(item, NewConfiguration | Leave | Probe):
            return signals
        return signals + backfill.take(item)

    def _configure(self, backfill: Backfill, item: NewConfiguration) -> list[Signal]:
        backfill.policy = self._policy(backfill.analyzer.key, item.configuration)
        return backfill.take(item)

    def _leave(self, key: str) -> bool:
        if self.backfill is not None or self.resume_state is not None:
            log.info("%s: not configured any more, its state is discarded", key, extra={"key": key})
        self.analysis.here.forget(key)
        self.analysis.on_state(key, None)
        counts.WORK.end(self.work)
        return StatefulBatchLogic.DISCARD

    def on_eof(self) -> tuple[list[Signal | Tally], bool]:
        """Nothing: what could come again after a restart must not go out here."""
        return [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> Snapshot | None:
        """Plain versioned data: see `Backfill.snapshot`, and what is to come of the configuration."""
        if self.backfill is None:
            return self.resume_state
        began_secs = perf_counter()
        snapshot = {**self.backfill.snapshot(), "timeline": self.timeline.pack()}
        counts.SNAPSHOT.observe(perf_counter() - began_secs)
        return snapshot

    def _start(self, key: str) -> Backfill:
        self.analysis.here.register(key)
        now = self.analysis.here.for_key(key)
        backfill = self._new(key, now.configuration)
        if self.resume_state is not None:
            backfill = self._resumed(backfill, now.configuration)
        self.backfill, self.resume_state = backfill, None
        counts.WORK.begin(self.work)
        self.timeline.begin(backfill.configuration)
        return backfill

    def _resumed(self, backfill: Backfill, configuration: Configuration) -> Backfill:
        """The key as its snapshot has it, with the configuration that it had."""
        key = backfill.analyzer.key
        try:
            backfill.resume(self.resume_state)
            self.timeline.load(self.resume_state)
        except WarmUpAgain as error:
            log.warning("%s: snapshot refused, warming up again from history: %s", key, error, extra={"key": key})
            backfill = self._new(key, configuration)
            backfill.analyzer.tally.refused_snapshots += 1
        else:
            backfill.policy = self._policy(key, backfill.configuration)
        return backfill

    def _new(self, key: str, configuration: Configuration) -> Backfill:
        return Backfill(
            lambda configuration: KeyAnalyzer(key, configuration, OWN_BARS, self.work),
            self._policy(key, configuration),
            configuration,
        )

    def _policy(self, key: str, configuration: Configuration) -> BackfillPolicy:
        policy, (_, timeframe) = self.analysis.policy, split_key(key)
        return replace(policy, warm_up_bars=bars_to_seed(configuration, timeframe, policy.warm_up_bars))


def _key_in(snapshot: Any) -> str | None:
    """The key that a snapshot is of, as far as can be told."""
    try:
        key = snapshot["tally"]["key"]
    except (KeyError, TypeError):
        return None
    return key if isinstance(key, str) and "|" in key else None
