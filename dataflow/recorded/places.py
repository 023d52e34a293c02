"""From the paths a user gives to the places where rows may be: files, and entries of zips."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from dataflow.recorded.files import opened
from dataflow.recorded.lines import UNREADABLE, said
from operators.layouts import NO_NAMING, Naming
from state.errors import StopProgram

_ROWS_SUFFIX = re.compile(r"\.(csv|jsonl|ndjson|json)(\.gz)?$", re.IGNORECASE)
_ANY_SUFFIX = re.compile(r"\.(csv|jsonl|ndjson|json|zip)(\.gz)?$", re.IGNORECASE)

# BTCUSDT-15m-2024-01, btcusdt_15m, BTCUSDT_240329-1mo, btcusdt_klines_15m; or the symbol alone, in capitals.
_NAME = re.compile(
    r"(?P<symbol>[a-z0-9_-]+?)(?:[-_]klines)?[-_](?P<timeframe>\d{1,3}(?:mo|[a-z]))(?:[-_. ].*)?",
    re.ASCII | re.IGNORECASE,
)
_SYMBOL_ALONE = re.compile(r"[A-Z0-9]{5,40}")


class Place(NamedTuple):
    """A file or the entry of a zip, its name as shown, and what may tell symbol and timeframe, the best first."""

    path: Path
    entry: int | None
    name: str
    file_names: tuple[str, ...]


def expand(paths: Sequence[str | Path], leave_out: Sequence[Path] = ()) -> list[Path]:
    """The files at `paths`, each once; a directory stands for the files with a suffix of klines below it.

    What is at or below the paths to `leave_out` is passed over in directories.

    Raises:
        StopProgram: a path is missing or unreadable, or a directory holds no such file.
    """
    found: dict[Path, Path] = {}
    passed_over = {path.resolve() for path in leave_out}
    for path in map(Path, paths):
        try:
            for file in _files_at(path, passed_over):
                found.setdefault(file.resolve(), file)
        except UNREADABLE as error:
            raise StopProgram(f"{printable(path)}: cannot be read: {said(error)}") from error
    return list(found.values())


def _files_at(path: Path, passed_over: set[Path]) -> list[Path]:
    mode = path.stat().st_mode
    if stat.S_ISREG(mode):
        return [path]
    if not stat.S_ISDIR(mode):
        raise StopProgram(f"{printable(path)}: is neither a file nor a directory")
    files = [
        file
        for file in _files_below(path)
        if _ANY_SUFFIX.search(file.name) and file.is_file() and not _is_below(file.resolve(), passed_over)
    ]
    if not files:
        raise StopProgram(f"{printable(path)}: no .csv, .jsonl, .ndjson, .json or .zip files (or .gz of these) in it")
    return files


def _is_below(file: Path, folders: set[Path]) -> bool:
    return file in folders or not folders.isdisjoint(file.parents)


def _files_below(directory: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise error

    for folder, folders, names in os.walk(directory, onerror=fail):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def places_at(path: Path) -> list[Place]:
    """The place at `path`, or those in it when it is a zip.

    Raises:
        StopProgram: it cannot be read, or is a zip without klines.
    """
    name = printable(path)
    with opened(name, path) as file:
        if file.archive is None:
            if path.suffix.lower() == ".zip":
                raise StopProgram("is not a zip file")
            return [Place(path, None, name, (path.name,))]
        entries = [(index, entry) for index, entry in enumerate(file.archive.namelist()) if _is_kline_entry(entry)]
    if not entries:
        raise StopProgram(f"{name}: no .csv, .jsonl, .ndjson or .json files in this zip")
    return [
        Place(path, index, name if len(entries) == 1 else f"{name}!{printable(entry)}", (_base(entry), path.name))
        for index, entry in entries
    ]


def _is_kline_entry(entry: str) -> bool:
    # A leading dot or __MACOSX marks what an operating system adds to a zip.
    return bool(_ROWS_SUFFIX.search(entry)) and not _base(entry).startswith(".") and "__MACOSX" not in entry


def _base(entry: str) -> str:
    return re.split(r"[/\\]", entry)[-1]


def printable(text: str | Path) -> str:
    """`text` for a line of a report: what could upset a terminal becomes a question mark."""
    return "".join(character if character.isprintable() else "?" for character in str(text))


def named(file_names: Sequence[str]) -> Naming:
    """What the first of `file_names` that tells anything says of symbol and timeframe.

    >>> named(["BTCUSDT-1mo-2024-01.zip"])
    Naming(symbol='BTCUSDT', timeframe='1M')
    """
    stems = [_ANY_SUFFIX.sub("", name) for name in file_names]
    for stem in stems:
        if found := _NAME.fullmatch(stem):
            return Naming(found["symbol"].upper(), found["timeframe"].replace("mo", "M"))
    return next((Naming(stem) for stem in stems if _SYMBOL_ALONE.fullmatch(stem)), NO_NAMING)
