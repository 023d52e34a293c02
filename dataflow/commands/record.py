"""The command `ta-bot record`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from dataflow.commands.options import console_beside
from dataflow.live.line_file import LineFile
from dataflow.live.record import Recorded, Recorder
from dataflow.live.record import record as run_record
from dataflow.live.settings import settings_of
from dataflow.stopping import Stop

_SKIPPED = {
    "kline": "skipped, no closed kline in it",
    "symbol": "skipped, of other symbols",
    "timeframe": "skipped, of other timeframes",
    "notice": "skipped, notice of bars in the history",
    "unusable": "skipped, unusable",
}


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
    settings = settings_of(nats_url=nats_url, supported_symbols=symbols, supported_timeframes=timeframes)
    nats, streams = settings.nats_options("ta-bot record"), settings.stream_settings()
    recorder = Recorder(settings.selection(), count)
    stop = Stop()
    with stop.on_signals(), LineFile(out, append=append) as file:
        recorded = run_record(
            nats,
            streams,
            recorder,
            file,
            stop,
            from_start=from_start,
            seconds=seconds,
        )
        console = console_beside(out)
        console.print(f"Recorded in {file.name}", highlight=False, soft_wrap=True)
        console.print(_table(recorded))


def _table(recorded: Recorded) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("count", justify="right")
    rows = {"messages": recorded.messages, "bars in them": recorded.bars, "keys": len(recorded.keys)}
    rows |= {_SKIPPED[why]: recorded.skipped[why] for why in _SKIPPED if recorded.skipped[why]}
    for label, number in rows.items():
        table.add_row(label, f"{number:,}")
    return table
