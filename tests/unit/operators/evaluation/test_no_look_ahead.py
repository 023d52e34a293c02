"""What comes after a bar changes nothing that was known on it: no signal of any strategy, and no trade that ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

import pytest

from dataflow.market import synthetic_bars
from operators.analyzer import KeyAnalyzer
from operators.engine import SignalEngine
from operators.evaluation.follower import Follower
from operators.evaluation.rules import Rules
from operators.evaluation.trade import CLOSED, TradeRecord
from operators.times import format_time
from state.bar import Bar
from state.timeframe import TIMEFRAMES
from strategies.configuration import configuration_of
from strategies.registry import STRATEGIES
from strategies.signal import Signal

SYMBOL, KEY = "SYNTHAUSDT", "SYNTHAUSDT|15m"
SPAN_MS = TIMEFRAMES["15m"].span_ms
BARS = 900

# Every setup that begins is a signal, so that each strategy has several.
EAGER = configuration_of({"cooldown_bars": 0, "min_confidence": 0.0})


@cache
def market() -> tuple[Bar, ...]:
    return tuple(synthetic_bars(SYMBOL, days=BARS // 96 + 1))[:BARS]


def signals_of(bars: Sequence[Bar]) -> list[Signal]:
    return SignalEngine(EAGER).analyze_candles(bars, SYMBOL, "15m", every_bar=True)


def trades_of(bars: Sequence[Bar]) -> list[TradeRecord]:
    analyzer, follower = KeyAnalyzer(KEY, EAGER), Follower(KEY, EAGER, Rules())
    return [record for bar in bars for record in follower.take(bar, analyzer.on_bar(bar))]


def with_another_future(bars: Sequence[Bar], last: int) -> list[Bar]:
    """The same bars up to an index, then the mirror image of what came: where it rose, it falls."""
    square = bars[last].close ** 2
    turned = [
        Bar(ms, square / open_, square / low, square / high, square / close, 2.0 * volume)
        for ms, open_, high, low, close, volume in bars[last + 1 :]
    ]
    return [*bars[: last + 1], *turned]


@cache
def whole() -> tuple[list[Signal], list[TradeRecord]]:
    return signals_of(market()), trades_of(market())


def test_all_strategies_are_looked_at() -> None:
    assert {signal.strategy_id for signal in whole()[0]} == set(STRATEGIES)


def test_bars_that_are_cut_off_change_no_earlier_signal() -> None:
    for length in Random(28).sample(range(1, BARS), 40):
        end = format_time(length * SPAN_MS + market()[0].open_time_ms)
        assert signals_of(market()[:length]) == [one for one in whole()[0] if one.timestamp <= end]


@pytest.mark.parametrize("last", [300, 520, 760])
def test_another_future_changes_nothing_that_was_known(last: int) -> None:
    bars = with_another_future(market(), last)
    now = format_time(bars[last].open_time_ms + SPAN_MS)
    signals, trades = signals_of(bars), trades_of(bars)
    assert [one for one in signals if one.timestamp <= now] == [one for one in whole()[0] if one.timestamp <= now]
    known, as_known = (_ended_by(now, each) for each in (trades, whole()[1]))
    assert known == as_known
    assert any(trade.reason in CLOSED for trade in known)
    assert trades != whole()[1]


def _ended_by(now: str, trades: Sequence[TradeRecord]) -> list[TradeRecord]:
    return [trade for trade in trades if trade.exit_time is not None and trade.exit_time <= now]
