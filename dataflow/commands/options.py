"""Options that commands share, and the console that they print on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dataflow.live.line_file import STDOUT
from state.errors import StopProgram

if TYPE_CHECKING:
    from rich.console import Console

    from strategies.resolution import Pinned

# Width of tables where nobody looks at a terminal.
PIPED_WIDTH = 100

API_URL_VARIABLE = "TA_BOT_API_URL"
API_CA_VARIABLE = "API_CA_FILE"
DEFAULT_API_URL = "http://127.0.0.1:8080"

StrategiesOption = Annotated[str | None, typer.Option("--strategies", help="Run only these, separated by commas")]
OverridesOption = Annotated[list[str] | None, typer.Option("--set", help="strategy.parameter=value; may be repeated")]
MinConfidenceOption = Annotated[float | None, typer.Option(help="Confidence below which no setup holds")]
CooldownOption = Annotated[int | None, typer.Option(help="Bars between two signals of a strategy with the same action")]
UriOption = Annotated[
    str | None,
    typer.Option(help="mysql+pymysql://user:password@host/database or sqlite:///path, instead of MYSQL_URI"),
]


def pinned_from(
    strategies: str | None, overrides: list[str] | None, min_confidence: float | None, cooldown_bars: int | None
) -> Pinned:
    """What the options above pin, whatever is stored. Raises `StopProgram` where they cannot be."""
    from strategies.configuration import configuration_of, parse_overrides
    from strategies.resolution import Pinned

    given = {"min_confidence": min_confidence, "cooldown_bars": cooldown_bars}
    engine: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if strategies is not None:
        names = tuple(name.strip() for name in strategies.split(",") if name.strip())
        if not names:
            raise StopProgram("--strategies: expected ids separated by commas, got none")
        engine["enabled_strategies"] = names
    pinned = Pinned(engine, parse_overrides(overrides or ()))
    configuration_of(pinned.engine, pinned.parameters)  # refuses what is not possible
    return pinned


def console_beside(*outputs: Path | None) -> Console:
    """Where tables go: stdout, or stderr when data goes to stdout."""
    from rich.console import Console

    to_stderr = STDOUT in outputs
    console = Console(stderr=to_stderr)
    return console if console.is_terminal else Console(stderr=to_stderr, width=PIPED_WIDTH)
