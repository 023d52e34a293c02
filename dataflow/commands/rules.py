"""Options of the commands that follow signals: at which costs, and for how long."""

from __future__ import annotations

from typing import Annotated

import typer

from operators.evaluation.rules import Rules

DEFAULTS = Rules()

FeeOption = Annotated[
    float, typer.Option(min=0.0, max=1_000.0, help="Fee at entry and at exit, in basis points of the price")
]
SlippageOption = Annotated[
    float, typer.Option(min=0.0, max=1_000.0, help="How much worse a market order is filled, in basis points")
]
HorizonOption = Annotated[
    int, typer.Option(min=1, max=10_000, help="Bars after which a position is closed, that of its entry included")
]
EntryOption = Annotated[
    int, typer.Option(min=1, max=1_000, help="Bars that an order away from the close waits for its price")
]
SeedOption = Annotated[int, typer.Option(help="Another seed is another baseline")]
