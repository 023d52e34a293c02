"""The stateful step of the live flow: a key's analyzer, fed with what arrives and with what history has."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bytewax.operators import StatefulBatchLogic

from dataflow.live.status import KeyState
from operators.analyzer import KeyAnalyzer
from operators.backfill import Backfill, BackfillPolicy, Item
from operators.live import Selection
from operators.requests import Leave, Wake
from operators.tally import Tally
from operators.warm_up import bars_to_seed
from state.errors import WarmUpAgain
from state.key import split_key
from state.snapshot import Snapshot
from strategies.configuration import Configuration
from strategies.signal import Signal

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveAnalysis:
    """What every key is analyzed with.

    Keys are seeded with the policy's bars, and with more where indicators need more. Keys that come with a snapshot
    are told to `on_resumed`, as something to wake or to let go; every key's state is told to `on_state`.
    """

    configuration: Configuration
    policy: BackfillPolicy
    selection: Selection
    on_resumed: Callable[[str, Wake | Leave], None]
    on_state: Callable[[str, KeyState | None], None]


class LiveKeyLogic(StatefulBatchLogic[tuple[str, Item | Leave], Signal | Tally, Any]):
    """The analyzer of one key inside the live flow.

    Signals and counts leave with the batch that they are found in. A key that left the selection is discarded.
    """

    def __init__(self, analysis: LiveAnalysis, resume_state: Snapshot | None) -> None:
        self.analysis = analysis
        self.resume_state = resume_state
        self.backfill: Backfill | None = None
        key = _key_in(resume_state)
        if key is not None:
            analysis.on_resumed(key, Wake() if analysis.selection.takes(key) else Leave())

    def on_batch(self, values: list[tuple[str, Item | Leave]]) -> tuple[list[Signal | Tally], bool]:
        """Take what came for the key, in order."""
        key = values[0][0]
        backfill = self.backfill or self._start(key)
        out: list[Signal | Tally] = []
        for _, item in values:
            if isinstance(item, Leave):
                log.info("%s: not configured any more, its state is discarded", key)
                self.analysis.on_state(key, None)
                return out, StatefulBatchLogic.DISCARD
            out += backfill.take(item)
        self.analysis.on_state(key, backfill.state)
        tally = backfill.analyzer.take_tally()
        if tally != Tally(key):
            out.append(tally)
        return out, StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[Signal | Tally], bool]:
        """Nothing: what could come again after a restart must not go out here."""
        return [], StatefulBatchLogic.RETAIN

    def snapshot(self) -> Snapshot | None:
        """Plain versioned data: see `Backfill.snapshot`."""
        return self.backfill.snapshot() if self.backfill else self.resume_state

    def _start(self, key: str) -> Backfill:
        backfill = self._new(key)
        if self.resume_state is not None:
            try:
                backfill.resume(self.resume_state)
            except WarmUpAgain as error:
                log.warning("%s: snapshot refused, warming up again from history: %s", key, error)
                backfill = self._new(key)
                backfill.analyzer.tally.refused_snapshots += 1
        self.backfill, self.resume_state = backfill, None
        return backfill

    def _new(self, key: str) -> Backfill:
        configuration, policy = self.analysis.configuration, self.analysis.policy
        _, timeframe = split_key(key)
        bars = bars_to_seed(configuration, timeframe, policy.warm_up_bars)
        return Backfill(lambda: KeyAnalyzer(key, configuration), replace(policy, warm_up_bars=bars))


def _key_in(snapshot: Any) -> str | None:
    """The key that a snapshot is of, as far as can be told."""
    try:
        key = snapshot["tally"]["key"]
    except (KeyError, TypeError):
        return None
    return key if isinstance(key, str) and "|" in key else None
