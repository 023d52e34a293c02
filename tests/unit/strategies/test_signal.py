"""Signals as messages."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest

from strategies.signal import AppliedConfig, Signal, SignalMetadata, signal_id_of, strength_of

# The example of the contract with the readers of signals; its id is ours to make.
EXAMPLE = json.loads("""
{"signal_id":"BTCUSDT-15m-1704067200000-volume_surge_breakout-buy", "strategy_id":"volume_surge_breakout",
 "strategy":"volume_surge_breakout", "source":"ta_bot", "symbol":"BTCUSDT", "action":"buy", "confidence":0.85,
 "strength":"extreme", "price":50000.0, "current_price":50000.0, "quantity":0.001, "stop_loss":49000.0,
 "take_profit":51500.0, "timeframe":"15m", "timestamp":"2024-01-01T00:15:00.000Z",
 "indicators":{"rsi":65.5,"volume_ratio":3.2},
 "metadata":{"bar_open_time":"2024-01-01T00:00:00.000Z","risk_reward_ratio":1.5,
   "strategy_config":{"version":3,"parameters":{"rsi_max":70.0},"source":"mongodb","is_override":true}}}
""")

SIGNAL = Signal(
    signal_id="BTCUSDT-15m-1704067200000-volume_surge_breakout-buy",
    strategy_id="volume_surge_breakout",
    strategy="volume_surge_breakout",
    source="ta_bot",
    symbol="BTCUSDT",
    action="buy",
    confidence=0.85,
    strength="extreme",
    price=50_000.0,
    current_price=50_000.0,
    quantity=0.001,
    stop_loss=49_000.0,
    take_profit=51_500.0,
    timeframe="15m",
    timestamp="2024-01-01T00:15:00.000Z",
    indicators={"rsi": 65.5, "volume_ratio": 3.2},
    metadata=SignalMetadata(
        "2024-01-01T00:00:00.000Z", 1.5, AppliedConfig(3, {"rsi_max": 70.0}, source="mongodb", is_override=True)
    ),
)


def test_a_signal_is_the_message_of_the_contract() -> None:
    assert json.loads(SIGNAL.to_json()) == EXAMPLE
    assert SIGNAL.as_dict() == EXAMPLE


def test_an_alert_has_null_for_what_it_lacks() -> None:
    message = replace(SIGNAL, action="hold", stop_loss=None, take_profit=None).as_dict()

    assert (message["stop_loss"], message["take_profit"]) == (None, None)


@pytest.mark.parametrize(("action", "is_alert"), [("buy", False), ("sell", False), ("close", False), ("hold", True)])
def test_only_a_hold_is_an_alert(action: str, is_alert: bool) -> None:
    assert replace(SIGNAL, action=action).is_alert is is_alert  # type: ignore[arg-type]


def test_numbers_keep_every_digit() -> None:
    price = 0.1 + 0.2

    assert json.loads(replace(SIGNAL, price=price).to_json())["price"] == price


def test_changing_what_was_read_changes_no_signal() -> None:
    SIGNAL.as_dict()["metadata"]["strategy_config"]["parameters"]["rsi_max"] = 1.0

    assert SIGNAL.as_dict() == EXAMPLE


def test_an_id_is_the_same_for_the_same_and_another_for_anything_else() -> None:
    places = list(
        product(["a_strategy", "b_strategy"], ["BTCUSDT", "BTCUSD"], ["1m", "1M"], [60_000, 120_000], ["buy", "sell"])
    )
    ids = [signal_id_of(*place) for place in places]  # type: ignore[arg-type]

    assert ids == [signal_id_of(*place) for place in places]  # type: ignore[arg-type]
    assert len(set(ids)) == len(places) == 32


@pytest.mark.parametrize(
    ("confidence", "strength"),
    [
        (1.0, "extreme"),
        (0.8, "extreme"),
        (0.7999999, "strong"),
        (0.7, "strong"),
        (0.6999999, "medium"),
        (0.6, "medium"),
        (0.5999999, "weak"),
        (0.5, "weak"),
        (0.0, "weak"),
    ],
)
def test_how_strong_a_confidence_is(confidence: float, strength: str) -> None:
    assert strength_of(confidence) == strength
