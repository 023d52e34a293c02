"""The command `ta-bot evaluate`."""

from __future__ import annotations

from functools import partial
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
from dataflow.commands.recorded import (
    ChangesOption,
    FromOption,
    PathsArgument,
    ProcessesOption,
    StrictOption,
    SymbolOption,
    TimeframeOption,
    ToOption,
    check_apart,
    check_writable,
    paths_of,
    period_of,
    script_in,
)
from dataflow.commands.rules import DEFAULTS, EntryOption, FeeOption, HorizonOption, SeedOption, SlippageOption
from operators.evaluation.rules import Rules
from state.errors import StopProgram


def evaluate(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    paths: PathsArgument,
    fee_bps: FeeOption = DEFAULTS.fee_bps,
    slippage_bps: SlippageOption = DEFAULTS.slippage_bps,
    horizon_bars: HorizonOption = DEFAULTS.horizon_bars,
    entry_bars: EntryOption = DEFAULTS.entry_bars,
    seed: SeedOption = DEFAULTS.seed,
    by: Annotated[
        str | None,
        typer.Option(help="Rows for each symbol, timeframe, action, or several of these with commas between them"),
    ] = None,
    json_out: Annotated[Path | None, typer.Option("--json", help="File for all groups; - is standard output")] = None,
    csv_out: Annotated[Path | None, typer.Option("--csv", help="File for all groups; - is standard output")] = None,
    trades_out: Annotated[
        Path | None, typer.Option("--trades", help="File for each signal's trade as JSON lines; - is standard output")
    ] = None,
    symbol: SymbolOption = None,
    timeframe: TimeframeOption = None,
    strategies: StrategiesOption = None,
    overrides: OverridesOption = None,
    min_confidence: MinConfidenceOption = None,
    cooldown_bars: CooldownOption = None,
    changes: ChangesOption = None,
    start: FromOption = None,
    end: ToOption = None,
    processes: ProcessesOption = 1,
    strict: StrictOption = False,
) -> None:
    """Replay recorded klines and follow every signal to its stop, its target or the horizon: what would it have won?"""
    from dataflow.commands.replay_plan import evaluate_and_tell
    from dataflow.recorded import recorded_files
    from dataflow.replay.plan import Plan
    from operators.evaluation.follower import Follower
    from strategies.configuration import configuration_of
    from strategies.resolution import COMMAND_LINE

    pinned = pinned_from(strategies, overrides, min_confidence, cooldown_bars)
    script, grouping = script_in(changes, pinned), _grouping(by)
    start_ms, end_ms = period_of(start, end)
    check_writable(json_out, csv_out, trades_out)
    check_apart({"--json": json_out, "--csv": csv_out, "--trades": trades_out})
    rules = Rules(fee_bps, slippage_bps, horizon_bars, entry_bars, seed)
    written = paths_of(json_out, csv_out, trades_out)
    plan = Plan(
        files=tuple(recorded_files(paths, symbol=symbol, timeframe=timeframe, leave_out=written)),
        configuration=configuration_of(pinned.engine, pinned.parameters, source=COMMAND_LINE),
        folder=Path(),
        processes=processes,
        from_ms=start_ms,
        to_ms=end_ms,
        strict=strict,
        script=script,
        watch=partial(Follower, rules=rules),
    )
    evaluate_and_tell(plan, rules, grouping, json=json_out, csv=csv_out, trades=trades_out)


def _grouping(by: str | None) -> tuple[str, ...]:
    """The fields that rows are grouped by, the strategy first."""
    from dataflow.evaluation.results import BY_STRATEGY, FIELDS

    wanted = [name.strip() for name in (by or "").split(",") if name.strip()]
    possible = FIELDS[1:]
    unknown = [name for name in wanted if name not in possible]
    if unknown:
        raise StopProgram(f"--by: expected some of {', '.join(possible)}, with commas between them, got {by!r:.60}")
    return (*BY_STRATEGY, *(name for name in possible if name in wanted))
