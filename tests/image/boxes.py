"""Where the commands of an image run: in a root of their own where the system allows it, else in a folder."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import pip

BASE = "/base"
"""What stands for the base image: its python and pip."""

# What a root has from this machine, read-only.
SHARED = ("/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64")

NO_PRIVILEGES = ["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all"]

_IN_A_ROOT = """
root=$1 mode=$2 data=$3 shared=$4 folder=$5; shift 5
mount --bind "$root" "$root"
for each in $shared; do
    mount --rbind "$each" "$root$each"; mount -o remount,ro,bind "$root$each"
done
mount --rbind /dev "$root/dev"; mount --rbind /proc "$root/proc"; mount -t tmpfs tmpfs "$root/tmp"
if [ "$mode" = read-only ]; then
    if [ "$data" ]; then mount --bind "$root$data" "$root$data"; fi
    mount -o remount,ro,bind "$root"
fi
exec chroot "$root" sh -c 'cd "$1" && shift && exec "$@"' sh "$folder" "$@"
"""


class Box(Protocol):
    """A place for a stage's files, and a way to run commands there that see them at their own absolute paths."""

    @property
    def root(self) -> Path:
        """The folder that holds them."""

    @property
    def read_only_root(self) -> bool:
        """Whether the whole file system is read-only for who runs, not just the image's files."""

    @property
    def gives_away(self) -> bool:
        """Whether files can belong to the image's user, and commands run as that user."""

    def command(
        self, words: Sequence[str], environment: Mapping[str, str], folder: str, user: int | None, data: str | None
    ) -> list[str]:
        """What runs `words` with this environment alone.

        With `user`, as that one, without privileges, and only below `data` and /tmp can anything be written.
        """


class OwnRoot:
    """A root that has nothing but a stage's files, the system's libraries and the interpreter."""

    read_only_root = True
    gives_away = True

    def __init__(self, root: Path) -> None:
        self.root = root
        for each in ("/dev", "/proc", "/tmp", *_shared()):
            (root / each.lstrip("/")).mkdir(parents=True, exist_ok=True)
        for each in SHARED:
            if Path(each).is_symlink():
                (root / each.lstrip("/")).symlink_to(Path(each).readlink())
        _lay_base(root)

    def command(
        self, words: Sequence[str], environment: Mapping[str, str], folder: str, user: int | None, data: str | None
    ) -> list[str]:
        mode = "build" if user is None else "read-only"
        mount = [*_script(_IN_A_ROOT), str(self.root), mode, data or "", " ".join(_shared()), folder]
        as_user = [] if user is None else [f"--reuid={user}", f"--regid={user}", "--clear-groups", *NO_PRIVILEGES]
        return ["unshare", "--mount", *mount, "setpriv", *as_user, *_alone(environment, words)]


class OwnFolder:
    """A folder that absolute paths are moved below: all that can be done without the right to mount."""

    read_only_root = False
    gives_away = False

    def __init__(self, root: Path) -> None:
        self.root = root
        _lay_base(root)

    def command(
        self, words: Sequence[str], environment: Mapping[str, str], folder: str, user: int | None, data: str | None
    ) -> list[str]:
        moved = {name: self.moved(value) for name, value in environment.items()}
        runs = [*_script('cd "$1" && shift && exec "$@"'), self.moved(folder)]
        runs += _alone(moved, [self.moved(word) for word in words])
        if user is None:
            return runs
        for path in (self.root, *self.root.rglob("*")):
            if not path.is_symlink() and not path.is_relative_to(self.moved(data or BASE)):
                path.chmod(path.stat().st_mode & 0o555)
        return ["setpriv", *NO_PRIVILEGES, *runs] if os.geteuid() == 0 else runs

    def moved(self, text: str) -> str:
        """A text whose absolute paths, but for the system's own, lie below the folder."""
        return re.sub(r"(?<![\w./*-])/(?=[a-z])(?!(?:usr|bin|etc|dev|proc|tmp)\b)", f"{self.root}/", text)


@cache
def can_mount() -> bool:
    """Whether a process can have mounts of its own here."""
    if os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "setpriv", "chroot"))):
        return False
    tried = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    return subprocess.run(tried, capture_output=True, check=False).returncode == 0


def new_box(root: Path) -> Box:
    """An empty one at this folder, as good as the system allows."""
    root.mkdir(mode=0o755)
    return OwnRoot(root) if can_mount() else OwnFolder(root)


def _shared() -> list[str]:
    folders = [each for each in SHARED if Path(each).is_dir() and not Path(each).is_symlink()]
    own_python = Path(sys.base_prefix)
    return folders if own_python.is_relative_to("/usr") else [*folders, str(own_python)]


def _script(text: str) -> list[str]:
    return ["sh", "-euc", text, "sh"]


def _alone(environment: Mapping[str, str], words: Sequence[str]) -> list[str]:
    return ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *words]


def _lay_base(root: Path) -> None:
    base = root / BASE.lstrip("/")
    library = base / "lib"
    shutil.copytree(Path(pip.__file__).parent, library / "pip", ignore=shutil.ignore_patterns("__pycache__"))
    python = sys._base_executable  # type: ignore[attr-defined]  # the one that .venv was made with
    inside = library if can_mount() is False else Path(BASE, "lib")
    for name, runs in {"python": python, "pip": f"env PYTHONPATH={inside} {python} -m pip"}.items():
        (base / name).write_text(f'#!/bin/sh\nexec {runs} "$@"\n')
        (base / name).chmod(0o755)
