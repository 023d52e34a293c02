"""What the command line shows: tables and a progress bar."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table

from dataflow.replay.progress import Progress
from dataflow.replay.results import Summary
from dataflow.replay.run import Outcome
from strategies.base import Strategy
from strategies.registry import STRATEGIES
from strategies.schema import rules_of, schema_of

REFRESH_SECS = 0.2
ACTIONS = ("buy", "sell", "hold")


@contextmanager
def progress_bar(console: Console, progress: Progress, total_bytes: int) -> Iterator[None]:
    """A bar with bars per second and time left while entered; nothing where `console` is not a terminal."""
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("replay"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with ProgressBar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("replay", total=total_bytes, rate="")
        done = threading.Event()

        def show() -> None:
            while not done.wait(REFRESH_SECS):
                elapsed = bar.tasks[0].elapsed or 1.0
                bar.update(task, completed=progress.all_bytes(), rate=f"{progress.all_bars() / elapsed:,.0f} bars/s")

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def replay_tables(outcome: Outcome[Any], summary: Summary) -> Iterable[Table]:
    """What a replay did: signals by strategy, signals by symbol, and what happened to the bars."""
    yield _by_strategy(summary)
    yield _by_symbol(summary)
    yield bars_table(outcome, summary)


def _by_strategy(summary: Summary) -> Table:
    table = new_table("Signals by strategy", "strategy", *ACTIONS, numbers=ACTIONS)
    for strategy_id in STRATEGIES:
        counts = [summary.signals[strategy_id, action] for action in ACTIONS]
        if any(counts):
            table.add_row(strategy_id, *(f"{count:,}" if count else "" for count in counts))
    totals = [sum(summary.signals[strategy_id, action] for strategy_id in STRATEGIES) for action in ACTIONS]
    table.add_section()
    table.add_row("all", *(f"{total:,}" for total in totals))
    return table


def _by_symbol(summary: Summary) -> Table:
    columns = ("symbol", "days", "buy and sell signals", "a day")
    table = new_table("Signals by symbol", *columns, numbers=columns[1:])
    for symbol, days in summary.days().items():
        trades = summary.trades[symbol]
        table.add_row(symbol, f"{days:,.1f}", f"{trades:,}", f"{trades / days:,.1f}")
    return table


def bars_table(outcome: Outcome[Any], summary: Summary) -> Table:
    """What happened to the bars."""
    table = new_table("Bars", "", "count", numbers=("count",))
    table.add_row("analyzed", f"{summary.total('bars'):,}")
    rows = {
        "only warmed up": summary.total("warm_up_bars"),
        "dropped, repeated": summary.total("repeated"),
        "dropped, out of order": summary.total("out_of_order"),
        "bad rows skipped": summary.bad_rows,
        "gaps": summary.total("gaps"),
        "bars missing in gaps": summary.total("missing_bars"),
        "snapshots refused, warmed up again": summary.total("refused_snapshots"),
    }
    always = ("dropped, repeated", "dropped, out of order", "bad rows skipped", "gaps")
    for name, count in rows.items():
        if count or name in always:
            table.add_row(name, f"{count:,}")
    for strategy_id, count in summary.strategy_errors().items():
        table.add_row(f"errors in {strategy_id}", f"{count:,}")
    table.add_row("bars per second", f"{outcome.bars_per_sec:,.0f}")
    return table


def strategies_table() -> Table:
    """All strategies with their parameters' defaults."""
    table = new_table(f"{len(STRATEGIES)} strategies", "strategy", "what it looks for", "parameters and defaults")
    for strategy in STRATEGIES.values():
        defaults = ", ".join(f"{parameter.name} {parameter.default}" for parameter in schema_of(strategy))
        table.add_row(strategy.id, strategy.description, defaults, end_section=True)
    return table


def strategy_table(strategy: type[Strategy[Any]]) -> Table:
    """One strategy's parameters with defaults, ranges and descriptions."""
    table = new_table(
        f"{strategy.name} ({strategy.id}): {strategy.description}",
        *("parameter", "default", "from", "to", "description"),
        numbers=("default", "from", "to"),
    )
    for parameter in schema_of(strategy):
        numbers = (_text(parameter.default), _text(parameter.minimum), _text(parameter.maximum))
        table.add_row(parameter.name, *numbers, parameter.description)
    rules = rules_of(strategy)
    if rules:
        table.caption = "Must hold: " + "; ".join(rules)
    return table


def _text(number: float) -> str:
    return f"{number:g}" if number % 1 else str(number)


def new_table(title: str, *columns: str, numbers: Iterable[str] = ()) -> Table:
    """An empty table, with `numbers` to the right."""
    table = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold", no_wrap=not index)
    return table
