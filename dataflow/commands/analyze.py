"""The command `ta-bot analyze`."""

from __future__ import annotations

from typing import Annotated

import typer

from dataflow.commands.options import (
    CooldownOption,
    MinConfidenceOption,
    OverridesOption,
    StrategiesOption,
    UriOption,
    pinned_from,
)
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of
from state.timeframe import timeframe_named


def analyze(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    symbol: Annotated[str | None, typer.Option(help="Symbol of the key to analyze")] = None,
    timeframe: Annotated[str | None, typer.Option(help="Timeframe of the key to analyze, such as 15m")] = None,
    every_key: Annotated[
        bool, typer.Option("--all", help="Analyze all keys of SUPPORTED_SYMBOLS and SUPPORTED_TIMEFRAMES")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the signals as JSON lines, and nothing else")] = False,
    uri: UriOption = None,
    strategies: StrategiesOption = None,
    overrides: OverridesOption = None,
    min_confidence: MinConfidenceOption = None,
    cooldown_bars: CooldownOption = None,
) -> None:
    """Show the signals of the latest closed bar, from the klines of the history, with the stored configuration.

    They are those of a bot that starts now: a setup must begin on that bar.
    """
    named = _named_key(symbol, timeframe, every_key=every_key)

    from dataflow.commands.analyze_keys import analyze_keys
    from dataflow.live.settings import settings_of

    pinned = pinned_from(strategies, overrides, min_confidence, cooldown_bars)
    analyze_keys(named, settings_of(mysql_uri=uri), pinned, as_json=as_json)


def _named_key(symbol: str | None, timeframe: str | None, *, every_key: bool) -> str | None:
    """The key that the options name; None for all."""
    if every_key and (symbol is not None or timeframe is not None):
        raise StopProgram("--all takes neither --symbol nor --timeframe")
    if every_key:
        return None
    if symbol is None or timeframe is None:
        raise StopProgram("expected --symbol and --timeframe, or --all")
    try:
        return key_of(check_symbol(symbol), timeframe_named(timeframe))
    except SkipInput as error:
        raise StopProgram(str(error)) from error
