"""The command `ta-bot migrate`."""

from __future__ import annotations

import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from state.errors import RetryLater, StopProgram

if TYPE_CHECKING:
    from state.configs.store import ConfigStore

RETRY_SECS = 1.0


def migrate(
    wait_secs: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="How long to wait for a database that is away")
    ] = 0.0,
    allow_away: Annotated[
        bool, typer.Option("--allow-away", help="No error where one stays away: its first write makes what it lacks")
    ] = False,
) -> None:
    """Make, or bring to this version, the tables and indexes of the configuration in MYSQL_URI and MONGODB_URI.

    What is as needed is left alone, so it may run again, and beside others.
    """
    from dataflow.settings import SECRETS, StoreSettings, settings_from

    deadline_secs = time.monotonic() + wait_secs
    away: list[str] = []
    for store in settings_from(StoreSettings, {}, SECRETS).config_stores():
        with closing(store):
            try:
                _prepare(store, deadline_secs)
            except RetryLater as error:
                away.append(str(error))
            else:
                sys.stdout.write(f"{store.name}: ready for configurations\n")
    if away and not allow_away:
        raise StopProgram("; ".join(away))
    for reason in away:
        sys.stderr.write(f"ta-bot: goes on without {reason}\n")


def _prepare(store: ConfigStore, deadline_secs: float) -> None:
    while True:
        try:
            return store.prepare()
        except RetryLater:
            if time.monotonic() + RETRY_SECS > deadline_secs:
                raise
        time.sleep(RETRY_SECS)
