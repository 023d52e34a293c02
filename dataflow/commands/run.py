"""The command `ta-bot run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataflow.commands.options import (
    CooldownOption,
    MinConfidenceOption,
    OverridesOption,
    StrategiesOption,
    pinned_from,
)
from dataflow.stopping import Stop


def run(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    recovery: Annotated[
        Path | None,
        typer.Option(help="Folder for snapshots: started again, the bot goes on where it was", metavar="DIR"),
    ] = None,
    lease: Annotated[
        str | None,
        typer.Option(help="Be one of several instances that share this lease: one is active, the others stand by"),
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Spread the keys over so many processes")] = 1,
    snapshot_secs: Annotated[
        float | None, typer.Option(help="Seconds between snapshots (SNAPSHOT_SECONDS, 10)")
    ] = None,
    strategies: StrategiesOption = None,
    overrides: OverridesOption = None,
    min_confidence: MinConfidenceOption = None,
    cooldown_bars: CooldownOption = None,
) -> None:
    """Run live: closed klines from NATS, history from MySQL or SQLite, signals to NATS. Settings are variables."""
    from dataflow.live.run import LiveJob, run_live
    from dataflow.live.settings import settings_of

    settings = settings_of(recovery_dir=recovery, snapshot_seconds=snapshot_secs, lease=lease)
    pinned = pinned_from(strategies, overrides, min_confidence, cooldown_bars)
    run_live(LiveJob(settings, pinned), processes, Stop())
