"""What strategies ask an indicator set for, and what of it another set lacks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType

from operators.order import IN_ORDER, BarOrder
from operators.warm_up import Kinds, warm_on
from state.bar import Bar
from state.indicator_set import IndicatorSet
from state.timeframe import Timeframe
from strategies.configuration import Configuration
from strategies.parameters import Parameters
from strategies.registry import STRATEGIES


def asks(configuration: Configuration, timeframe: Timeframe) -> dict[str, int]:
    """What all enabled strategies together ask for, and how many values back they look."""
    together: dict[str, int] = {}
    for strategy_id, config in configuration.strategies.items():
        for name, depth in _asks(strategy_id, config.parameters, timeframe).items():
            together[name] = max(depth, together.get(name, 0))
    return together


def kinds_lacking(indicators: IndicatorSet, configuration: Configuration) -> Kinds:
    """Those strategies that ask for something that `indicators` do not have, or not as far back."""
    timeframe = indicators.timeframe
    return tuple(
        (strategy_id, config.parameters)
        for strategy_id, config in configuration.strategies.items()
        if indicators.lacks(_asks(strategy_id, config.parameters, timeframe))
    )


def bars_lacking(indicators: IndicatorSet, kinds: Kinds) -> int:
    """After how many bars all is defined, as far back as they look, that strategies ask for and `indicators` lack."""
    counts: list[int] = []
    for strategy_id, parameters in kinds:
        defined_on = _warm_on(strategy_id, parameters, indicators.timeframe)
        wanted = _asks(strategy_id, parameters, indicators.timeframe)
        counts += [defined_on[name] + depth - 1 for name, depth in wanted.items() if indicators.lacks({name: depth})]
    return max(counts, default=0)


def warmed_up(kinds: Kinds, timeframe: Timeframe, bars: Iterable[Bar]) -> IndicatorSet:
    """What some strategies ask for, after `bars`; repeated ones and ones out of order are left out."""
    need, order = _set_for(kinds, timeframe), BarOrder(timeframe)
    for bar in bars:
        if order.see(bar.open_time_ms) in IN_ORDER:
            need.update(bar)
    return need


def _set_for(kinds: Kinds, timeframe: Timeframe) -> IndicatorSet:
    need = IndicatorSet(timeframe)
    for strategy_id, parameters in kinds:
        STRATEGIES[strategy_id](parameters, need)
    return need


@lru_cache(maxsize=1024)
def _warm_on(strategy_id: str, parameters: Parameters, timeframe: Timeframe) -> Mapping[str, int]:
    return MappingProxyType(warm_on(_set_for(((strategy_id, parameters),), timeframe)))


@lru_cache(maxsize=4096)
def _asks(strategy_id: str, parameters: Parameters, timeframe: Timeframe) -> Mapping[str, int]:
    return MappingProxyType(_set_for(((strategy_id, parameters),), timeframe).requests())
