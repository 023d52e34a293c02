"""Checks that a tag, the project's version and the changelog agree, and prints the changes: the notes of a release."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

HEADING = re.compile(r"^## \[(?P<version>[^]]+)\] - (?P<date>\S+)$", re.MULTILINE)


def notes_of(tag: str, root: Path) -> str:
    """The newest part of the changelog.

    Raises:
        ValueError: it is not what the tag releases; the message says what is to be done.
    """
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    if tag != f"v{version}":
        raise ValueError(f"pyproject.toml: expected the tag v{version}, got {tag}")
    changelog = (root / "CHANGELOG.md").read_text()
    headings = list(HEADING.finditer(changelog))
    if not headings or headings[0]["version"] != version:
        raise ValueError(f"CHANGELOG.md: expected {version} as the newest version")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", headings[0]["date"]):
        raise ValueError(f"CHANGELOG.md: expected the date of {version}, got {headings[0]['date']}")
    end = headings[1].start() if len(headings) > 1 else None
    return changelog[headings[0].end() : end].strip()


def main() -> None:
    """Print the notes, or say on stderr what does not agree."""
    try:
        notes = notes_of(sys.argv[1], Path(__file__).resolve().parents[1])
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{notes}\n")


if __name__ == "__main__":
    main()
