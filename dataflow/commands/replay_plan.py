"""What `ta-bot replay`, `demo` and `evaluate` do once they know what to replay."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NoReturn

from rich.console import Console

from dataflow.commands.options import console_beside
from dataflow.evaluation.files import as_csv, as_json
from dataflow.evaluation.results import collect_trades
from dataflow.evaluation.seeding import seeding_table, seedings_in
from dataflow.evaluation.tables import WIDEST, score_table
from dataflow.live.line_file import STDOUT
from dataflow.logs import tell_end
from dataflow.replay.plan import Plan
from dataflow.replay.progress import Progress
from dataflow.replay.results import collect, output_to
from dataflow.replay.run import run_plan
from dataflow.tables import bars_table, progress_bar, replay_tables
from operators.evaluation.rules import Rules


def replay_and_tell(plan: Plan, out: Path | None, alerts_out: Path | None, seeded_bars: int | None = None) -> None:
    """Replay with a bar on a terminal, write signals and alerts where they are wanted, and show what was done."""
    console = console_beside(out, alerts_out)
    outputs = _target(out), _target(alerts_out)
    outcome = run_plan(plan, lambda ended: (collect(ended, *outputs), seedings_in(ended)), _progress_bar)
    if outcome.summary is None:
        _say_interrupted(plan, outcome.bars, outcome.by_signal)
    summary, seedings = outcome.summary
    for table in replay_tables(outcome, summary):
        console.print(table)
    if seeded_bars is not None:
        _wide(console).print(seeding_table(seedings, seeded_bars))


def evaluate_and_tell(
    plan: Plan, rules: Rules, by: tuple[str, ...], *, json: Path | None, csv: Path | None, trades: Path | None
) -> None:
    """Replay with a bar on a terminal, write scores and trades where they are wanted, and show the scores."""
    outcome = run_plan(plan, lambda ended: collect_trades(ended, _target(trades), by), _progress_bar)
    if outcome.summary is None:
        _say_interrupted(plan, outcome.bars, outcome.by_signal)
    _write(json, as_json(outcome.summary, rules) if json else b"")
    _write(csv, as_csv(outcome.summary) if csv else b"")
    console = _wide(console_beside(json, csv, trades))
    console.print(score_table(outcome.summary, rules, by))
    console.print(bars_table(outcome, outcome.summary.summary))


def _wide(console: Console) -> Console:
    """With room for wide tables where nobody looks at a terminal."""
    if not console.is_terminal:
        console.width = WIDEST
    return console


def _write(target: Path | None, content: bytes) -> None:
    with output_to(_target(target)) as out:
        out.write(content)


def _progress_bar(progress: Progress, total_bytes: int) -> AbstractContextManager[None]:
    return progress_bar(Console(stderr=True), progress, total_bytes)


def _target(path: Path | None) -> Path | IO[bytes] | None:
    return sys.stdout.buffer if path == STDOUT else path


def _say_interrupted(plan: Plan, bars: int, by_signal: int | None) -> NoReturn:
    rest = f"; the same command goes on from there, with --recovery {plan.folder}" if plan.recovery else ""
    tell_end(f"interrupted after {bars:,} bars, nothing written{rest}")
    sys.exit(128 + (by_signal or 0))
