"""What `ta-bot history` does: recorded klines into the history, and out of it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from dataflow.commands.history_store import BadRows, open_history
from dataflow.live.line_file import STDOUT
from dataflow.live.settings import settings_of
from dataflow.recorded import read_bars
from operators.times import format_time
from state.bar import Bar
from state.errors import StopProgram
from state.klines import KlineStore, Written

# Bars held until they are written, some 50 MB, and bars read at a time.
HELD_BARS = 200_000
PAGE_BARS = 10_000

CSV_HEADER = "symbol,timeframe,time,open,high,low,close,volume"


def import_files(paths: Sequence[Path], uri: str | None, *, symbol: str | None, timeframe: str | None) -> None:
    """Write recorded klines into the history, and show how many were new.

    Raises:
        StopProgram: files or history are not usable.
    """
    bad = BadRows()
    with open_history(settings_of(mysql_uri=uri), bad) as store:
        written = _import(store, read_bars(paths, symbol=symbol, timeframe=timeframe, on_bad=bad.report))
        console = _console()
        console.print(f"Imported into {store.name}", highlight=False, soft_wrap=True)
        console.print(_imported(written, bad.count))


def export_csv(key: str, start_ms: int | None, end_ms: int | None, out: Path, uri: str | None) -> None:
    """Write the bars of a key that open from `start_ms` to before `end_ms` as CSV.

    Raises:
        StopProgram: there are none, the history is not usable, or `out` cannot be written.
    """
    with open_history(settings_of(mysql_uri=uri), BadRows()) as store:
        bars = _pages(store, key, start_ms or 0, sys.maxsize if end_ms is None else end_ms)
        first = next(bars, None)
        if first is None:
            at_times = "" if start_ms is None and end_ms is None else " at these times"
            raise StopProgram(f"{store.name}: no bars of {key} in it{at_times}")
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
