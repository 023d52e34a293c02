"""Options that commands over recorded klines share, and what they mean."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.live.line_file import STDOUT
from operators.times import parse_time_ms
from state.errors import SkipInput, StopProgram

if TYPE_CHECKING:
    from operators.script import Script
    from strategies.resolution import Pinned

PathsArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Recorded klines: CSV, exchange dumps, JSON lines; plain, gz or zip; or folders of them",
        metavar="PATH...",
        show_default=False,
    ),
]
SymbolOption = Annotated[str | None, typer.Option(help="Symbol of klines that do not name it")]
TimeframeOption = Annotated[str | None, typer.Option(help="Timeframe of klines that do not name it, such as 15m")]
ChangesOption = Annotated[
    Path | None,
    typer.Option(help="JSON lines of changes of the configuration, as `ta-bot config audit --json` writes them"),
]
FromOption = Annotated[
    str | None, typer.Option("--from", help="Emit from this open time on (UTC); earlier bars only warm up")
]
ToOption = Annotated[str | None, typer.Option("--to", help="Leave out bars that open at this time (UTC) or later")]
ProcessesOption = Annotated[int, typer.Option(min=1, max=64, help="Spread the keys over so many processes")]
StrictOption = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row")]


def period_of(start: str | None, end: str | None) -> tuple[int, int]:
    """The times of `--from` and `--to`. Raises `StopProgram` where they are none, or nothing lies between them."""
    from dataflow.replay.plan import END_OF_TIME_MS

    start_ms, end_ms = _time(start, "--from", 0), _time(end, "--to", END_OF_TIME_MS)
    if end_ms <= start_ms:
        raise StopProgram(f"--to must be later than --from, got {start} and {end}")
    return start_ms, end_ms


def script_in(changes: Path | None, pinned: Pinned) -> Script:
    """The script in a file. Raises `StopProgram` where it cannot be read, or is not possible."""
    from operators.script import Script, script_of

    return Script() if changes is None else script_of(_lines(changes), pinned)


def check_writable(*targets: Path | None) -> None:
    """Tell before the work, not after it, that its result cannot be written."""
    for target in targets:
        if target is None or target == STDOUT:
            continue
        if target.is_dir() or not target.parent.is_dir():
            raise StopProgram(f"{target}: cannot be written: {'is a folder' if target.is_dir() else 'no such folder'}")
        if not os.access(target if target.exists() else target.parent, os.W_OK):
            raise StopProgram(f"{target}: cannot be written: permission denied")


def check_apart(targets: dict[str, Path | None]) -> None:
    """Refuse that two options name one file."""
    given = [(option, path.resolve()) for option, path in targets.items() if path is not None]
    for index, (option, path) in enumerate(given):
        for other, same in given[:index]:
            if path == same:
                raise StopProgram(f"{other} and {option} are both {targets[option]}")


def paths_of(*targets: Path | None) -> Sequence[Path]:
    """Those that are given."""
    return [path for path in targets if path is not None]


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
