"""Signals for people: numbers with the digits that matter, a line per signal, a table of many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import floor, log10
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from dataflow.recorded.places import printable
from strategies.signal import Signal

COLOURS = {"buy": "green", "sell": "red", "hold": "yellow", "close": "magenta"}

# Narrower than this, a table's cells would be broken up.
TABLE_WIDTH = 136

_DIGITS = 6


def price_text(price: float | None) -> str:
    """A price with 6 digits, and at least 2 decimals; nothing for None.

    >>> price_text(40409.25558), price_text(1.25), price_text(0.00001234567), price_text(None)
    ('40409.26', '1.25000', '0.0000123457', '')
    """
    if price is None:
        return ""
    before = floor(log10(abs(price))) + 1 if price else 1
    return f"{price:.{max(2, _DIGITS - before)}f}"


def time_text(timestamp: str) -> str:
    """An ISO 8601 time of ours, to the minute.

    >>> time_text("2024-01-01T00:15:00.000Z")
    '2024-01-01 00:15'
    """
    return timestamp[:16].replace("T", " ")


def signal_line(signal: Mapping[str, Any], *, late: bool = False) -> Text:
    """Time, symbol, timeframe, strategy, action, confidence, price, stop and target on one line.

    Raises:
        KeyError, TypeError, ValueError: it is no signal.
    """
    names = ("timestamp", "symbol", "timeframe", "strategy_id", "action")
    timestamp, symbol, timeframe, strategy_id, action = (printable(signal[name]) for name in names)
    line = Text(f"{time_text(timestamp)}  {symbol:<12} {timeframe:>3}  {strategy_id:<35} ")
    line.append(f"{action:<5}", style=COLOURS.get(action, ""))
    line.append(f" {signal['confidence']:.2f}  {price_text(signal['price']):>12}")
    for name, field in (("stop", "stop_loss"), ("target", "take_profit")):
        price = signal.get(field)
        line.append(f"  {name} {price_text(price):>12}" if price is not None else "")
    if late:
        line.append("  late", style="yellow")
    return line


def signals_shown(signals: Sequence[Signal], width: int) -> RenderableType:
    """Signals with their bars: a table, or two lines for each where `width` columns are too few for one."""
    return _table(signals) if width >= TABLE_WIDTH else Group(*map(_two_lines, signals))


def _table(signals: Sequence[Signal]) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    numbers = ("confidence", "price", "stop", "target")
    for name in ("key", "bar opened", "closed", "strategy", "action", *numbers):
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for one in signals:
        table.add_row(
            f"{one.symbol}|{one.timeframe}",
            time_text(one.metadata.bar_open_time),
            time_text(one.timestamp),
            one.strategy_id,
            Text(one.action, style=COLOURS[one.action]),
            f"{one.confidence:.2f}",
            *map(price_text, (one.price, one.stop_loss, one.take_profit)),
        )
    return table


def _two_lines(one: Signal) -> Text:
    lines = Text(f"{one.symbol}|{one.timeframe}  {one.strategy_id}  ")
    lines.append(one.action, style=COLOURS[one.action])
    prices = {"price": one.price, "stop": one.stop_loss, "target": one.take_profit}
    bar = f"{time_text(one.metadata.bar_open_time)} to {time_text(one.timestamp)}"
    told = [f"{name} {price_text(price)}" for name, price in prices.items() if price is not None]
    return lines.append(f"  {one.confidence:.2f}\n    {bar}  {'  '.join(told)}")
