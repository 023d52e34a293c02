"""What a check of the warm-up leaves: how the signals of seeded keys differ, by strategy."""

from __future__ import annotations

import orjson
from rich.table import Table

from dataflow.replay.plan import Plan
from dataflow.replay.watched import records_of
from dataflow.tables import new_table
from operators.evaluation.seeding import Differences, KeySeeding
from strategies.registry import STRATEGIES


def seedings_in(plan: Plan) -> KeySeeding:
    """What an ended replay found, over all its keys."""
    found = KeySeeding("")
    for kind, record in records_of(plan):
        if kind == "seeding":
            content = orjson.loads(record)
            for name, into in (("begun", found.begun), ("emitted", found.emitted)):
                for strategy_id, counts in content[name].items():
                    into.setdefault(strategy_id, Differences()).add(Differences(**counts))
    return found


def seeding_table(found: KeySeeding, bars: int) -> Table:
    """A row for each strategy with signals, and one for all."""
    columns = ("both", "only whole", "only seeded", "differ", "confidence", "bps", "emitted differ")
    title = f"Setups of keys seeded with {bars:,} bars, and of keys that saw the whole"
    table = new_table(title, "strategy", *columns, numbers=columns)
    total, emitted = Differences(), Differences()
    for strategy_id in STRATEGIES:
        if strategy_id in found.begun:
            total.add(found.begun[strategy_id])
            emitted.add(found.emitted.get(strategy_id, Differences()))
            table.add_row(strategy_id, *_cells(found.begun[strategy_id], found.emitted.get(strategy_id, Differences())))
    table.add_section()
    table.add_row("all", *_cells(total, emitted))
    table.caption = (
        "differ: share of setups that begin with only one of them; confidence, bps: largest differences in the\n"
        "confidence and the levels of the others; emitted differ: share of signals, as a new key knows no cooldown"
    )
    return table


def _cells(begun: Differences, emitted: Differences) -> tuple[str, ...]:
    counts = (begun.both, begun.only_whole, begun.only_seeded)
    sizes = (f"{begun.confidence:.1g}", f"{begun.levels_bps:.1g}")
    return (*(f"{count:,}" for count in counts), f"{begun.share:.2%}", *sizes, f"{emitted.share:.0%}")
