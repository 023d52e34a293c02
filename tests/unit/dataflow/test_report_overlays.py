"""Indicators in a report: the values that the strategies read, on the bars on which they read them."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import pytest

from dataflow.market import synthetic_bars
from dataflow.report.overlays import PRICE, VOLUME, overlays_of
from operators.analyzer import KeyAnalyzer
from state.bar import Bar
from state.timeframe import TIMEFRAMES
from strategies.configuration import configuration_of
from strategies.registry import STRATEGIES
from strategies.signal import Signal

M15 = TIMEFRAMES["15m"]
OF_THE_BAR = {"open", "high", "low", "close", "volume"}
CHANGED = {"rsi_period": 5.0, "oversold_threshold": 30.0}


def bars(days: int = 20) -> list[Bar]:
    return list(synthetic_bars("SYNTHAUSDT", days=days))


def signals(of: Iterable[Bar], overrides: dict[str, dict[str, float]] | None = None) -> list[Signal]:
    analyzer = KeyAnalyzer("SYNTHAUSDT|15m", configuration_of({}, overrides or {}))
    return [signal for bar in of for signal in analyzer.on_bar(bar)]


def test_each_signal_was_decided_by_the_values_that_are_drawn() -> None:
    market = bars()
    from_ms = market[100].open_time_ms
    places = {bar.open_time_ms: place - 100 for place, bar in enumerate(market)}
    overlays = overlays_of(M15, market, {name: {} for name in STRATEGIES}, from_ms)
    assert {len(one.values) for one in overlays.series} == {len(market) - 100}
    compared = 0
    for signal in signals(market):
        open_ms = int(signal.signal_id.split("-")[2])
        if open_ms < from_ms:
            continue
        named = overlays.named[signal.strategy_id]
        drawn = {name: overlays.series[place].values[places[open_ms]] for name, place in named.items()}
        expected = {name: value for name, value in signal.indicators.items() if name not in OF_THE_BAR}
        assert {name: drawn[name] for name in expected} == expected
        compared += len(expected)
    assert compared > 1000


def test_equal_series_are_kept_once_and_each_has_its_pane() -> None:
    overlays = overlays_of(M15, islice(bars(1), 5), {name: {} for name in STRATEGIES}, 0)
    uses = sum(len(named) for named in overlays.named.values())
    assert len(overlays.series) < uses / 2
    panes = {one.indicator: one.pane for one in overlays.series}
    assert panes["ema(21)"] == panes["vwap"] == panes["bollinger(20,2.0)"] == PRICE
    assert panes["sma(volume,10)"] == panes["bought_volume_sma(10)"] == VOLUME
    assert panes["rsi(14)"] == panes["adx(14)"] != panes["atr(14)"]


def test_parameters_are_those_that_the_signals_were_made_with() -> None:
    overlays = overlays_of(M15, (), {"rsi_extreme_reversal": CHANGED}, 0)
    assert [one.indicator for one in overlays.series] == ["rsi(5)", "atr(14)"]


@pytest.mark.parametrize(
    "parameters", [{"rsi_period": 5.5}, {"rsi_period": 1e300}, {"no_such": 1.0}, {"rsi_period": float("inf")}]
)
def test_what_is_not_possible_any_more_is_not_drawn(parameters: dict[str, float]) -> None:
    overlays = overlays_of(M15, bars(1), {"rsi_extreme_reversal": parameters, "never_heard_of": {}}, 0)
    assert (overlays.series, overlays.named) == ([], {})
