"""The commands `ta-bot replay` and `ta-bot demo`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from dataflow.commands.options import (
    CooldownOption,
    MinConfidenceOption,
    OverridesOption,
    StrategiesOption,
    console_beside,
    pinned_from,
)
from dataflow.commands.recorded import (
    ChangesOption,
    FromOption,
    PathsArgument,
    ProcessesOption,
    StrictOption,
    SymbolOption,
    TimeframeOption,
    ToOption,
    check_writable,
    paths_of,
    period_of,
    script_in,
)
from state.errors import StopProgram


def replay(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    paths: PathsArgument,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    out: Annotated[Path | None, typer.Option(help="File for the signals as JSON lines; - is standard output")] = None,
    alerts_out: Annotated[Path | None, typer.Option(help="File for the alerts (hold), instead of --out")] = None,
    strategies: StrategiesOption = None,
    overrides: OverridesOption = None,
    min_confidence: MinConfidenceOption = None,
    cooldown_bars: CooldownOption = None,
    changes: ChangesOption = None,
    start: FromOption = None,
    end: ToOption = None,
    processes: ProcessesOption = 1,
    recovery: Annotated[
        Path | None,
        typer.Option(help="Folder for snapshots: started again, the replay goes on where it was", metavar="DIR"),
    ] = None,
    snapshot_secs: Annotated[float, typer.Option(min=0.01, help="Seconds between snapshots")] = 10.0,
    strict: StrictOption = False,
    check_warmup: Annotated[
        int | None,
        typer.Option(
            min=1, max=100_000, help="Compare with the signals of keys that were seeded with so many bars of history"
        ),
    ] = None,
) -> None:
    """Replay recorded klines through the whole flow and write the signals in the order of time."""
    from dataflow.commands.replay_plan import replay_and_tell
    from dataflow.recorded import recorded_files
    from dataflow.replay.plan import Plan
    from operators.evaluation.seeding import SeedingCheck
    from strategies.configuration import configuration_of
    from strategies.resolution import COMMAND_LINE

    pinned = pinned_from(strategies, overrides, min_confidence, cooldown_bars)
    script = script_in(changes, pinned)
    start_ms, end_ms = period_of(start, end)
    check_writable(out, alerts_out)
    if out is not None and alerts_out is not None and out.resolve() == alerts_out.resolve():
        raise StopProgram(f"--out and --alerts-out are both {out}: without --alerts-out, alerts go to --out")
    plan = Plan(
        files=tuple(
            recorded_files(paths, symbol=symbol, timeframe=timeframe, leave_out=paths_of(out, alerts_out, recovery))
        ),
        configuration=configuration_of(pinned.engine, pinned.parameters, source=COMMAND_LINE),
        folder=recovery or Path(),
        processes=processes,
        recovery=recovery is not None,
        snapshot_secs=snapshot_secs,
        from_ms=start_ms,
        to_ms=end_ms,
        strict=strict,
        script=script,
        watch=None if check_warmup is None else partial(SeedingCheck, bars=check_warmup, live_from_ms=start_ms),
    )
    if check_warmup is not None and (plan.recovery or changes is not None):
        raise StopProgram("--check-warmup takes neither --recovery nor --changes")
    replay_and_tell(plan, out, alerts_out, check_warmup)


def demo(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days of market to make up")] = 120,
    seed: Annotated[int, typer.Option(help="Another seed is another market")] = 7,
    out: Annotated[Path | None, typer.Option(help="File for the signals as JSON lines; - is standard output")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep the klines in this folder", metavar="DIR")] = None,
) -> None:
    """Replay a made-up market: three synthetic symbols, 15m and 1h, through the same flow as real klines."""
    from dataflow.commands.replay_plan import replay_and_tell
    from dataflow.market import write_market
    from dataflow.recorded import recorded_files
    from dataflow.replay.plan import Plan
    from strategies.configuration import configuration_of

    console = console_beside(out)
    console.print(f"Synthetic market: {days} days made up from seed {seed}. Not real prices.", highlight=False)
    check_writable(out)
    with TemporaryDirectory(prefix="ta-bot-demo-") as folder:
        try:
            paths = write_market(keep or Path(folder), days=days, seed=seed)
        except OSError as error:
            raise StopProgram(f"{keep or folder}: cannot be written: {error.strerror or error}") from error
        plan = Plan(tuple(recorded_files(paths)), configuration_of(), Path())
        replay_and_tell(plan, out, None)
