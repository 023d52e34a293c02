"""A strict reader of the Dockerfile: it refuses what `tests.image.stages` could not do."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import orjson

INSTRUCTIONS = frozenset(
    {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "LABEL", "RUN", "STOPSIGNAL", "USER", "VOLUME"}
    | {"WORKDIR"}
)


@dataclass(frozen=True)
class Instruction:
    """One instruction, its lines joined."""

    name: str
    text: str


@dataclass(frozen=True)
class Copy:
    """What a COPY takes, and where to."""

    sources: list[str]
    target: str
    stage: str | None
    owner: int | None


@dataclass
class Stage:
    """A stage, and its instructions in order."""

    name: str
    base: str
    steps: list[Instruction] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """The texts of every instruction of this name."""
        return [step.text for step in self.steps if step.name == name]

    def only(self, name: str) -> str:
        """The text of the one instruction of this name."""
        (text,) = self.all(name)
        return text

    def environment(self) -> dict[str, str]:
        """All that its ENVs set."""
        return dict(pair for text in self.all("ENV") for pair in assignments(text))


def read_dockerfile(path: Path) -> list[Stage]:
    """The stages, in order."""
    stages: list[Stage] = []
    for instruction in _instructions(path.read_text()):
        if instruction.name == "FROM":
            found = re.fullmatch(r"(\S+) AS ([a-z]+)", instruction.text)
            assert found, f"a stage without a name: FROM {instruction.text}"
            stages.append(Stage(found[2], found[1]))
        elif stages:
            stages[-1].steps.append(instruction)
        else:
            assert instruction.name == "ARG", f"{instruction.name} before the first stage"
    return stages


def copy_of(text: str) -> Copy:
    """What a COPY says."""
    words = shlex.split(text)
    options = dict(word.removeprefix("--").split("=", 1) for word in words if word.startswith("--"))
    *sources, target = (word for word in words if not word.startswith("--"))
    assert options.keys() <= {"from", "chown"}, text
    assert sources, text
    return Copy(sources, target, options.get("from"), _owner(options.get("chown")))


def assignments(text: str) -> list[tuple[str, str]]:
    """The pairs of an ENV or LABEL, all of the form NAME=value."""
    pairs = [word.partition("=") for word in shlex.split(text)]
    assert all(equals for _, equals, _ in pairs), text
    return [(name, value) for name, _, value in pairs]


def words_of(text: str) -> list[str]:
    """The words of an ENTRYPOINT or CMD, which no shell may stand before, so that signals arrive."""
    words: list[str] = orjson.loads(text)
    return words


def _instructions(text: str) -> list[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    found = [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]
    unknown = {instruction.name for instruction in found} - INSTRUCTIONS
    assert not unknown, f"the Dockerfile has instructions that the tests cannot do: {unknown}"
    return found


def _owner(text: str | None) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d+):\1", text)
    assert found, f"expected the same number for user and group, got {text}"
    return int(found[1])
