"""The running market as routes are given it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from config_api.history import LatestBars
from config_api.live.feed import Feed
from config_api.live.heard import Heard, Newest
from config_api.live.views import Flow, Hearing, Lag
from operators.times import format_time
from state.key import split_key
from state.timeframe import timeframe_named

_MOST_NAMED = 20


class Ear(Protocol):
    """Hears what happens, and has `Heard` and `Feed` know of it. May be used from any thread."""

    def hearing(self) -> Hearing:
        """What it hears."""


@dataclass(frozen=True)
class Market:
    """What was heard, who is told, and who knows more."""

    heard: Heard
    feed: Feed
    latest: LatestBars
    ear: Ear
    ask_flow: Callable[[], Flow]
    """Asks the bot how it is: waits for its answer for a second or so."""


def lags_of(newest: Iterable[Newest]) -> list[Lag]:
    """How far behind the newest bars are, by timeframe."""
    groups: dict[str, list[Newest]] = {}
    for one in newest:
        groups.setdefault(split_key(one.key)[1].name, []).append(one)
    return [_lag(name, groups[name]) for name in sorted(groups, key=lambda name: timeframe_named(name).span_ms)]


def _lag(timeframe: str, group: list[Newest]) -> Lag:
    span_ms, leader = timeframe_named(timeframe).span_ms, max(group, key=lambda one: one.close_ms)
    behind = sorted(split_key(one.key)[0] for one in group if leader.close_ms - one.close_ms > span_ms)
    age_secs, silent_secs = time.time() - leader.close_ms / 1000, time.monotonic() - leader.heard_secs
    return Lag(
        timeframe=timeframe,
        keys=len(group),
        newest_close=format_time(leader.close_ms),
        age_secs=round(age_secs, 3),
        heard_secs_ago=round(silent_secs, 3),
        # A market that is fed from records is old, and not late.
        late=min(age_secs, silent_secs) > 2 * span_ms / 1000,
        behind=behind[:_MOST_NAMED],
    )
