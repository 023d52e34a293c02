"""Workflows fit their schema, use what the project has, and may do little; targets of a release do what they say."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from tests.unit.test_project import pins

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))

# The checkouts of tests lie beside their klines.
FOLDER = "bot/"

each = pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)


def read(workflow: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(workflow.read_text())
    return found


def jobs(workflow: Path) -> Iterator[dict[str, Any]]:
    yield from read(workflow)["jobs"].values()


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(workflow):
        yield from job.get("steps", [])


def scripts(workflow: Path) -> Iterator[str]:
    """What the steps run, once for each value of a matrix."""
    for job in jobs(workflow):
        matrix = job.get("strategy", {}).get("matrix", {})
        for step in job.get("steps", []):
            texts = [step.get("run", "")]
            for name, values in matrix.items():
                texts = [text.replace(f"${{{{ matrix.{name} }}}}", value) for text in texts for value in values]
            yield from texts


def used(workflow: Path) -> list[str]:
    """The actions and workflows that a workflow uses."""
    return [one["uses"] for one in (*jobs(workflow), *steps(workflow)) if "uses" in one]


def make(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Make, without installing anything."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    installed = [f"--assume-old=.venv/{name}" for name in (".dev", ".runtime")]
    command = ["make", *installed, *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("custom.github-workflows-require-timeout", WORKFLOWS),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"]),
    ],
    ids=["workflows", "timeouts", "dependabot"],
)
def test_it_fits_the_schema(schema: str, files: list[Path]) -> None:
    check = [str(BIN / "check-jsonschema"), "--builtin-schema", schema, *map(str, files)]
    ended = subprocess.run(check, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout


@each
def test_what_is_used_is_pinned_by_commit_and_says_its_version(workflow: Path) -> None:
    text = workflow.read_text()
    for name in used(workflow):
        if name.startswith("./"):
            assert (ROOT / name).is_file()
        else:
            assert re.search(rf"uses: {re.escape(name)} # v\d+\.\d+\.\d+$", text, re.MULTILINE), name
            assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)


def test_each_action_has_one_version() -> None:
    actions = {name for workflow in WORKFLOWS for name in used(workflow) if not name.startswith("./")}
    assert len({name.partition("@")[0] for name in actions}) == len(actions)


@each
def test_a_workflow_may_read_and_only_jobs_may_more(workflow: Path) -> None:
    assert read(workflow)["permissions"] == {"contents": "read"}
    assert "concurrency" in read(workflow)
    assert "pull_request_target" not in workflow.read_text()
    checkouts = [step for step in steps(workflow) if step.get("uses", "").startswith("actions/checkout@")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


@each
def test_no_script_holds_what_somebody_else_can_write(workflow: Path) -> None:
    assert [text for text in scripts(workflow) if "${{" in text] == []


@each
def test_targets_and_files_that_are_used_exist(workflow: Path) -> None:
    phony = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    for text in scripts(workflow):
        for words in re.findall(r"^make (.*)$", text, re.MULTILINE):
            assert {word for word in words.split() if "=" not in word} <= set(phony[1].split())
        for path in re.findall(
            r"(?<![\w/])\.venv/bin/([\w-]+)|(?<![\w/-])(\.github/\S+\.py|Dockerfile|pyproject\.toml)", text
        ):
            assert (BIN / path[0] if path[0] else ROOT / path[1]).exists(), path
    locks = [step["with"]["cache-dependency-path"] for step in steps(workflow) if "cache" in step.get("with", {})]
    assert all((ROOT / lock.removeprefix(FOLDER)).is_file() for lock in locks)


def test_every_python_that_is_supported_is_tested() -> None:
    (test,) = [job for job in jobs(GITHUB / "workflows" / "ci.yml") if "strategy" in job]
    classifiers = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text())
    assert test["strategy"]["matrix"]["python"] == classifiers
    assert set(test["strategy"]["matrix"]["suite"]) == set(
        re.findall(r"make (test\S*)", (ROOT / ".ci/run").read_text())
    )


def test_an_audit_fails_when_it_could_not_look() -> None:
    assert any("make audit" in text for text in scripts(GITHUB / "workflows" / "security.yml"))
    said = make("-n", "audit").stdout.split()
    assert {"--strict", "--require-hashes", "--disable-pip", "requirements/runtime.lock"} <= set(said)


def test_the_list_of_what_it_runs_on_is_the_lock(tmp_path: Path) -> None:
    ended = make("sbom", f"DIST={tmp_path}")
    assert ended.returncode == 0, ended.stderr
    (written,) = tmp_path.iterdir()
    found = orjson.loads(written.read_bytes())
    assert found["bomFormat"] == "CycloneDX"
    assert found["metadata"]["component"]["name"] == "petrosa-ta-bot"
    components = {one["name"]: one["version"] for one in found["components"]}
    assert components == {name: pinned for name, (pinned, _) in pins("runtime").items()}


@pytest.fixture
def notes_of() -> Callable[[str, Path], str]:
    found: Callable[[str, Path], str] = runpy.run_path(str(GITHUB / "release.py"))["notes_of"]
    return found


def project_at(folder: Path, version: str, *headings: str) -> Path:
    (folder / "pyproject.toml").write_text(f'[project]\nversion = "{version}"\n')
    parts = (f"## {heading}\n\n- changes of {heading}\n\n" for heading in headings)
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n" + "".join(parts))
    return folder


@pytest.mark.parametrize("headings", [("[1.2.0] - 2026-03-04",), ("[1.2.0] - 2026-03-04", "[1.1.0] - 2026-01-01")])
def test_a_release_tells_its_own_changes(
    notes_of: Callable[[str, Path], str], headings: tuple[str, ...], tmp_path: Path
) -> None:
    assert notes_of("v1.2.0", project_at(tmp_path, "1.2.0", *headings)) == "- changes of [1.2.0] - 2026-03-04"


@pytest.mark.parametrize(
    ("tag", "version", "heading", "says"),
    [
        ("v1.2.1", "1.2.0", "[1.2.0] - 2026-03-04", "expected the tag v1.2.0, got v1.2.1"),
        ("1.2.0", "1.2.0", "[1.2.0] - 2026-03-04", "expected the tag v1.2.0, got 1.2.0"),
        ("v1.2.0", "1.2.0", "[1.1.0] - 2026-03-04", "expected 1.2.0 as the newest version"),
        ("v1.2.0", "1.2.0", "[1.2.0] - Unreleased", "expected the date of 1.2.0, got Unreleased"),
    ],
)
def test_what_does_not_agree_is_not_released(
    notes_of: Callable[[str, Path], str], tag: str, version: str, heading: str, says: str, tmp_path: Path
) -> None:
    project_at(tmp_path, version, heading)
    with pytest.raises(ValueError, match=re.escape(says)):
        notes_of(tag, tmp_path)


@pytest.fixture
def deployable(tmp_path: Path) -> Path:
    """A project with an overlay."""
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    overlay = tmp_path / "k8s" / "overlays" / "single"
    overlay.mkdir(parents=True)
    container = {"name": "flow", "image": "petrosa-ta-bot"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "flow"}, "spec": {"containers": [container]}}
    (overlay / "pod.yaml").write_text(yaml.safe_dump(pod))
    (overlay / "kustomization.yaml").write_text("resources: [pod.yaml]\n")
    return tmp_path


@pytest.mark.parametrize(
    "image", ["registry.example:5000/team/bot:1.2", "bot:1", f"registry.example/bot@sha256:{'0' * 64}"]
)
def test_a_deployment_names_the_image(deployable: Path, image: str) -> None:
    ended = make("deploy", "OVERLAY=single", f"IMAGE={image}", "DRY_RUN=1", cwd=deployable)
    assert ended.returncode == 0, ended.stderr
    assert yaml.safe_load(ended.stdout)["spec"]["containers"][0]["image"] == image


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "make deploy OVERLAY=... with one of: single"),
        (("OVERLAY=double",), "make deploy OVERLAY=... with one of: single"),
        (("OVERLAY=single", "IMAGE=registry.example:5000/bot"), "expected name:tag or name@digest"),
    ],
)
def test_a_deployment_of_nothing_is_refused(deployable: Path, arguments: tuple[str, ...], says: str) -> None:
    ended = make("deploy", *arguments, cwd=deployable)
    assert ended.returncode == 2
    assert says in ended.stderr
