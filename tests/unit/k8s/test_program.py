"""What the manifests ask of the program is what the program has: commands, options, variables, ports, paths."""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import bytewax.run
import pytest

from dataflow.api.settings import ApiSettings, api_settings_of
from dataflow.live.settings import Settings, settings_of
from dataflow.recovery import snapshots_in
from state.errors import StopProgram
from tests.manifests import (
    FLOW,
    OVERLAYS,
    SHAPES,
    SIDECAR,
    Container,
    container,
    containers,
    environment,
    found,
    parse_command,
    rendered,
    routes,
)

FIELDS = {"metadata.labels['apps.kubernetes.io/pod-index']": "1"}


@lru_cache
def words() -> set[str]:
    """All literals in the program's source, among them the variables that no settings hold."""
    folder = Path(inspect.getfile(importlib.import_module("dataflow"))).parent
    trees = [ast.parse(file.read_text()) for file in folder.rglob("*.py")]
    return {
        node.value
        for tree in [*trees, ast.parse(inspect.getsource(bytewax.run))]
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_command_is_one_of_the_program(overlay: str) -> None:
    for of in containers(overlay):
        program, *arguments = of.command
        if program == "ta-bot":
            parse_command([argument.replace("$(BYTEWAX_PROCESS_ID)", "1") for argument in arguments])
        else:
            assert [program, *arguments[:2]] == ["python", "-m", "bytewax.run"], of.where
            module, name = arguments[2].split(":")
            assert callable(getattr(importlib.import_module(module), name)), of.where


@pytest.mark.parametrize("overlay", SHAPES)
def test_each_variable_is_one_that_is_read(overlay: str) -> None:
    for of in containers(overlay):
        kind = ApiSettings if SIDECAR in of.where else Settings
        known = {name.upper() for name in kind.model_fields} | words()
        unknown = sorted(environment(overlay, of, **FIELDS).keys() - known)
        assert unknown == [], f"{of.where}: the program reads none of these"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_settings_are_accepted(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flow, sidecar = container(overlay, "flow"), container(overlay, "sidecar")
    for of in (flow, sidecar):
        for name, value in environment(overlay, of, **FIELDS).items():
            monkeypatch.setenv(name, value)
    with pytest.raises(StopProgram, match="API_TOKENS"):  # else somebody would deploy the tokens of the example
        api_settings_of()
    monkeypatch.setenv("API_TOKENS", "write:0123456789abcdef,read:fedcba9876543210")
    settings, api_settings = settings_of(), api_settings_of()
    assert settings.health_host == api_settings.fastapi_host == "0.0.0.0"  # noqa: S104  # else no probe gets there
    assert api_settings.tokens()
    assert {"health": settings.health_port} == _ports(flow, without="bytewax")
    assert {"http": api_settings.fastapi_port} == _ports(sidecar)
    assert settings.max_signal_age_seconds is not None


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_probes_ask_for_paths_that_are_answered(overlay: str) -> None:
    for of in containers(overlay):
        if of.is_init:
            continue
        for kind, path in {"startupProbe": "/live", "livenessProbe": "/live", "readinessProbe": "/ready"}.items():
            probe = of.content[kind]["httpGet"]
            assert probe["path"] == path in routes(of), f"{of.where}: {kind}"
            assert probe["port"] in _ports(of), f"{of.where}: {kind}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_image_is_of_this_version(overlay: str) -> None:
    assert {of.content["image"] for of in containers(overlay)} == {f"petrosa-ta-bot:{version('petrosa-ta-bot')}"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_recovery_folder_is_on_the_volume_of_the_pod(overlay: str) -> None:
    init, flow = container(overlay, "recovery"), container(overlay, "flow")
    folder = Path(init.command[3])
    given = flow.command[3:4] if "--recovery" in flow.command else []
    snapshots = environment(overlay, flow, **FIELDS).get("BYTEWAX_RECOVERY_DIRECTORY")
    assert [*map(Path, given), *([Path(snapshots)] if snapshots else [])] == [
        snapshots_in(folder) if snapshots else folder
    ]
    for of in (init, flow):
        [mount] = [Path(each["mountPath"]) for each in of.content["volumeMounts"] if each["name"] == "recovery"]
        assert folder.is_relative_to(mount), of.where
        assert folder != mount, "a new volume is not empty: file systems have a folder of their own there"


def test_the_standby_overlay_has_several_with_one_lease() -> None:
    assert container("ha", "flow").command[-2:] == ["--lease", "ta-bot"]
    flow = found("ha", "StatefulSet", FLOW)["spec"]
    assert flow["replicas"] == 2
    hard = [one for one in flow["template"]["spec"]["topologySpreadConstraints"] if "Do" in one["whenUnsatisfiable"]]
    assert [one["topologyKey"] for one in hard] == ["kubernetes.io/hostname"]


def test_members_are_the_pods_that_there_are() -> None:
    flow = found("cluster", "StatefulSet", FLOW)
    count, service, namespace = flow["spec"]["replicas"], flow["spec"]["serviceName"], flow["metadata"]["namespace"]
    variables = environment("cluster", container("cluster", "flow"), **FIELDS)
    members = next(one for one in rendered("cluster") if "members.txt" in one.get("data", {}))["data"]["members.txt"]
    port = _ports(container("cluster", "flow"))["bytewax"]
    names = [f"{FLOW}-{index}.{service}.{namespace}.svc.cluster.local:{port}" for index in range(count)]
    assert members.splitlines() == names
    assert int(variables["KLINES_SHARDS"]) >= count
    mounts = {each["name"]: each["mountPath"] for each in container("cluster", "flow").content["volumeMounts"]}
    assert variables["BYTEWAX_HOSTFILE_PATH"] == f"{mounts['members']}/members.txt"
    assert flow["spec"]["updateStrategy"] == {"type": "OnDelete"}
    assert found("cluster", "Service", service)["spec"]["publishNotReadyAddresses"] is True


def _ports(of: Container, without: str = "") -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in of.content["ports"] if port["name"] != without}
