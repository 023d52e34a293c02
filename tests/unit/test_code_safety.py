"""Nothing that turns data into code is used, but in the places named here."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("dataflow", "operators", "strategies", "state", "config_api")

# What they load may hold code that runs.
MODULES = {"pickle", "cPickle", "_pickle", "pickletools", "copyreg", "marshal", "shelve", "dbm", "dill", "cloudpickle"}
MODULES |= {"joblib", "yaml", "code", "codeop"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {"popen", "read_pickle", "unsafe_load", "full_load", "allow_pickle"}

# Processes that one started, over pipes that they inherit: multiprocessing pickles what goes through those.
PIPES = {"dataflow/cluster.py"}

# Bytes that the tests made themselves; YAML is only ever read as data.
TESTS_MAY: dict[str, set[str]] = {"pickle": {"tests", "benchmarks"}, "yaml": {"tests"}}


def files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def findings(path: Path) -> Iterator[str]:
    """What a file uses of all this, by name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield f"{node.func.id}()"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield f".{node.func.attr}()"
            yield from (f".{word.arg}()" for word in node.keywords if word.arg == "allow_pickle")


FORBIDDEN = MODULES | {f"{name}()" for name in CALLS} | {f".{name}()" for name in METHODS}


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_loads_code_from_data(room: str) -> None:
    found = {str(path.relative_to(ROOT)): FORBIDDEN.intersection(findings(path)) for path in files(room)}
    assert found, "there are no files"
    assert {path: names for path, names in found.items() if names} == {}


def test_pickles_go_through_the_pipes_of_a_cluster_alone() -> None:
    found = {str(path.relative_to(ROOT)) for path in files(*ROOMS) if "multiprocessing" in findings(path)}
    assert found == PIPES


def test_tests_load_their_own_bytes_alone() -> None:
    found = {
        (name, path.relative_to(ROOT).parts[0])
        for path in files("tests", "benchmarks")
        for name in FORBIDDEN.intersection(findings(path))
    }
    assert {(name, folder) for name, folder in found if folder not in TESTS_MAY.get(name, set())} == set()


def test_what_is_looked_for_is_found(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    lines = (
        "import os, pickle as p",
        "from yaml import load",
        "eval('1')",
        "os.popen('x')",
        "np.load(f, allow_pickle=1)",
    )
    path.write_text("\n".join(lines))
    assert FORBIDDEN.intersection(findings(path)) == {"pickle", "yaml", "eval()", ".popen()", ".allow_pickle()"}
