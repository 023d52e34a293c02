"""The command `ta-bot`."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Annotated, Any

import typer
from rich.console import Console

from dataflow.history import history_app
from dataflow.market import write_market
from dataflow.recorded import recorded_files
from dataflow.replay.plan import END_OF_TIME_MS, Plan
from dataflow.replay.progress import Progress
from dataflow.replay.run import Outcome
from dataflow.replay.run import replay as run_replay
from dataflow.stopping import USER_ERROR
from dataflow.tables import progress_bar, replay_tables, strategies_table, strategy_table
from operators.times import parse_time_ms
from state.errors import SkipInput, StopProgram
from strategies.configuration import Configuration, configuration_of, parse_overrides
from strategies.registry import strategy_named

INTERNAL_ERROR = 70

STDOUT = Path("-")

# Width of tables where nobody looks at a terminal.
PIPED_WIDTH = 100

app = typer.Typer(
    help="Turns closed klines into trading signals with 28 technical-analysis strategies.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(history_app, name="history")


def main() -> None:
    """Run a command; what the user can mend ends in one line on stderr and exit code 2, never in a traceback."""
    logging.basicConfig(level=os.environ.get("LOG_LEVEL", "INFO").upper(), format="%(levelname)s %(message)s")
    try:
        app()
    except StopProgram as error:
        _fail(str(error), USER_ERROR)
    except KeyboardInterrupt:
        _fail("interrupted", 128 + signal.SIGINT)
    except Exception as error:  # a user gets a line; LOG_LEVEL=DEBUG shows where it came from
        logging.getLogger(__name__).debug("internal error", exc_info=True)
        _fail(f"internal error: {type(error).__name__}: {error}", INTERNAL_ERROR)


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"ta-bot: {' '.join(message.split())}\n")
    sys.exit(code)


@app.command()
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
    strategies: Annotated[str | None, typer.Option(help="Run only these, separated by commas")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="strategy.parameter=value; may be repeated")
    ] = None,
    min_confidence: Annotated[float | None, typer.Option(help="Confidence below which no setup holds")] = None,
    cooldown_bars: Annotated[
        int | None, typer.Option(help="Bars between two signals of a strategy with the same action")
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
    configuration = _configuration(strategies, overrides, min_confidence, cooldown_bars)
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
        configuration=configuration,
        folder=recovery or Path(),
        processes=processes,
        recovery=recovery is not None,
        snapshot_secs=snapshot_secs,
        from_ms=start_ms,
        to_ms=end_ms,
        strict=strict,
    )
    _replay_and_tell(plan, out, alerts_out)


@app.command()
def demo(
    days: Annotated[int, typer.Option(min=1, max=3650, help="Days of market to make up")] = 120,
    seed: Annotated[int, typer.Option(help="Another seed is another market")] = 7,
    out: Annotated[Path | None, typer.Option(help="File for the signals as JSON lines; - is standard output")] = None,
    keep: Annotated[Path | None, typer.Option(help="Keep the klines in this folder", metavar="DIR")] = None,
) -> None:
    """Replay a made-up market: three synthetic symbols, 15m and 1h, through the same flow as real klines."""
    console = _console(out)
    console.print(f"Synthetic market: {days} days made up from seed {seed}. Not real prices.", highlight=False)
    _check_writable(out)
    with TemporaryDirectory(prefix="ta-bot-demo-") as folder:
        try:
            paths = write_market(keep or Path(folder), days=days, seed=seed)
        except OSError as error:
            raise StopProgram(f"{keep or folder}: cannot be written: {error.strerror or error}") from error
        plan = Plan(tuple(recorded_files(paths)), configuration_of(), Path())
        _replay_and_tell(plan, out, None)


@app.command()
def strategies(
    strategy_id: Annotated[
        str | None,
        typer.Argument(
            help="Show one strategy's parameters, ranges and descriptions", metavar="[ID]", show_default=False
        ),
    ] = None,
) -> None:
    """List the strategies and their parameters."""
    table = strategies_table() if strategy_id is None else strategy_table(strategy_named(strategy_id))
    _console().print(table)


def _replay_and_tell(plan: Plan, out: Path | None, alerts_out: Path | None) -> None:
    console = _console(out, alerts_out)
    outcome = run_replay(plan, _target(out), _target(alerts_out), _progress_bar)
    _tell(console, plan, outcome)


def _progress_bar(progress: Progress, total_bytes: int) -> AbstractContextManager[None]:
    return progress_bar(Console(stderr=True), progress, total_bytes)


def _target(path: Path | None) -> Path | IO[bytes] | None:
    return sys.stdout.buffer if path == STDOUT else path


def _tell(console: Console, plan: Plan, outcome: Outcome) -> None:
    if outcome.summary is None:
        rest = f"; the same command goes on from there, with --recovery {plan.folder}" if plan.recovery else ""
        sys.stderr.write(f"ta-bot: interrupted after {outcome.bars:,} bars, nothing written{rest}\n")
        sys.exit(128 + (outcome.by_signal or 0))
    for table in replay_tables(outcome, outcome.summary):
        console.print(table)


def _console(*outputs: Path | None) -> Console:
    """Where tables go: stdout, or stderr when signals go to stdout."""
    to_stderr = STDOUT in outputs
    console = Console(stderr=to_stderr)
    return console if console.is_terminal else Console(stderr=to_stderr, width=PIPED_WIDTH)


def _configuration(
    strategies: str | None, overrides: list[str] | None, min_confidence: float | None, cooldown_bars: int | None
) -> Configuration:
    given = {"min_confidence": min_confidence, "cooldown_bars": cooldown_bars}
    engine: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if strategies is not None:
        names = tuple(name.strip() for name in strategies.split(",") if name.strip())
        if not names:
            raise StopProgram("--strategies: expected ids separated by commas, got none")
        engine["enabled_strategies"] = names
    return configuration_of(engine, parse_overrides(overrides or ()), source="command_line")


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
