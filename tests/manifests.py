"""The manifests as `kubectl kustomize` renders them, without a cluster, and what the program has to do with them."""

from __future__ import annotations

import inspect
import os
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

import pytest
import yaml
from typer.main import get_command

from config_api.app import create_app
from config_api.auth import Tokens
from dataflow.cli import app
from dataflow.live.health import HealthServer

ROOT = Path(__file__).parents[1]
K8S = ROOT / "k8s"
OVERLAYS = sorted(folder.name for folder in (K8S / "overlays").iterdir())
SHAPES = [*OVERLAYS, "single+tls", "cluster+tls", "ha+monitoring"]
"""Overlays alone, and with what may be added to them."""

FLOW = "petrosa-ta-bot"
SIDECAR = "petrosa-ta-bot-api"

Manifest = dict[str, Any]


class Container(NamedTuple):
    """A container, the pod it is in, and where both are, for messages."""

    where: str
    content: Manifest
    pod: Manifest
    is_init: bool

    @property
    def command(self) -> list[str]:
        return [*self.content["command"], *self.content.get("args", [])]


def kustomize(folder: Path) -> str:
    kubectl = which("kubectl")
    if kubectl is None:
        pytest.fail("this test needs kubectl, of any version that has kustomize", pytrace=False)
    done = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{folder}: {done.stderr}"
    return done.stdout


@lru_cache
def rendered(shape: str) -> list[Manifest]:
    """The manifests of an overlay, with a component where the shape says `overlay+component`."""
    overlay, _, component = shape.partition("+")
    folder = K8S / "overlays" / overlay
    if not component:
        return list(yaml.safe_load_all(kustomize(folder)))
    with TemporaryDirectory() as made:
        place = Path(made).resolve()
        with_component = {
            "resources": [os.path.relpath(folder, place)],
            "components": [os.path.relpath(K8S / "components" / component, place)],
        }
        (place / "kustomization.yaml").write_text(yaml.safe_dump(with_component))
        return list(yaml.safe_load_all(kustomize(place)))


def secret_example() -> Manifest:
    content: Manifest = yaml.safe_load((K8S / "secret.example.yaml").read_text())
    return content


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    return [manifest for manifest in rendered(overlay) if manifest["kind"] in kinds]


def found(overlay: str, kind: str, name: str) -> Manifest:
    by_name = {one["metadata"]["name"]: one for one in of_kind(overlay, kind)}
    assert name in by_name, f"{overlay}: no {kind} {name}, only {sorted(by_name)}"
    return by_name[name]


def workloads(overlay: str) -> list[Manifest]:
    return of_kind(overlay, "StatefulSet", "Deployment")


def containers(overlay: str, *workload: str) -> Iterator[Container]:
    """All containers, or those of the workloads of these names."""
    for manifest in workloads(overlay):
        pod = manifest["spec"]["template"]["spec"]
        for kind in ("initContainers", "containers"):
            for content in pod.get(kind, []) if not workload or manifest["metadata"]["name"] in workload else []:
                where = f"{overlay}: {name_of(manifest)}: {content['name']}"
                yield Container(where, content, pod, kind == "initContainers")


def container(overlay: str, name: str) -> Container:
    by_name = {one.content["name"]: one for one in containers(overlay)}
    return by_name[name]


def environment(overlay: str, of: Container, **fields: str) -> dict[str, str]:
    """The variables that a container gets, with the Secret of the example; `fields` are those of its pod, by path."""
    variables: dict[str, str] = {}
    for source in of.content.get("envFrom", []):
        variables |= found(overlay, "ConfigMap", source["configMapRef"]["name"])["data"]
    secret = secret_example()
    for one in of.content.get("env", []):
        if "value" in one:
            variables[one["name"]] = one["value"]
        elif "fieldRef" in one["valueFrom"]:
            variables[one["name"]] = fields[one["valueFrom"]["fieldRef"]["fieldPath"]]
        else:
            key = one["valueFrom"]["secretKeyRef"]
            assert key["name"] == secret["metadata"]["name"], f"{of.where}: {one['name']} is in another Secret"
            variables[one["name"]] = secret["stringData"][key["key"]]
    return variables


def parse_command(arguments: list[str]) -> None:
    """Read a command of `ta-bot` as the program does, without running it."""
    command: Any = get_command(app)
    rest = list(arguments)
    while hasattr(command, "commands"):
        name = rest.pop(0) if rest else "(none)"
        assert name in command.commands, f"no command {name} among {sorted(command.commands)}"
        command = command.commands[name]
    command.make_context(command.name, rest)


def routes(of: Container) -> set[str]:
    """The paths that a container's program answers."""
    nothing = cast("Any", None)  # what is behind the paths is of no interest
    if of.content["name"] == "sidecar":
        return set(create_app(nothing, Tokens(), 1, "0").openapi()["paths"])
    served = HealthServer(*[nothing] * len(inspect.signature(HealthServer).parameters))._app()
    return {str(getattr(route, "path", "")) for route in served.routes}
