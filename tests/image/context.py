"""What of a folder is sent to a builder of images: what .dockerignore leaves of it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

_WILD = {"**/": "(?:.*/)?", "*": "[^/]*", "?": "[^/]"}


class Ignore:
    """The patterns of a .dockerignore; the last one that a path, or a folder that it is in, matches decides."""

    def __init__(self, text: str) -> None:
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        self.kept = [line[1:] for line in lines if line.startswith("!")]
        self.patterns = [(not line.startswith("!"), _expression(line.removeprefix("!"))) for line in lines]

    def ignores(self, path: str) -> bool:
        parts = path.split("/")
        places = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        ignored = False
        for ignores, pattern in self.patterns:
            if any(pattern.fullmatch(place) for place in places):
                ignored = ignores
        return ignored

    def ignores_all_in(self, folder: str) -> bool:
        """Whether nothing below a folder can be kept."""
        return self.ignores(folder) and not any(kept.startswith(("*", f"{folder}/")) for kept in self.kept)


def context_files(root: Path) -> list[str]:
    """The files of the context, as paths below the root."""
    return sorted(_kept(root, Ignore((root / ".dockerignore").read_text())))


def _kept(root: Path, ignore: Ignore) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        below = Path(folder).relative_to(root)
        folders[:] = [name for name in folders if not ignore.ignores_all_in((below / name).as_posix())]
        yield from (path for path in ((below / name).as_posix() for name in names) if not ignore.ignores(path))


def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*|\?|\[[^]]+\])", pattern)
    return re.compile("".join(_WILD.get(part, part if part.startswith("[") else re.escape(part)) for part in parts))
