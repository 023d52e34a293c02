"""The commands `ta-bot history`: recorded klines into the history, and out of it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, NamedTuple

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from dataflow.commands.history_store import BadRows, UriOption, open_history
from dataflow.live.line_file import STDOUT
from dataflow.live.settings import settings_of
from dataflow.recorded import read_bars
from operators.times import format_time, parse_time_ms
from state.bar import Bar
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of
from state.klines import KlineStore, Written
from state.timeframe import timeframe_named

END_OF_TIME_MS = sys.maxsize

# Bars held until they are written, some 50 MB, and bars read at a time.
HELD_BARS = 200_000
PAGE_BARS = 10_000

CSV_HEADER = "symbol,timeframe,time,open,high,low,close,volume"

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
    bad = BadRows()
    with open_history(settings_of(mysql_uri=uri).history_uri, bad) as store:
        written = _import(store, read_bars(paths, symbol=symbol, timeframe=timeframe, on_bad=bad.report))
        console = _console()
        console.print(f"Imported into {store.name}", highlight=False, soft_wrap=True)
        console.print(_imported(written, bad.count))


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
        start_ms = 0 if start is None else parse_time_ms(start)
        end_ms = END_OF_TIME_MS if end is None else parse_time_ms(end)
    except SkipInput as error:
        raise StopProgram(str(error)) from error
    with open_history(settings_of(mysql_uri=uri).history_uri, BadRows()) as store:
        bars = _pages(store, key, start_ms, end_ms)
        first = next(bars, None)
        if first is None:
            raise StopProgram(f"{store.name}: no bars of {key} in it" + (" at these times" if start or end else ""))
        with _output(out) as file:
            file.write(f"{CSV_HEADER}\n")
            file.writelines(_csv_rows(key, first))
            for page in bars:
                file.writelines(_csv_rows(key, page))


class Imported(NamedTuple):
    """What an import did, in all."""

    keys: int
    bars: Written


def _import(store: KlineStore, bars: Iterable[tuple[str, Bar]]) -> Imported:
    keys: set[str] = set()
    held: dict[str, list[Bar]] = {}
    count = 0
    total = Written()
    for key, bar in bars:
        held.setdefault(key, []).append(bar)
        count += 1
        if count == HELD_BARS:
            total = _write(store, held, total)
            keys |= held.keys()
            held, count = {}, 0
    return Imported(len(keys | held.keys()), _write(store, held, total))


def _write(store: KlineStore, held: dict[str, list[Bar]], total: Written) -> Written:
    for key, bars in held.items():
        total = Written(*map(sum, zip(total, store.write(key, bars), strict=True)))
    return total


def _imported(imported: Imported, bad_rows: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("count", justify="right")
    rows = {
        "keys": imported.keys,
        "bars new": imported.bars.new,
        "bars corrected": imported.bars.corrected,
        "bars there already": imported.bars.unchanged,
        "bad rows skipped": bad_rows,
    }
    for label, count in rows.items():
        table.add_row(label, f"{count:,}")
    return table


def _pages(store: KlineStore, key: str, start_ms: int, end_ms: int) -> Iterator[list[Bar]]:
    after_ms = start_ms - 1
    while page := store.between(key, after_ms, end_ms, PAGE_BARS):
        yield page
        after_ms = page[-1].open_time_ms


def _csv_rows(key: str, bars: Iterable[Bar]) -> Iterator[str]:
    named = key.replace("|", ",")
    for time_ms, *numbers in bars:
        # The shortest text that reads back as the same number.
        yield f"{named},{format_time(int(time_ms))},{','.join(map(repr, numbers))}\n"


@contextmanager
def _output(target: Path) -> Iterator[IO[str]]:
    """Standard output, or a file that takes its name only when it is complete."""
    if target == STDOUT:
        yield sys.stdout
        return
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as folder:
            unfinished = Path(folder, target.name)
            with unfinished.open("w", encoding="utf-8", newline="") as file:
                yield file
            unfinished.replace(target)
    except OSError as error:
        raise StopProgram(f"{target}: cannot be written: {error.strerror or error}") from error


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 200)
