"""What `ta-bot record` does: messages of NATS into a file, and a table of what they were."""

from __future__ import annotations

from pathlib import Path

from rich import box
from rich.table import Table

from dataflow.commands.options import console_beside
from dataflow.live.line_file import LineFile
from dataflow.live.record import Recorded, Recorder, record
from dataflow.live.settings import Settings
from dataflow.stopping import Stop

_SKIPPED = {
    "kline": "skipped, no closed kline in it",
    "symbol": "skipped, of other symbols",
    "timeframe": "skipped, of other timeframes",
    "notice": "skipped, notice of bars in the history",
    "unusable": "skipped, unusable",
}


def record_messages(
    settings: Settings, out: Path, *, append: bool, from_start: bool, count: int | None, seconds: float | None
) -> None:
    """Record what the settings select in `out`, until a signal, `count` messages or so many `seconds`.

    Raises:
        StopProgram: NATS refuses, or `out` cannot be written.
    """
    nats, streams = settings.nats_options("ta-bot record"), settings.stream_settings()
    recorder = Recorder(settings.selection(), count)
    stop = Stop()
    with stop.on_signals(), LineFile(out, append=append) as file:
        recorded = record(nats, streams, recorder, file, stop, from_start=from_start, seconds=seconds)
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
