"""The key that everything is partitioned by: ``SYMBOL|timeframe``."""

from __future__ import annotations

import re

from state.errors import SkipInput
from state.timeframe import Timeframe, timeframe_named

# Symbols end up in NATS subjects and in SQL table names, so what they may hold is narrow.
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9_]{0,39}")


def check_symbol(text: str) -> str:
    """`text` as a symbol, in upper case.

    Raises:
        SkipInput: it is not 1 to 40 letters, digits and underscores.
    """
    symbol = text.strip().upper()
    if not (text.isascii() and _SYMBOL.fullmatch(symbol)):  # some letters of other scripts are ASCII in upper case
        raise SkipInput(f"bad symbol {text[:60]!r}: expected 1 to 40 letters, digits or underscores")
    return symbol


def key_of(symbol: str, timeframe: Timeframe) -> str:
    """The key of a checked symbol and a timeframe.

    >>> key_of("BTCUSDT", timeframe_named("15m"))
    'BTCUSDT|15m'
    """
    return f"{symbol}|{timeframe.name}"


def split_key(key: str) -> tuple[str, Timeframe]:
    """Symbol and timeframe of a key made by `key_of`."""
    symbol, _, timeframe = key.partition("|")
    return symbol, timeframe_named(timeframe)
