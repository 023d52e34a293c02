"""Every manifest is what Kubernetes takes, and names only what there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest

from tests.manifests import (
    FLOW,
    OVERLAYS,
    SHAPES,
    SIDECAR,
    Manifest,
    containers,
    environment,
    found,
    name_of,
    of_kind,
    rendered,
    secret_example,
    workloads,
)

# The oldest that labels pods with their index, one in the middle, and the newest that there is a schema for.
VERSIONS = ["1.28", "1.32", kubernetes_validate.latest_version()]

# Their schemas are not Kubernetes's own.
OF_OTHERS = {"monitoring.coreos.com"}

FIXED_FOR_EVER = ["serviceName", "podManagementPolicy", "revisionHistoryLimit", "selector", "volumeClaimTemplates"]


def all_manifests() -> dict[str, Manifest]:
    """Each once, with where it comes from."""
    by_content = {json.dumps(one, sort_keys=True): (shape, one) for shape in SHAPES for one in rendered(shape)}
    by_name = {f"{overlay}: {name_of(one)}": one for overlay, one in by_content.values()}
    return {**by_name, "secret.example.yaml": secret_example()}


@pytest.mark.parametrize("version", VERSIONS)
def test_each_is_valid(version: str) -> None:
    wrong = {}
    for where, manifest in all_manifests().items():
        if manifest["apiVersion"].split("/")[0] in OF_OTHERS:
            continue
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong[where] = f"{'.'.join(map(str, error.path))}: {error.message}"[:300]
    assert wrong == {}


def test_a_word_that_kubernetes_does_not_know_is_found() -> None:
    service = json.loads(json.dumps(found("single", "Service", SIDECAR)))
    service["spec"]["selectors"] = service["spec"].pop("selector")
    with pytest.raises(kubernetes_validate.ValidationError, match="selectors"):
        kubernetes_validate.validate(service, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_secret_is_not_deployed_with_the_rest(overlay: str) -> None:
    assert of_kind(overlay, "Secret", "Namespace") == []
    assert {one["metadata"]["namespace"] for one in rendered(overlay)} == {"petrosa"}


def test_one_overlay_can_follow_another() -> None:
    flows = [found(overlay, "StatefulSet", FLOW)["spec"] for overlay in OVERLAYS]
    fixed = [{name: flow[name] for name in FIXED_FOR_EVER} for flow in flows]
    assert fixed == fixed[:1] * len(OVERLAYS)
    kept = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    assert [flow["persistentVolumeClaimRetentionPolicy"] for flow in flows] == [kept] * len(OVERLAYS)


@pytest.mark.parametrize("overlay", SHAPES)
def test_what_is_referred_to_is_there(overlay: str) -> None:
    for of in containers(overlay):
        environment(overlay, of, **dict.fromkeys(_fields(of.content), "0"))  # fails where something is missing
        found(overlay, "ServiceAccount", of.pod["serviceAccountName"])
        wanted = {mount["name"] for mount in of.content["volumeMounts"]}
        assert wanted <= _volumes(overlay, of.pod), f"{of.where}: mounts what there is not"
        for variable in of.content.get("env", []):
            if variable["name"].endswith("_FILE"):
                places = [each["mountPath"] for each in of.content["volumeMounts"]]
                assert str(Path(variable["value"]).parent) in places, f"{of.where}: {variable['name']} is nowhere"
    for manifest in workloads(overlay):
        for volume in manifest["spec"]["template"]["spec"]["volumes"]:
            if "configMap" in volume:
                found(overlay, "ConfigMap", volume["configMap"]["name"])
    for autoscaler in of_kind(overlay, "HorizontalPodAutoscaler"):
        target = found(overlay, autoscaler["spec"]["scaleTargetRef"]["kind"], SIDECAR)
        assert "replicas" not in target["spec"], f"{overlay}: the number of sidecars is the autoscaler's"
    found(overlay, "Service", found(overlay, "StatefulSet", FLOW)["spec"]["serviceName"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secret_keys_that_must_be_there_are_those_of_the_example(overlay: str) -> None:
    keys = {
        (one["name"], one["valueFrom"]["secretKeyRef"].get("optional", False))
        for of in containers(overlay)
        for one in of.content.get("env", [])
        if "secretKeyRef" in one.get("valueFrom", {})
    }
    assert {name for name, _ in keys} == set(secret_example()["stringData"])
    assert {name for name, is_optional in keys if is_optional} == {"MONGODB_URI", "API_ENDPOINT"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_each_selector_finds_pods(overlay: str) -> None:
    pods = [one["spec"]["template"] for one in workloads(overlay)]
    for where, selector in _selectors(overlay):
        assert any(selector.items() <= pod["metadata"]["labels"].items() for pod in pods), f"{where}: {selector}"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_and_the_ingress_lead_to_ports_that_there_are(overlay: str) -> None:
    for service in of_kind(overlay, "Service"):
        chosen = service["spec"]["selector"].items()
        pods = [
            one["spec"]["template"]
            for one in workloads(overlay)
            if chosen <= one["spec"]["template"]["metadata"]["labels"].items()
        ]
        ports = {
            port["name"]: port["containerPort"]
            for pod in pods
            for content in pod["spec"]["containers"]
            for port in content["ports"]
        }
        led = {port["targetPort"]: port["port"] for port in service["spec"]["ports"]}
        assert led == {name: ports.get(name) for name in led}, f"{overlay}: {name_of(service)}"
    for ingress in of_kind(overlay, "Ingress"):
        hosts = {host for tls in ingress["spec"]["tls"] for host in tls["hosts"]}
        for rule in ingress["spec"]["rules"]:
            assert rule["host"] in hosts, f"{overlay}: {rule['host']} is served without TLS"
            for path in rule["http"]["paths"]:
                target = path["backend"]["service"]
                service = found(overlay, "Service", target["name"])
                assert target["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}


def _fields(content: Manifest) -> list[str]:
    sources = [one.get("valueFrom", {}) for one in content.get("env", [])]
    return [source["fieldRef"]["fieldPath"] for source in sources if "fieldRef" in source]


def _volumes(overlay: str, pod: Manifest) -> set[str]:
    claims = [
        claim["metadata"]["name"]
        for one in workloads(overlay)
        if one["spec"]["template"]["spec"] is pod
        for claim in one["spec"].get("volumeClaimTemplates", [])
    ]
    return {*claims, *(volume["name"] for volume in pod["volumes"])}


def _selectors(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for manifest in rendered(overlay):
        where, spec = f"{overlay}: {name_of(manifest)}", manifest.get("spec", {})
        if manifest["kind"] == "Service":
            yield where, spec["selector"]
        elif manifest["kind"] == "NetworkPolicy":
            yield where, spec["podSelector"]["matchLabels"]
        elif "selector" in spec:
            yield where, spec["selector"]["matchLabels"]
        for spread in spec.get("template", {}).get("spec", {}).get("topologySpreadConstraints", []):
            yield where, spread["labelSelector"]["matchLabels"]
