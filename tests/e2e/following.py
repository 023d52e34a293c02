"""Signals followed by another program, with all bars after them at hand; it shares no code with the one under test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from operators.times import format_time
from state.bar import Bar
from state.timeframe import TIMEFRAMES

Trade = dict[str, Any]


@dataclass(frozen=True)
class Costs:
    """As fractions, and in bars."""

    fee: float
    slippage: float
    horizon_bars: int
    entry_bars: int


@dataclass(frozen=True)
class Fill:
    """On which bar, at which price; `inside` when in its course."""

    index: int
    price: float
    inside: bool


class Followed:
    """One signal with the bars after it, in signed prices: up is good."""

    def __init__(self, signal: dict[str, Any], bars: Sequence[Bar], costs: Costs) -> None:
        self.signal, self.costs = signal, costs
        self.up = 1 if signal["action"] == "buy" else -1
        names = ("price", "current_price", "stop_loss", "take_profit")
        self.price, self.close, self.stop, self.target = (self.up * signal[name] for name in names)
        self.open_ms = [bar.open_time_ms for bar in bars]
        self.opens = [self.up * bar.open for bar in bars]
        self.closes = [self.up * bar.close for bar in bars]
        self.worst = [min(self.up * bar.high, self.up * bar.low) for bar in bars]
        self.best = [max(self.up * bar.high, self.up * bar.low) for bar in bars]

    def expected(self) -> Trade:
        """What must be recorded."""
        fill = self._fill()
        if fill is None:
            waited = self.costs.entry_bars
            if len(self.opens) < waited or self.price == self.close:
                return {"reason": "open", "fill_price": None, "r": None}
            return {"reason": "expired", "fill_price": None, "exit_time": self._closed_at(waited - 1), "r": None}
        for index in range(fill.index, min(len(self.opens), fill.index + self.costs.horizon_bars)):
            exit_ = self._exit(fill, index)
            if exit_ is not None:
                return self._closed(fill, index, *exit_)
        return {"reason": "open", "fill_price": pytest.approx(self.up * fill.price), "r": None}

    def _fill(self) -> Fill | None:
        if self.price == self.close:
            return Fill(0, self._worse(self.opens[0], 1), False) if self.opens else None
        for index in range(min(self.costs.entry_bars, len(self.opens))):
            open_ = self.opens[index]
            if self.price > self.close and self.best[index] >= self.price:
                return Fill(index, self._worse(max(open_, self.price), 1), open_ < self.price)
            if self.price < self.close and self.worst[index] <= self.price:
                return Fill(index, self.price, open_ > self.price)
        return None

    def _exit(self, fill: Fill, index: int) -> tuple[str, float] | None:
        """Why and at which price it ends on a bar."""
        inside = fill.inside and index == fill.index
        open_ = self.opens[index]
        if self.worst[index] <= self.stop:
            return "stop", self._worse(self.stop if inside else min(self.stop, open_), -1)
        at_market = self.price >= self.close
        if self.best[index] >= self.target and (at_market or not inside):
            gone = index == fill.index and at_market and open_ > self.target
            return "target", open_ if gone else self.target
        if index - fill.index + 1 == self.costs.horizon_bars:
            return "horizon", self._worse(self.closes[index], -1)
        return None

    def _closed(self, fill: Fill, index: int, reason: str, price: float) -> Trade:
        gain = price - fill.price - self.costs.fee * (abs(fill.price) + abs(price))
        return {
            "reason": reason,
            "fill_time": format_time(self.open_ms[fill.index]),
            "fill_price": pytest.approx(self.up * fill.price),
            "exit_time": self._closed_at(index),
            "exit_price": pytest.approx(self.up * price),
            "bars": index - fill.index + 1,
            "r": pytest.approx(gain / abs(self.price - self.stop)),
            "return_bps": pytest.approx(gain / abs(fill.price) * 1e4),
        }

    def _worse(self, price: float, sign: int) -> float:
        return price + sign * self.costs.slippage * abs(price)

    def _closed_at(self, index: int) -> str:
        return format_time(self.open_ms[index] + TIMEFRAMES[self.signal["timeframe"]].span_ms)
