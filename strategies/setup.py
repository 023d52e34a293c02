"""What a strategy says about a bar: an action, how sure it is, where to enter, stop and take profit."""

from __future__ import annotations

from math import inf
from typing import Literal, NamedTuple

from strategies.parameters import AtrRisk

Action = Literal["buy", "sell", "hold"]

# Where there is no ATR to measure a distance with.
FALLBACK_STOP = 0.02
FALLBACK_TARGET = 0.05


class Setup(NamedTuple):
    """A setup on one bar. `confidence` may still lie outside 0..1; an alert (hold) has no stop and no target."""

    action: Action
    confidence: float
    price: float
    stop: float | None = None
    target: float | None = None

    def makes_sense(self) -> bool:
        """Whether stop and target lie on their sides of the price, all finite and above 0."""
        action, _, price, stop, target = self
        if stop is None or target is None:
            return action == "hold" and 0.0 < price < inf
        if action == "buy":
            return 0.0 < stop < price < target < inf
        return action == "sell" and 0.0 < target < price < stop < inf


_new = tuple.__new__  # what a NamedTuple's own constructor calls, at half its cost


def atr_setup(action: Action, confidence: float, price: float, atr: float, p: AtrRisk) -> Setup:
    """Stop and target a number of ATRs from `price`; 2 % and 5 % where the ATR is undefined or 0."""
    if atr > 0.0:
        risk, reward = p.stop_loss_atr * atr, p.take_profit_atr * atr
    else:
        risk, reward = price * FALLBACK_STOP, price * FALLBACK_TARGET
    if action == "buy":
        return _new(Setup, (action, confidence, price, price - risk, price + reward))
    return _new(Setup, (action, confidence, price, price + risk, price - reward))


def alert_setup(confidence: float, price: float) -> Setup:
    """An alert: nothing to trade, so neither stop nor target."""
    return _new(Setup, ("hold", confidence, price, None, None))


def level_setup(action: Action, confidence: float, price: float, stop: float, risk_reward: float) -> Setup:
    """A stop at a level, and the target `risk_reward` times as far away on the other side."""
    reward = risk_reward * abs(price - stop)
    target = price + reward if action == "buy" else price - reward
    return _new(Setup, (action, confidence, price, stop, target))
