"""The command `ta-bot strategies`."""

from __future__ import annotations

from typing import Annotated

import typer

from dataflow.commands.options import console_beside


def strategies(
    strategy_id: Annotated[
        str | None,
        typer.Argument(
            help="Show one strategy's parameters, ranges and descriptions", metavar="[ID]", show_default=False
        ),
    ] = None,
) -> None:
    """List the strategies and their parameters."""
    from dataflow.tables import strategies_table, strategy_table
    from strategies.registry import strategy_named

    table = strategies_table() if strategy_id is None else strategy_table(strategy_named(strategy_id))
    console_beside().print(table)
