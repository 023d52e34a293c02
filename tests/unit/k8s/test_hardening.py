"""Nobody gets more than is needed: rights, files, memory, and who may talk to whom."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.manifests import SHAPES, Manifest, containers, name_of, of_kind, workloads

OUTSIDE = {53, 4222, 3306, 27017, 443, 4318}
"""Ports of others that are talked to."""


@pytest.mark.parametrize("overlay", SHAPES)
def test_containers_have_no_rights(overlay: str) -> None:
    wanted = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    pods = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
    for of in containers(overlay):
        assert of.content["securityContext"] == wanted, of.where
        assert pods.items() <= of.pod["securityContext"].items(), of.where
        assert of.pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, of.where
        assert of.pod["automountServiceAccountToken"] is False, of.where
        assert of.pod["enableServiceLinks"] is False, of.where
        assert not {"hostNetwork", "hostPID", "hostIPC"} & of.pod.keys(), of.where
        assert "/tmp" in {mount["mountPath"] for mount in of.content["volumeMounts"]}, of.where


@pytest.mark.parametrize("overlay", SHAPES)
def test_containers_say_what_they_need_and_no_image_may_change(overlay: str) -> None:
    for of in containers(overlay):
        for kind in ("requests", "limits"):
            assert of.content["resources"][kind].keys() == {"cpu", "memory"}, of.where
        tag = of.content["image"].rpartition(":")[2]
        assert tag not in {of.content["image"], "latest"}, of.where
    for manifest in workloads(overlay):
        assert manifest["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 10, name_of(manifest)


@pytest.mark.parametrize("overlay", SHAPES)
def test_programs_have_no_rights_in_kubernetes_and_operators_no_secrets(overlay: str) -> None:
    for account in of_kind(overlay, "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False, name_of(account)
    bindings = of_kind(overlay, "RoleBinding", "ClusterRoleBinding")
    assert {subject["kind"] for binding in bindings for subject in binding["subjects"]} == {"Group"}
    assert of_kind(overlay, "ClusterRole", "ClusterRoleBinding") == []
    granted = [
        word
        for role in of_kind(overlay, "Role")
        for rule in role["rules"]
        for word in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
    ]
    assert not {"*", "secrets"} & set(granted)


@pytest.mark.parametrize("overlay", SHAPES)
def test_all_is_denied_but_what_is_needed(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    [deny] = [one for one in policies if not {"ingress", "egress"} & one["spec"].keys()]
    assert sorted(deny["spec"]["policyTypes"]) == ["Egress", "Ingress"]
    for manifest in workloads(overlay):
        pod = manifest["spec"]["template"]
        where = f"{overlay}: {name_of(manifest)}"
        assert _applies(deny, pod), f"{where}: is denied nothing"
        own = {port["containerPort"] for one in pod["spec"]["containers"] for port in one["ports"]}
        applying = [one["spec"] for one in policies if _applies(one, pod)]
        let_in = _ports(rule for policy in applying for rule in policy.get("ingress", []))
        assert own <= let_in, f"{where}: nobody may reach {own - let_in}"
        assert let_in <= own | {8080, 8081}, f"{where}: {let_in - own} is open, and nothing listens there"
        let_out = _ports(rule for policy in applying for rule in policy.get("egress", []))
        # The sidecar sends nothing to a REST endpoint, and asks the flow how it is.
        needed = (OUTSIDE - {443}) | {8081} if "api" in where else OUTSIDE
        assert let_out - own == needed, f"{where}: may reach {sorted(let_out)}"


@pytest.mark.parametrize("overlay", SHAPES)
def test_everybody_who_comes_in_is_named(overlay: str) -> None:
    for policy in of_kind(overlay, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            assert rule["from"], name_of(policy)
            assert rule["ports"], name_of(policy)


def test_only_members_reach_the_port_of_members() -> None:
    rules = [
        rule
        for policy in of_kind("cluster", "NetworkPolicy")
        for rule in policy["spec"].get("ingress", [])
        if 2101 in _ports([rule])
    ]
    flow = {"app.kubernetes.io/name": "petrosa-ta-bot", "app.kubernetes.io/component": "flow"}
    assert [rule["from"] for rule in rules] == [[{"podSelector": {"matchLabels": flow}}]]
    others = [of for overlay in ("single", "ha") for of in of_kind(overlay, "NetworkPolicy")]
    assert not any(2101 in _ports(one["spec"].get("ingress", [])) for one in others)


def _applies(policy: Manifest, pod: Manifest) -> bool:
    return bool(policy["spec"]["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items())


def _ports(rules: Iterable[Manifest]) -> set[int]:
    return {port["port"] for rule in rules for port in rule["ports"]}
