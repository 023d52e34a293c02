"""What the runbook and the overview tell people to type can be typed."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from tests.manifests import (
    FLOW,
    OVERLAYS,
    ROOT,
    container,
    containers,
    parse_command,
    rendered,
    routes,
    secret_example,
    workloads,
)

TEXTS = {path: (ROOT / path).read_text() for path in ("docs/runbook.md", "k8s/README.md")}
COMMANDS = sorted(
    {
        line.removeprefix("$ ")
        for text in TEXTS.values()
        for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    }
)
OF_KUBECTL = [command for command in COMMANDS if command.startswith("kubectl")]
GROUPS = {"rollout", "create"}


@lru_cache
def help_of(*words: str) -> str:
    return subprocess.run(["kubectl", *words, "--help"], capture_output=True, text=True, check=True).stdout


def subcommand(words: list[str]) -> tuple[str, ...]:
    """What kubectl is to do, without options and objects."""
    plain = [word for word in words[1:] if word not in {"-n", "petrosa"}]
    return tuple(plain[: (3 if plain[1] == "secret" else 2) if plain[0] in GROUPS else 1])


def test_there_are_commands_of_each_kind() -> None:
    assert {command.split()[0] for command in COMMANDS} == {"kubectl", "curl", "ta-bot"}
    assert {command.split()[3] for command in COMMANDS if " -k " in command} == {
        f"k8s/overlays/{overlay}" for overlay in OVERLAYS
    }


@pytest.mark.parametrize("command", OF_KUBECTL)
def test_kubectl_knows_the_options(command: str) -> None:
    words = shlex.split(command.split(" -- ", maxsplit=1)[0].split(" | ", maxsplit=1)[0])
    said = help_of(*subcommand(words))
    options = [word.split("=")[0] for word in words if word.startswith("-") and word != "-n"]
    assert [option for option in options if f"{option}=" not in said and f"{option} " not in said] == []


@pytest.mark.parametrize("command", OF_KUBECTL)
def test_kubectl_is_told_of_what_there_is(command: str) -> None:
    objects = {f"{one['kind'].lower()}/{one['metadata']['name']}" for one in rendered("cluster")}
    names = {of.content["name"] for of in containers("cluster")}
    labels = [one["spec"]["template"]["metadata"]["labels"] for one in workloads("cluster")]
    before, _, inside = command.partition(" -- ")
    for word in shlex.split(before):
        if word.startswith(("statefulset/", "deployment/")):
            assert word in objects
        if word.startswith("k8s/"):
            assert (ROOT / word / "kustomization.yaml").is_file()
        if FLOW in word and re.search(r"-\d+$", word):
            assert re.fullmatch(rf"(recovery-)?{FLOW}-[01]", word)
    for name in re.findall(r" -c (\S+)", before):
        assert name in names
    for name, value in re.findall(r"(?: -l )(\S+)=(\S+)", before):
        assert value in {each.get(name) for each in labels}
    if inside:
        assert inside.startswith("ta-bot ")
        parse_command(inside.split()[1:])


def test_the_secret_and_the_namespace_are_made_as_told(tmp_path: Path) -> None:
    example = secret_example()
    (tmp_path / "petrosa.env").write_text("".join(f"{k}={v}\n" for k, v in example["stringData"].items()))
    made = []
    for command in OF_KUBECTL:
        if " create " in command and "dry-run" not in command:
            dry = [*shlex.split(command), "--dry-run=client", "-o", "yaml"]
            done = subprocess.run(dry, cwd=tmp_path, capture_output=True, text=True, check=True)
            made.append(yaml.safe_load(done.stdout))
    secret, namespace = sorted(made, key=lambda one: one["kind"], reverse=True)
    assert secret["metadata"]["name"] == example["metadata"]["name"]
    assert secret["metadata"]["namespace"] == namespace["metadata"]["name"] == "petrosa"
    assert secret["data"].keys() == example["stringData"].keys()


def test_other_commands_are_of_the_program() -> None:
    for command in COMMANDS:
        if command.startswith("ta-bot"):
            parse_command(command.split()[1:])
        if command.startswith("curl"):
            path = re.fullmatch(r"curl -s localhost:8081(/\w+)", command)
            assert path
            assert path[1] in routes(container("single", "flow"))


@pytest.mark.parametrize("path", TEXTS)
def test_what_is_named_is_there(path: str) -> None:
    text = TEXTS[path]
    for file in re.findall(r"`(k8s/[\w./-]+)`", text):
        assert (ROOT / file).exists(), file
    for target in re.findall(r"\]\(([\w./-]+)\)", text):
        assert target == "alerts.md" or (ROOT / path).parent.joinpath(target).exists(), target
    known = {key for one in rendered("cluster") if one["kind"] == "ConfigMap" for key in one["data"]}
    known |= {*secret_example()["stringData"], "MAX_SIGNAL_AGE_BARS", "TA_BOT_API_TOKEN"}
    assert set(re.findall(r"`([A-Z][A-Z_]{4,})`", text)) <= known
