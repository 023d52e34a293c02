"""An image's file system and settings, made by the steps of its Dockerfile."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.image.boxes import BASE, Box, new_box
from tests.image.dockerfile import Copy, Stage, assignments, copy_of, words_of

BASE_PATH = f"{BASE}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# How this machine finds packages, and whom it trusts.
NETWORK = ("PIP_", "SSL_", "REQUESTS_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy")


@dataclass
class Image:
    """A stage that has been built."""

    box: Box
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": BASE_PATH})
    folder: str = "/"
    user: int | None = None
    volume: str | None = None
    entrypoint: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)

    def path(self, absolute: str) -> Path:
        """Where a path of the image lies."""
        return self.box.root / absolute.lstrip("/")

    def command(self, *arguments: str, **settings: str) -> list[str]:
        """What `docker run` would run with these arguments, as the image's user on a read-only file system."""
        return self.program(*self.entrypoint, *(arguments or self.arguments), **settings)

    def program(self, *words: str, **settings: str) -> list[str]:
        """Another program of the image, run in the same way."""
        return self.box.command(words, self.environment | settings, self.folder, self.user, self.volume)


def build(stages: Sequence[Stage], context: Path, files: Sequence[str], folder: Path) -> Image:
    """The last stage. Each is built at the same place, and then moved away from it."""
    built: dict[str, Path] = {}
    place = folder / "root"
    for stage in stages[:-1]:
        _build(stage, Context(context, files, built), place)
        built[stage.name] = place.rename(folder / stage.name)
    return _build(stages[-1], Context(context, files, built), place)


@dataclass(frozen=True)
class Context:
    """Where COPY can take from."""

    root: Path
    files: Sequence[str]
    stages: dict[str, Path]


def _build(stage: Stage, context: Context, place: Path) -> Image:
    image = Image(new_box(place))
    for step in stage.steps:
        _STEPS[step.name](image, step.text, context)
    return image


def _run(image: Image, text: str, _: Context) -> None:
    network = {name: value for name, value in os.environ.items() if name.startswith(NETWORK)}
    words = ["/bin/sh", "-c", text]
    command = image.box.command(words, network | image.environment, image.folder, None, None)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, f"RUN {text}\n{ended.stdout}{ended.stderr}"


def _copy(image: Image, text: str, context: Context) -> None:
    copy = copy_of(text)
    target = image.path(copy.target if copy.target.startswith("/") else f"{image.folder}/{copy.target}")
    for source in copy.sources:
        if copy.stage:
            taken: int = _link(context.stages[copy.stage] / source.lstrip("/"), target)
        else:
            taken = _take(context, source, target / Path(source).name if _into(copy) else target)
        assert taken, f"COPY {text}: there is no {source}"
    if copy.owner is not None and image.box.gives_away:
        for path in (target, *target.rglob("*")):
            os.chown(path, copy.owner, copy.owner, follow_symlinks=False)


def _into(copy: Copy) -> bool:
    return copy.target.endswith("/")


def _link(source: Path, target: Path) -> bool:
    if not source.is_dir():
        return False
    shutil.copytree(source, target, symlinks=True, copy_function=os.link)
    return True


def _take(context: Context, source: str, target: Path) -> int:
    """Copy a file, or all that a folder of the context holds; how many files."""
    taken = [path for path in context.files if path == source or path.startswith(f"{source}/")]
    for path in taken:
        to = target / Path(path).relative_to(source)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(context.root / path, to)
    return len(taken)


def _environment(image: Image, text: str, _: Context) -> None:
    image.environment |= dict(assignments(text))


def _workdir(image: Image, text: str, _: Context) -> None:
    image.folder = text
    image.path(text).mkdir(parents=True, exist_ok=True)


def _user(image: Image, text: str, _: Context) -> None:
    image.user = int(text.partition(":")[0])


def _volume(image: Image, text: str, _: Context) -> None:
    (image.volume,) = shlex.split(text)


def _entrypoint(image: Image, text: str, _: Context) -> None:
    image.entrypoint = words_of(text)


def _arguments(image: Image, text: str, _: Context) -> None:
    image.arguments = words_of(text)


def _nothing(_image: Image, _text: str, _context: Context) -> None:
    """What describes the image and changes no file of it."""


_STEPS = {
    "ARG": _nothing,
    "CMD": _arguments,
    "COPY": _copy,
    "ENTRYPOINT": _entrypoint,
    "ENV": _environment,
    "EXPOSE": _nothing,
    "LABEL": _nothing,
    "RUN": _run,
    "STOPSIGNAL": _nothing,
    "USER": _user,
    "VOLUME": _volume,
    "WORKDIR": _workdir,
}
