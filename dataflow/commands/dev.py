"""The command `ta-bot dev`."""

from __future__ import annotations

import logging
import os
import re
import socket
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.commands.options import (
    CooldownOption,
    MinConfidenceOption,
    OverridesOption,
    StrategiesOption,
    pinned_from,
)
from dataflow.market import DAYS, SEED
from state.errors import StopProgram

if TYPE_CHECKING:
    from rich.console import Console

    from dataflow.local.series import Series

# A made-up market is nothing for the databases and endpoints of a real one.
NOT_HERE = {"MONGODB_URI", "API_ENDPOINT", "API_ENDPOINT_CA_FILE"}

# Its own server of NATS is on this machine alone, in the clear.
OPENERS = {"NATS_CA_FILE", "NATS_CERT_FILE", "NATS_KEY_FILE", "NATS_CREDS_FILE"}

_SPEED = re.compile(r"(\d+(?:\.\d+)?)x?", re.IGNORECASE)


def dev(  # noqa: PLR0913, PLR0917  # typer makes options of parameters
    klines: Annotated[
        list[Path] | None,
        typer.Option(help="Recorded klines to feed, as for replay; may be repeated", metavar="PATH"),
    ] = None,
    speed: Annotated[str, typer.Option(help="Times real time, such as 60x")] = "600x",
    days: Annotated[int, typer.Option(min=22, max=3650, help="Days of market to make up, without --klines")] = DAYS,
    seed: Annotated[int, typer.Option(help="Another seed is another market, without --klines")] = SEED,
    keep: Annotated[Path | None, typer.Option(help="Keep streams, history and snapshots here", metavar="DIR")] = None,
    strategies: StrategiesOption = None,
    overrides: OverridesOption = None,
    min_confidence: MinConfidenceOption = None,
    cooldown_bars: CooldownOption = None,
) -> None:
    """Run everything on this machine: NATS, klines that arrive, the bot, its sidecar, and its signals as they come."""
    from rich.console import Console

    from dataflow.api.settings import DEFAULT_API_PORT
    from dataflow.live.settings import settings_of
    from dataflow.local.dev import Market, run_dev

    for name in [name for name in os.environ if name.upper() in NOT_HERE | OPENERS]:
        del os.environ[name]
    pinned = pinned_from(strategies, overrides, min_confidence, cooldown_bars)
    times = _speed(speed)
    console = Console()
    if "LOG_LEVEL" not in os.environ:
        logging.getLogger().setLevel(logging.WARNING)
    settings = settings_of()
    with ExitStack() as resources:
        folder = keep or Path(resources.enter_context(TemporaryDirectory(prefix="ta-bot-dev-")))
        _make(folder)
        health_port = settings.health_port if "HEALTH_PORT" in os.environ else _free_port()
        api_port = None if "FASTAPI_PORT" in os.environ or _is_free(DEFAULT_API_PORT) else 0
        series = _series(klines, days, seed, console)
        run_dev(Market(series, times, folder, settings.warm_up_bars, health_port, api_port), pinned, console)


def _series(klines: list[Path] | None, days: int, seed: int, console: Console) -> Series:
    from dataflow.local.series import recorded_series, synthetic_series

    if klines:
        return recorded_series(klines)
    console.print(f"Synthetic market: {days} days made up from seed {seed}. Not real prices.", highlight=False)
    return synthetic_series(days=days, seed=seed)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def _speed(text: str) -> float:
    found = _SPEED.fullmatch(text.strip())
    if found is None or not float(found[1]) > 0:
        raise StopProgram(f"--speed: expected a number above 0, such as 60x, got {text[:40]!r}")
    return float(found[1])


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StopProgram(f"{folder}: cannot be written: {error.strerror or error}") from error
