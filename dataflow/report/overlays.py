"""The indicators that strategies read, over the bars of one key, from the classes that they read them from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from state.bar import Bar
from state.indicator_set import IndicatorSet
from state.indicators.base import Series
from state.timeframe import Timeframe
from strategies.base import Strategy
from strategies.registry import STRATEGIES

_PANES = (("rsi", "0 to 100"), ("adx", "0 to 100"), ("macd", "MACD"), ("atr", "ATR"), ("volume_ratio", "volume ratio"))
_OF_VOLUME = ("sma(volume", "bought_volume", "highest(volume", "lowest(volume")

PRICE, VOLUME = "price", "volume"


@dataclass
class Overlay:
    """One series: the indicator that it is of, where it is drawn, and its values, NaN where undefined."""

    indicator: str
    pane: str
    values: array[float] = field(default_factory=lambda: array("d"))


@dataclass
class Overlays:
    """The series of a key, each once, and which of them a strategy calls what."""

    series: list[Overlay] = field(default_factory=list)
    named: dict[str, dict[str, int]] = field(default_factory=dict)


def overlays_of(
    timeframe: Timeframe, bars: Iterable[Bar], parameters: Mapping[str, Mapping[str, float]], from_ms: int
) -> Overlays:
    """The series of strategies with these parameters, on the bars from `from_ms` on; those before warm them up.

    A strategy that is not known, or whose parameters are not possible any more, has none.
    """
    need = IndicatorSet(timeframe)
    overlays, sources = Overlays(), list[Series]()
    for strategy_id, changed in parameters.items():
        strategy = _strategy(strategy_id, changed, need)
        if strategy is not None:
            _collect(strategy, need, overlays, sources)
    appends = [(source, overlay.values.append) for source, overlay in zip(sources, overlays.series, strict=True)]
    for bar in bars:
        need.update(bar)
        if bar.open_time_ms >= from_ms:
            for source, append in appends:
                append(source[-1])
    return overlays


def _strategy(strategy_id: str, changed: Mapping[str, float], need: IndicatorSet) -> Strategy[Any] | None:
    kind = STRATEGIES.get(strategy_id)
    if kind is None:
        return None
    try:
        # Whole numbers come as floats out of JSON; what asks for a whole number takes none.
        values: dict[str, Any] = {name: int(value) if value == int(value) else value for name, value in changed.items()}
        return kind(kind.parameters(**values), need)
    except (ValidationError, OverflowError, ValueError):
        return None


def _collect(strategy: Strategy[Any], need: IndicatorSet, overlays: Overlays, sources: list[Series]) -> None:
    named = overlays.named[strategy.id] = {}
    for name, series in strategy.series().items():
        indicator = need.indicator_of(series)
        if indicator is None:
            continue
        place = _place(sources, series)
        if place is None:
            place = len(sources)
            sources.append(series)
            overlays.series.append(Overlay(indicator, _pane(indicator)))
        named[name] = place


def _place(sources: Sequence[Series], series: Series) -> int | None:
    return next((place for place, source in enumerate(sources) if source is series), None)


def _pane(indicator: str) -> str:
    if indicator.startswith(_OF_VOLUME):
        return VOLUME
    return next((pane for start, pane in _PANES if indicator.startswith(start)), PRICE)
