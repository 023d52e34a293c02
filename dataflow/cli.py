"""The command `ta-bot`."""

from __future__ import annotations

import logging
import signal
import sys
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from dataflow.commands.analyze import analyze
from dataflow.commands.api import api
from dataflow.commands.config import config_app
from dataflow.commands.dev import dev
from dataflow.commands.evaluate import evaluate
from dataflow.commands.history import history_app
from dataflow.commands.migrate import migrate
from dataflow.commands.record import record
from dataflow.commands.recovery import recovery_app
from dataflow.commands.replay import demo, replay
from dataflow.commands.report import report
from dataflow.commands.run import run
from dataflow.commands.strategies import strategies
from dataflow.logs import log_to_stderr, tell_end
from dataflow.stopping import USER_ERROR
from state.errors import StopProgram

INTERNAL_ERROR = 70

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (run, dev, api, migrate, analyze, record, replay, evaluate, report, demo, strategies):
    app.command()(command)
app.add_typer(history_app, name="history")
app.add_typer(config_app, name="config")
app.add_typer(recovery_app, name="recovery")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(version_of("petrosa-ta-bot"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit")
    ] = False,
) -> None:
    """Turns closed klines into trading signals with 28 technical-analysis strategies."""


def main() -> None:
    """Run a command; what the user can mend ends in one line on stderr and exit code 2, never in a traceback."""
    try:
        log_to_stderr()
        app()
    except StopProgram as error:
        _fail(str(error), USER_ERROR)
    except KeyboardInterrupt:
        _fail("interrupted", 128 + signal.SIGINT)
    except Exception as error:  # a user gets a line; LOG_LEVEL=DEBUG shows where it came from
        logging.getLogger(__name__).debug("internal error", exc_info=True)
        _fail(f"internal error: {type(error).__name__}: {error}", INTERNAL_ERROR)


def _fail(message: str, code: int) -> None:
    tell_end(message)
    sys.exit(code)
