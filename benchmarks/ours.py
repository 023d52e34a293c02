"""Our own indicators, alone and with the strategies."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

from benchmarks.clock import Run, Sample, measured
from benchmarks.contender import Contender
from benchmarks.wanted import KEY, Wish
from operators.analyzer import KeyAnalyzer
from state.bar import Bar
from strategies.configuration import configuration_of


def indicator_step(bars: list[Bar], wish: Wish) -> Contender:
    """(a): the indicators of the default strategies, updated bar by bar."""

    def prepare() -> Run:
        update = KeyAnalyzer(KEY, configuration_of()).indicators.update

        def run() -> int:
            for bar in bars:
                update(bar)
            return len(bars)

        return run

    return Contender("a", "indicator step alone", prepare, frozenset(wish.ours), len(wish.ours))


def analyzer_step(bars: list[Bar], wish: Wish) -> Contender:
    """Indicators, strategies and emission rule, without a flow around them."""

    def prepare() -> Run:
        on_bar = KeyAnalyzer(KEY, configuration_of()).on_bar

        def run() -> int:
            for bar in bars:
                on_bar(bar)
            return len(bars)

        return run

    return Contender("a+", "with the strategies, no flow", prepare, frozenset(wish.ours), len(wish.ours))


def keys_in_turn(bars_of_keys: Mapping[str, list[Bar]]) -> tuple[Sample, list[int]]:
    """Analyzers of many keys, each given a bar in turn, without a flow; and the bytes of each one's snapshot."""
    configuration = configuration_of()
    analyzers = {key: KeyAnalyzer(key, configuration) for key in bars_of_keys}
    rows = list(zip(*bars_of_keys.values(), strict=True))
    steps = [analyzer.on_bar for analyzer in analyzers.values()]

    def run() -> int:
        for row in rows:
            for step, bar in zip(steps, row, strict=True):
                step(bar)
        return len(rows) * len(steps)

    sample = measured(run)
    return sample, [len(pickle.dumps(analyzer.snapshot())) for analyzer in analyzers.values()]
