"""The commands `ta-bot history`: recorded klines into the history, and out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataflow.commands.options import UriOption
from dataflow.live.line_file import STDOUT
from operators.times import parse_time_ms
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of
from state.timeframe import timeframe_named

history_app = typer.Typer(help="Write recorded klines into the history, or read them out.", no_args_is_help=True)


@history_app.command("import")
def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Recorded klines, as for replay", metavar="PATH...", show_default=False),
    ],
    symbol: Annotated[str | None, typer.Option(help="Symbol of klines that do not name it")] = None,
    timeframe: Annotated[str | None, typer.Option(help="Timeframe of klines that do not name it, such as 15m")] = None,
    uri: UriOption = None,
) -> None:
    """Write recorded klines into the history; what stands there with other values is corrected."""
    from dataflow.commands.history_files import import_files

    import_files(paths, uri, symbol=symbol, timeframe=timeframe)


@history_app.command("export")
def export(
    symbol: Annotated[str, typer.Option(help="Symbol of the klines")],
    timeframe: Annotated[str, typer.Option(help="Timeframe of the klines, such as 15m")],
    start: Annotated[str | None, typer.Option("--from", help="First open time (UTC)")] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Leave out bars that open at this time (UTC) or later")
    ] = None,
    out: Annotated[Path, typer.Option(help="File for the klines as CSV; - is standard output")] = STDOUT,
    uri: UriOption = None,
) -> None:
    """Write klines of the history as CSV, which replay and import read."""
    try:
        key = key_of(check_symbol(symbol), timeframe_named(timeframe))
        start_ms = None if start is None else parse_time_ms(start)
        end_ms = None if end is None else parse_time_ms(end)
    except SkipInput as error:
        raise StopProgram(str(error)) from error

    from dataflow.commands.history_files import export_csv

    export_csv(key, start_ms, end_ms, out, uri)
