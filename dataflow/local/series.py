"""Bars by key for a local market: what becomes history, and what is to arrive, in the order of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain, groupby, islice
from pathlib import Path
from typing import NamedTuple

from dataflow.market import DAYS, SEED, SYNTHETIC_SYMBOLS, hourly_bars, synthetic_bars
from dataflow.recorded import read_bars
from operators.rows import BadInput
from state.bar import Bar
from state.errors import StopProgram
from state.key import key_of, split_key
from state.klines import KlineStore
from state.timeframe import TIMEFRAMES

Series = dict[str, Iterator[Bar]]
"""The bars of each key, the oldest first, each once."""


def synthetic_series(*, days: int = DAYS, seed: int = SEED) -> Series:
    """The made-up market, 15m and 1h. Bars are made as they are taken, so that no number of days needs memory."""
    series: Series = {}
    for symbol in SYNTHETIC_SYMBOLS.values():
        # Each key walks for itself: one walk for both would have to be held where the one runs ahead of the other.
        quarters = (synthetic_bars(symbol.name, days=days, seed=seed) for _ in range(2))
        series[key_of(symbol.name, TIMEFRAMES["15m"])] = next(quarters)
        series[key_of(symbol.name, TIMEFRAMES["1h"])] = hourly_bars(
            next(quarters), volume_decimals=symbol.volume_decimals
        )
    return series


def recorded_series(
    paths: Sequence[str | Path],
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    on_bad: Callable[[BadInput], None] | None = None,
) -> Series:
    """The bars of recorded files (see `read_bars`), all held in memory: files come in any order. The last bar wins.

    Raises:
        StopProgram: see `read_bars`.
    """
    bars: dict[str, dict[int, Bar]] = {}
    for key, bar in read_bars(paths, symbol=symbol, timeframe=timeframe, on_bad=on_bad):
        bars.setdefault(key, {})[bar.open_time_ms] = bar
    return {key: iter(sorted(of_key.values())) for key, of_key in sorted(bars.items())}


class Split(NamedTuple):
    """A market at one moment: how many bars became history, and those that close later."""

    moment_ms: int
    history_bars: int
    rest: Series


def split_history(series: Series, store: KlineStore, warm_up_bars: int) -> Split:
    """Write the beginning of `series` into `store`, and give the rest.

    The split is one moment for all keys, as on a market: when each of them has had `warm_up_bars` bars. Keys that never
    have so many do not count. No more is held in memory than `warm_up_bars` bars of each key.

    Raises:
        StopProgram: nothing would be left, or the store refuses.
        RetryLater: the store is away.
    """
    heads = {key: list(islice(bars, warm_up_bars)) for key, bars in series.items()}
    moment_ms = max((_close_ms(key, head[-1]) for key, head in heads.items() if len(head) == warm_up_bars), default=0)
    if not moment_ms:
        raise _nothing_left(warm_up_bars)
    written = 0
    rest: Series = {}
    for key, bars in series.items():
        history = _Until(key, chain(heads.pop(key), bars), moment_ms)
        store.write(key, history)
        written += history.count
        if history.next_bar is not None:
            rest[key] = chain([history.next_bar], history.bars)
    if not rest:
        raise _nothing_left(warm_up_bars)
    return Split(moment_ms, written, rest)


def _nothing_left(warm_up_bars: int) -> StopProgram:
    return StopProgram(f"nothing is left to feed: expected more than the {warm_up_bars} bars that warm a key up")


class Moment(NamedTuple):
    """What closes at the same time."""

    close_ms: int
    bars: list[tuple[str, Bar]]


def moments(series: Series) -> Iterator[Moment]:
    """All bars in the order in which they close; those that close together, by key."""
    ordered = merge(*(_closing(key, bars) for key, bars in series.items()))
    for close_ms, together in groupby(ordered, key=lambda closing: closing[0]):
        yield Moment(close_ms, [(key, bar) for _, key, bar in together])


def _closing(key: str, bars: Iterable[Bar]) -> Iterator[tuple[int, str, Bar]]:
    _, timeframe = split_key(key)
    return ((timeframe.close_ms(bar.open_time_ms), key, bar) for bar in bars)


def _close_ms(key: str, bar: Bar) -> int:
    return split_key(key)[1].close_ms(bar.open_time_ms)


class _Until:
    """The bars that close up to a moment; then `next_bar` is the one after them, if there is one."""

    def __init__(self, key: str, bars: Iterator[Bar], moment_ms: int) -> None:
        self.bars = bars
        self.count = 0
        self.next_bar: Bar | None = None
        self._key = key
        self._moment_ms = moment_ms

    def __iter__(self) -> Iterator[Bar]:
        for bar in self.bars:
            if _close_ms(self._key, bar) > self._moment_ms:
                self.next_bar = bar
                return
            self.count += 1
            yield bar
