"""Every line of a replay is a signal as the systems around expect it."""

from __future__ import annotations

from math import isfinite
from typing import Any

import orjson

from operators.times import format_time, parse_time_ms
from state.timeframe import TIMEFRAMES
from tests.e2e.conftest import Market

FIELDS = {
    *("signal_id", "strategy_id", "strategy", "source", "symbol", "action", "confidence", "strength", "price"),
    *("current_price", "quantity", "stop_loss", "take_profit", "timeframe", "timestamp", "indicators", "metadata"),
}
METADATA = {"bar_open_time", "risk_reward_ratio", "strategy_config"}
CONFIG = {"version", "parameters", "source", "is_override"}


def test_every_line_conforms(market: Market) -> None:
    signals: list[dict[str, Any]] = [orjson.loads(line) for line in market.signals.splitlines()]
    for signal in signals:
        _assert_conforms(signal)
        _assert_levels(signal)
        _assert_bar(signal, market)
    assert len({signal["signal_id"] for signal in signals}) == len(signals) > 500
    assert {signal["action"] for signal in signals} == {"buy", "sell", "hold"}


def _assert_conforms(signal: dict[str, Any]) -> None:
    assert signal.keys() == FIELDS
    assert signal["metadata"].keys() == METADATA
    assert signal["metadata"]["strategy_config"].keys() == CONFIG
    assert signal["strategy"] == signal["strategy_id"]
    assert signal["source"] == "ta_bot"
    assert signal["action"] in {"buy", "sell", "hold", "close"}
    assert signal["strength"] in {"weak", "medium", "strong", "extreme"}
    assert signal["metadata"]["strategy_config"] == {
        "version": 0,
        "parameters": {},
        "source": "default",
        "is_override": False,
    }
    assert 0.5 <= signal["confidence"] <= 1.0
    assert signal["indicators"]
    assert all(isinstance(value, (int, float)) and isfinite(value) for value in signal["indicators"].values())
    assert signal["quantity"] > 0


def _assert_levels(signal: dict[str, Any]) -> None:
    price, stop, target = signal["price"], signal["stop_loss"], signal["take_profit"]
    if signal["action"] == "hold":
        assert stop is None
        assert target is None
        assert signal["metadata"]["risk_reward_ratio"] is None
        return
    assert stop < price < target if signal["action"] == "buy" else target < price < stop
    assert abs(signal["metadata"]["risk_reward_ratio"] - abs(target - price) / abs(price - stop)) < 1e-9


def _assert_bar(signal: dict[str, Any], market: Market) -> None:
    """The bar it names is one of its key, whose close is the current price and whose end is the time of the signal."""
    bars = market.bars[f"{signal['symbol']}|{signal['timeframe']}"]
    open_ms = parse_time_ms(signal["metadata"]["bar_open_time"])
    span_ms = TIMEFRAMES[signal["timeframe"]].span_ms
    bar = bars[(open_ms - bars[0].open_time_ms) // span_ms]
    assert bar.open_time_ms == open_ms
    assert signal["current_price"] == bar.close
    assert signal["timestamp"] == format_time(open_ms + span_ms)
