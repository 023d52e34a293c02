"""The commands `ta-bot replay` and `ta-bot demo`."""

from __future__ import annotations

import os
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
from dataflow.live.line_file import STDOUT
from operators.times import parse_time_ms
from state.errors import SkipInput, StopProgram


def replay(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    paths: Annotated[
        list[Path],
        typer.Argument(
            help="Recorded klines: CSV, exchange dumps, JSON lines; plain, gz or zip; or folders of them",
            metavar="PATH...",
            show_default=False,
        ),
    ],
    symbol: Annotated[str | None, typer.Option(help="Symbol of klines that do not name it")] = None,
    timeframe: Annotated[str | None, typer.Option(help="Timeframe of klines that do not name it, such as 15m")] = None,
    out: Annotated[Path | None, typer.Option(help="File for the signals as JSON lines; - is standard output")] = None,
    alerts_out: Annotated[Path | None, typer.Option(help="File for the alerts (hold), instead of --out")] = None,
    strategies: StrategiesOption = None,
    overrides: OverridesOption = None,
    min_confidence: MinConfidenceOption = None,
    cooldown_bars: CooldownOption = None,
    changes: Annotated[
        Path | None,
        typer.Option(help="JSON lines of changes of the configuration, as `ta-bot config audit --json` writes them"),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Emit from this open time on (UTC); earlier bars only warm up")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Leave out bars that open at this time (UTC) or later")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, max=64, help="Spread the keys over so many processes")] = 1,
    recovery: Annotated[
        Path | None,
        typer.Option(help="Folder for snapshots: started again, the replay goes on where it was", metavar="DIR"),
    ] = None,
    snapshot_secs: Annotated[float, typer.Option(min=0.01, help="Seconds between snapshots")] = 10.0,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first bad row")] = False,
) -> None:
    """Replay recorded klines through the whole flow and write the signals in the order of time."""
    from dataflow.commands.replay_plan import replay_and_tell
    from dataflow.recorded import recorded_files
    from dataflow.replay.plan import END_OF_TIME_MS, Plan
    from operators.script import Script, script_of
    from strategies.configuration import configuration_of
    from strategies.resolution import COMMAND_LINE

    pinned = pinned_from(strategies, overrides, min_confidence, cooldown_bars)
    script = Script() if changes is None else script_of(_lines(changes), pinned)
    start_ms, end_ms = _time(start, "--from", 0), _time(end, "--to", END_OF_TIME_MS)
    if end_ms <= start_ms:
        raise StopProgram(f"--to must be later than --from, got {start} and {end}")
    for target in (out, alerts_out):
        _check_writable(target)
    if out is not None and alerts_out is not None and out.resolve() == alerts_out.resolve():
        raise StopProgram(f"--out and --alerts-out are both {out}: without --alerts-out, alerts go to --out")
    written = [path for path in (out, alerts_out, recovery) if path is not None]
    plan = Plan(
        files=tuple(recorded_files(paths, symbol=symbol, timeframe=timeframe, leave_out=written)),
        configuration=configuration_of(pinned.engine, pinned.parameters, source=COMMAND_LINE),
        folder=recovery or Path(),
        processes=processes,
        recovery=recovery is not None,
        snapshot_secs=snapshot_secs,
        from_ms=start_ms,
        to_ms=end_ms,
        strict=strict,
        script=script,
    )
    replay_and_tell(plan, out, alerts_out)


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
    _check_writable(out)
    with TemporaryDirectory(prefix="ta-bot-demo-") as folder:
        try:
            paths = write_market(keep or Path(folder), days=days, seed=seed)
        except OSError as error:
            raise StopProgram(f"{keep or folder}: cannot be written: {error.strerror or error}") from error
        plan = Plan(tuple(recorded_files(paths)), configuration_of(), Path())
        replay_and_tell(plan, out, None)


def _lines(path: Path) -> list[tuple[str, bytes]]:
    try:
        return [(f"{path}:{number}", line) for number, line in enumerate(path.read_bytes().splitlines(), 1)]
    except OSError as error:
        raise StopProgram(f"{path}: cannot be read: {error.strerror or error}") from error


def _time(text: str | None, option: str, default: int) -> int:
    try:
        return default if text is None else parse_time_ms(text)
    except SkipInput as error:
        raise StopProgram(f"{option}: {error}") from error


def _check_writable(target: Path | None) -> None:
    """Tell before the work, not after it, that its result cannot be written."""
    if target is None or target == STDOUT:
        return
    if target.is_dir() or not target.parent.is_dir():
        raise StopProgram(f"{target}: cannot be written: {'is a folder' if target.is_dir() else 'no such folder'}")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise StopProgram(f"{target}: cannot be written: permission denied")
