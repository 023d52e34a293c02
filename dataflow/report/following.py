"""The signals of a report, followed by the same code that `ta-bot evaluate` follows them with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dataflow.report.signal_lines import GivenSignal
from operators.evaluation.follower import Follower, KeyBaseline
from operators.evaluation.rules import Rules
from operators.evaluation.trade import TradeRecord
from state.bar import Bar
from strategies.configuration import configuration_of
from strategies.signal import Signal


@dataclass
class Followed:
    """What became of the signals of one key, by id, and of the same orders at random."""

    key: str
    trades: dict[str, TradeRecord] = field(default_factory=dict)
    baseline: KeyBaseline = field(init=False)

    def __post_init__(self) -> None:
        self.baseline = KeyBaseline(self.key)


def follow(key: str, bars: Sequence[Bar], signals: Iterable[GivenSignal], rules: Rules) -> Followed:
    """Follow the signals of a key through its bars; those that lie on none of them are not followed."""
    at: dict[int, list[Signal]] = defaultdict(list)
    for given in signals:
        at[given.open_ms].append(given.signal)
    followed = Followed(key)
    follower = Follower(key, configuration_of(), rules)
    for bar in bars:
        for record in follower.take(bar, at.get(bar.open_time_ms, ())):
            followed.trades[record.signal_id] = record
    for left in follower.left():
        if isinstance(left, KeyBaseline):
            followed.baseline = left
        else:
            followed.trades[left.signal_id] = left
    return followed
