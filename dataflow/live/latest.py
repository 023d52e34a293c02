"""The signals of the latest closed bars, from history alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from operators.analyzer import KeyAnalyzer
from operators.live import Selection
from operators.warm_up import bars_to_seed
from state.bar import Bar
from state.key import key_of, split_key
from state.klines import KlineStore
from state.timeframe import timeframe_named
from strategies.configuration import Configuration
from strategies.signal import Signal


class Latest(NamedTuple):
    """A key's latest closed bar, None where there is none, and what is emitted on it."""

    key: str
    bar: Bar | None
    signals: list[Signal]


def latest_signals(
    store: KlineStore,
    keys: Iterable[str],
    configuration_of: Callable[[str], Configuration],
    now_ms: int,
    warm_up_bars: int,
) -> Iterator[Latest]:
    """The signals of each key's latest bar that has closed at `now_ms`, with the configuration of its symbol.

    Keys are warmed up as in the live flow: with so many bars before it, or more where an indicator needs them.

    They are those of a bot that starts now and gets that bar as its first one: a setup must begin on it, and signals
    before it, which a cooldown would count from, have not been given. The last bar is analyzed however old it is.

    Raises:
        RetryLater, StopProgram: see `KlineStore`.
    """
    keys = list(keys)
    configurations = {key: configuration_of(split_key(key)[0]) for key in keys}
    most = max((_seed(configurations[key], key, warm_up_bars) for key in keys), default=0)
    # Of the bars that have opened, one may not have closed.
    for key, bars in store.latest_of(keys, most + 2, now_ms + 1):
        (_, timeframe), configuration = split_key(key), configurations[key]
        seed = _seed(configuration, key, warm_up_bars)
        closed = [bar for bar in bars if timeframe.close_ms(bar.open_time_ms) <= now_ms][-seed - 1 :]
        if not closed:
            yield Latest(key, None, [])
            continue
        analyzer = KeyAnalyzer(key, configuration)
        analyzer.warm_up(closed[:-1])
        yield Latest(key, closed[-1], analyzer.on_bar(closed[-1]))


def _seed(configuration: Configuration, key: str, least: int) -> int:
    return bars_to_seed(configuration, split_key(key)[1], least)


def selected_keys(selection: Selection, store: KlineStore) -> list[str]:
    """The keys that a selection names, in alphabetical order; where it takes everything, those that the store has.

    Raises:
        RetryLater, StopProgram: see `KlineStore`.
    """
    symbols, timeframes = selection.symbols, selection.timeframes
    if symbols is not None and timeframes is not None:
        return sorted(key_of(symbol, timeframe_named(name)) for symbol in symbols for name in timeframes)
    return list(filter(selection.takes, store.keys()))
