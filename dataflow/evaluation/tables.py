"""Scores as a table."""

from __future__ import annotations

from rich.table import Table

from dataflow.evaluation.results import ALL, Evaluation
from dataflow.tables import new_table
from operators.evaluation.rules import Rules
from operators.evaluation.statistics import Score, histogram_median

NUMBERS = ("signals", "filled", "won %", "95 %", "luck %", "mean R", "net R", "gain", "drawdown", "bars")
WIDEST = 160
"""Where nobody looks at a terminal."""
HEADINGS = {"strategy_id": "strategy"}
NOTHING = "–"


def score_table(evaluation: Evaluation, rules: Rules, by: tuple[str, ...]) -> Table:
    """A row for each group of trades, and one for all."""
    table = new_table("Signals followed", *(HEADINGS.get(name, name) for name in by), *NUMBERS, numbers=NUMBERS)
    for column in table.columns:
        column.no_wrap = True
    for group, score in evaluation.of(by):
        table.add_row(*(getattr(group, name) for name in by), *_cells(score))
    for _, score in evaluation.of(ALL):
        table.add_section()
        table.add_row("all", *("" for _ in by[1:]), *_cells(score))
    table.caption = (
        f"After fees of {rules.fee_bps:g} bps a side and {rules.slippage_bps:g} bps of slippage. Orders wait"
        f" {rules.entry_bars} bars, positions last {rules.horizon_bars} at most.\n"
        "won: of those that have ended, after costs, with its 95 % interval; luck: of the same orders on other bars\n"
        "at the same hour, * outside that interval; mean R: before costs; net R: after them; gain: for each R lost;\n"
        "drawdown: largest, in R; bars: median held."
    )
    return table


def _cells(score: Score) -> tuple[str, ...]:
    low, high = score.interval or (None, None)
    return (
        f"{score.signals:,}",
        f"{score.filled:,}",
        _percent(score.win_rate),
        NOTHING if low is None or high is None else f"{low * 100.0:.1f} - {high * 100.0:.1f}",
        _percent(score.random_win_rate) + ("*" if score.beyond_luck else ""),
        _number(score.mean(score.gross_r), "+.3f"),
        _number(score.mean(score.r), "+.3f"),
        _number(score.profit_factor, ".2f"),
        f"{score.drawdown.value():,.1f}",
        _number(histogram_median(score.bars), "g"),
    )


def _percent(share: float | None) -> str:
    return NOTHING if share is None else f"{share * 100.0:.1f}"


def _number(value: float | None, how: str) -> str:
    return NOTHING if value is None else format(value, how)
