"""The command `ta-bot report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dataflow.commands.recorded import ToOption, check_writable, period_of
from dataflow.commands.rules import DEFAULTS, EntryOption, FeeOption, HorizonOption, SeedOption, SlippageOption
from dataflow.live.line_file import STDOUT
from operators.evaluation.rules import Rules
from state.errors import StopProgram


def report(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    signals: Annotated[
        Path, typer.Argument(help="Signals as JSON lines, as `ta-bot replay --out` writes them", show_default=False)
    ],
    klines: Annotated[
        list[Path],
        typer.Option(help="Recorded klines under the signals, or folders of them; may be repeated", metavar="PATH"),
    ],
    out: Annotated[Path, typer.Option(help="File for the page; - is standard output")] = Path("report.html"),
    symbol: Annotated[str | None, typer.Option(help="Show only these symbols, separated by commas")] = None,
    timeframe: Annotated[str | None, typer.Option(help="Show only these timeframes, separated by commas")] = None,
    strategies: Annotated[str | None, typer.Option(help="Show only these strategies, separated by commas")] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Show bars from this open time on (UTC); earlier ones only warm up")
    ] = None,
    end: ToOption = None,
    overlays: Annotated[bool, typer.Option(help="The indicators of the strategies; two thirds of the page")] = True,
    fee_bps: FeeOption = DEFAULTS.fee_bps,
    slippage_bps: SlippageOption = DEFAULTS.slippage_bps,
    horizon_bars: HorizonOption = DEFAULTS.horizon_bars,
    entry_bars: EntryOption = DEFAULTS.entry_bars,
    seed: SeedOption = DEFAULTS.seed,
) -> None:
    """Draw signals over their klines, with what became of them, as one page that needs no network."""
    from dataflow.report.making import Selection, make_page

    start_ms, end_ms = period_of(start, end)
    check_writable(out)
    selection = Selection(
        _names(symbol, "--symbol", upper=True),
        _names(timeframe, "--timeframe"),
        _names(strategies, "--strategies"),
        start_ms,
        end_ms,
    )
    rules = Rules(fee_bps, slippage_bps, horizon_bars, entry_bars, seed)
    page = make_page(signals, klines, out, selection, rules, overlays=overlays)
    _write(out, page.html)
    for sentence in page.told:
        typer.echo(f"ta-bot: {' '.join(sentence.split())}", err=True)
    where = "standard output" if out == STDOUT else str(out)
    typer.echo(f"{page.signals:,} signals on a page of {len(page.html) / 1e6:.1f} MB: {where}", err=out == STDOUT)


def _names(text: str | None, option: str, *, upper: bool = False) -> frozenset[str] | None:
    if text is None:
        return None
    names = frozenset(name.strip().upper() if upper else name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise StopProgram(f"{option}: expected names separated by commas, got none")
    return names


def _write(out: Path, content: bytes) -> None:
    from dataflow.replay.results import output_to

    with output_to(sys.stdout.buffer if out == STDOUT else out) as file:
        file.write(content)
