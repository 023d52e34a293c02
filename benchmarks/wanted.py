"""What other libraries have to compute to stand in for our indicators."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from operators.analyzer import KeyAnalyzer
from state.indicator_set import IndicatorSet
from state.timeframe import timeframe_named
from strategies.configuration import configuration_of
from strategies.registry import STRATEGIES

KEY = "BTCUSDT|15m"

_NAME = re.compile(r"(\w+)(?:\((.*)\))?")

# By kind of ours: what libraries call it, and what it is fed with where that is not the close.
_CALLED = {"volume_ratio": "sma", "bought_volume_sma": "sma"}
_FED_WITH = {
    "adx": "bar",
    "atr": "bar",
    "bought_volume_sma": "bought",
    "ichimoku": "bar",
    "volume_ratio": "volume",
    "vwap": "bar",
}


class Wanted(NamedTuple):
    """One indicator as libraries have it: `source` is the series it is fed with, `numbers` are its parameters."""

    kind: str
    source: str
    numbers: tuple[float, ...]

    @property
    def periods(self) -> tuple[int, ...]:
        """The parameters where all of them are periods."""
        return tuple(int(number) for number in self.numbers)


@dataclass(frozen=True)
class Wish:
    """All that is wanted; for each, which of our indicators it stands for."""

    ours: tuple[str, ...]
    covers: dict[Wanted, frozenset[str]]


class _Asked:
    """Notes what strategies ask an indicator set for, apart from the parts that indicators are made of."""

    def __init__(self) -> None:
        self.made_of: dict[str, frozenset[str]] = {}
        """By name of what was asked for: its own name and its parts'."""

    def __getattr__(self, request: str) -> Callable[..., Any]:
        def ask(*args: Any, **kwargs: Any) -> Any:
            alone = IndicatorSet(timeframe_named("15m"))
            series = getattr(alone, request)(*args, **kwargs)
            if alone.names():
                self.made_of[alone.names()[-1]] = frozenset(alone.names())
            return series

        return ask


def wanted() -> Wish:
    """What stands in for the indicators of the default strategies.

    An indicator that only others are made of (the EMAs inside the MACD) is not wanted by itself: a library's class for
    the whole computes it too.
    """
    configuration = configuration_of()
    asked = _Asked()
    for strategy_id, config in configuration.strategies.items():
        STRATEGIES[strategy_id](config.parameters, cast(IndicatorSet, asked))
    ours = tuple(KeyAnalyzer(KEY, configuration).indicators.names())
    if set(ours) != frozenset[str]().union(*asked.made_of.values()):
        raise RuntimeError("what the strategies ask for, asked one by one, is not what their indicator set holds")
    covers: dict[Wanted, frozenset[str]] = {}
    for name in sorted(asked.made_of, key=ours.index):
        for one in _stand_ins(name):
            covers[one] = covers.get(one, frozenset()) | asked.made_of[name]
    return Wish(ours, covers)


def _stand_ins(name: str) -> list[Wanted]:
    """What a library needs to have in place of our indicator `name`; the ratio's division is left out."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise RuntimeError(f"cannot read the indicator's name {name!r}")
    kind, rest = found[1], (found[2] or "").split(",")
    source = rest.pop(0) if kind in ("sma", "highest", "lowest") else ""
    numbers = tuple(float(text) for text in rest if re.fullmatch(r"[\d.]+", text))
    if kind == "higher_timeframe":
        return [Wanted("ema", f"higher_{numbers[0]:.0f}", (period,)) for period in numbers[1:]]
    if source in ("high", "low"):
        return [Wanted("channel", "bar", numbers)]
    return [Wanted(_CALLED.get(kind, kind), source or _FED_WITH.get(kind, "close"), numbers)]
