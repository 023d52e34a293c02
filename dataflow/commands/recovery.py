"""The commands `ta-bot recovery`: the folder that a live bot goes on from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

recovery_app = typer.Typer(help="Make or check the recovery folder of a live bot.", no_args_is_help=True)

FolderArgument = Annotated[Path, typer.Argument(help="The folder", metavar="DIR", show_default=False)]


@recovery_app.command("init")
def init(
    folder: FolderArgument,
    index: Annotated[
        int, typer.Option(min=0, help="Process of a cluster: only the first keeps snapshots, those of all")
    ] = 0,
) -> None:
    """Make a folder ready for `ta-bot run` or a cluster; what is there is checked and kept."""
    from dataflow.live.folder import KEEPER, init_folder

    init_folder(folder, index)
    if index == KEEPER:
        check(folder)
    else:
        sys.stdout.write(f"{folder}: process {index} keeps no snapshots, process {KEEPER} does\n")


@recovery_app.command("check")
def check(folder: FolderArgument) -> None:
    """Say what is in a folder, which may be in use, or what is damaged."""
    from dataflow.live.folder import line_about

    sys.stdout.write(f"{line_about(folder)}\n")
