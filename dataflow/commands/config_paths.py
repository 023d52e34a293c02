"""What of the API's configuration a command names, as paths."""

from __future__ import annotations

from urllib.parse import quote

from state.errors import SkipInput, StopProgram
from state.key import check_symbol

APPLICATION = "application"
"""Stands in place of a strategy for the application's settings."""


def path_of(name: str, symbol: str | None, what: str = "config") -> str:
    """The path of something of a strategy, or of the application.

    >>> path_of("doji_reversal", "BTCUSDT"), path_of("application", None, "audit")
    ('/strategies/doji_reversal/config/BTCUSDT', '/config/application/audit')

    Raises:
        StopProgram: a symbol is none, or is named for the application.
    """
    if name == APPLICATION:
        if symbol is not None:
            raise StopProgram("the application's settings are for all symbols: leave out --symbol")
        return "/config/application" if what == "config" else f"/config/application/{what}"
    path = f"/strategies/{quote(name, safe='')}/{what}"
    return f"{path}/{symbol_named(symbol)}" if symbol is not None and what == "config" else path


def symbol_named(symbol: str) -> str:
    """A symbol of an option, in upper case.

    Raises:
        StopProgram: it is none.
    """
    try:
        return check_symbol(symbol)
    except SkipInput as error:
        raise StopProgram(f"--symbol: {error}") from error
