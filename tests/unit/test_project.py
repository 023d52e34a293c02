"""What the project's own files promise: targets, modules, one version, complete locks, no foreign addresses."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("dataflow", "operators", "strategies", "state", "config_api")
LOCKS = ("build", "runtime", "local", "dev", "bench")

# In two parts each, so that this file does not name what it forbids.
FORBIDDEN = tuple(
    "".join(parts)
    for parts in [
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.", "npmjs"),
        ("deb.", "debian.org"),
        ("/wo", "rk/"),
        ("/ro", "ot/"),
    ]
)


def modules() -> list[str]:
    """Every module of every room, by name."""
    files = (file.relative_to(ROOT) for room in ROOMS for file in (ROOT / room).rglob("*.py"))
    names = (".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files)
    return sorted(name for name in names if not name.endswith("__main__"))


def project() -> dict[str, object]:
    table: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def pins(lock: str) -> dict[str, tuple[str, int]]:
    """Version and number of hashes of everything pinned in a lock."""
    entries = re.split(r"\n(?=\S)", (ROOT / "requirements" / f"{lock}.lock").read_text())
    found = {}
    for entry in entries:
        match = re.match(r"([a-z0-9-]+)==([^ ]+) ", entry)
        assert match, f"{lock}.lock has an entry that pins nothing: {entry[:60]!r}"
        found[match[1]] = (match[2], entry.count("--hash=sha256:"))
    return found


def output_of(*command: str) -> str:
    # A make that runs inside another one prints differently when it knows.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_help_lists_each_target_once_with_what_it_does() -> None:
    phony = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    listed = dict(line.split(maxsplit=1) for line in output_of("make", "help").splitlines())
    assert list(listed) == phony[1].split()


def test_make_alone_helps() -> None:
    assert output_of("make") == output_of("make", "help")


@pytest.mark.parametrize("name", modules())
def test_module_imports(name: str) -> None:
    assert importlib.import_module(name).__doc__, f"{name} has no docstring"


def test_version_is_the_newest_in_the_changelog_and_the_installed_one() -> None:
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert newest[1] == project()["version"] == version("petrosa-ta-bot")


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_hashes_for_everything(lock: str) -> None:
    assert not [name for name, (_, hashes) in pins(lock).items() if not hashes]


def test_locks_agree_and_each_holds_the_smaller_ones() -> None:
    build, runtime, local, dev, bench = (pins(lock) for lock in LOCKS)
    assert runtime.keys() <= local.keys()
    assert {**build, **local}.keys() <= dev.keys() <= bench.keys()
    for smaller in (build, runtime, local, dev):
        assert {name: bench[name][0] for name in smaller} == {name: pin[0] for name, pin in smaller.items()}


def test_each_runtime_dependency_is_pinned() -> None:
    dependencies = project()["dependencies"]
    assert isinstance(dependencies, list)
    assert {re.split(r"[=<>~]", each)[0] for each in dependencies} <= pins("runtime").keys()


def test_no_tracked_file_names_a_registry_or_a_path_of_one_machine() -> None:
    tracked = [ROOT / name for name in output_of("git", "ls-files", "-z").split("\0") if name]
    found = [
        f"{file.relative_to(ROOT)}: {needle}"
        for file in tracked
        if file.is_file()
        for needle in FORBIDDEN
        if needle.encode() in file.read_bytes()
    ]
    assert found == []
