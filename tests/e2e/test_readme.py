"""The README's commands run as written and print what it says, but for rates and times."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command import without_rate

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()

BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
CONSOLES = [text for language, text in BLOCKS if language == "console"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like a fresh clone after its set-up."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    return folder


def run(command: str, home: Path) -> str:
    where = ROOT if command.startswith("make ") else home
    done = subprocess.run(command, shell=True, cwd=where, capture_output=True, text=True, check=False)  # noqa: S602
    return done.stdout + done.stderr


def test_consoles_show_what_the_commands_print(home: Path) -> None:
    for console in CONSOLES:
        for step in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
            command, _, shown = step.partition("\n")
            printed = run(command, home)
            assert "Traceback" not in printed, command
            assert "No such file" not in printed, command
            if shown.strip():
                assert list(filter(None, without_rate(printed))) == list(filter(None, without_rate(shown))), command


def test_python_prints_what_is_shown(home: Path) -> None:
    run(".venv/bin/ta-bot demo --keep klines", home)
    python = next(text for language, text in BLOCKS if language == "python")
    shown = next(text for language, text in BLOCKS if language == "text")
    done = subprocess.run([sys.executable, "-c", python], cwd=home, capture_output=True, text=True, check=True)
    assert done.stdout == shown
