"""The command `ta-bot record`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def record(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    out: Annotated[
        Path, typer.Option(help="File for the messages as JSON lines; - is standard output", show_default=False)
    ],
    append: Annotated[bool, typer.Option("--append", help="Go on at the end of a file that exists")] = False,
    nats_url: Annotated[str | None, typer.Option(help="NATS servers, instead of NATS_URL")] = None,
    symbols: Annotated[str | None, typer.Option(help="Symbols, * for all, instead of SUPPORTED_SYMBOLS")] = None,
    timeframes: Annotated[
        str | None, typer.Option(help="Timeframes, * for all, instead of SUPPORTED_TIMEFRAMES")
    ] = None,
    from_start: Annotated[
        bool,
        typer.Option("--from-start", help="Begin with all that NATS still holds, not with what arrives from now on"),
    ] = False,
    count: Annotated[int | None, typer.Option(min=1, help="Stop after so many recorded messages")] = None,
    seconds: Annotated[float | None, typer.Option(min=0.0, help="Stop after so long")] = None,
) -> None:
    """Record live kline messages from NATS, until Ctrl-C or a limit, in a file that replay reads.

    Each message that holds wanted closed klines becomes a line, once, even when NATS goes away in between.
    """
    from dataflow.commands.record_messages import record_messages
    from dataflow.live.settings import settings_of

    settings = settings_of(nats_url=nats_url, supported_symbols=symbols, supported_timeframes=timeframes)
    record_messages(settings, out, append=append, from_start=from_start, count=count, seconds=seconds)
