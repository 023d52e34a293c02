"""What is said and watched of metrics is about metrics that there are: documents, alerts, the dashboard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.metrics import ROOT, SUFFIXES, measured

MONITORING = ROOT / "k8s" / "components" / "monitoring"
REPOSITORY = "https://github.com/petrosa/petrosa-ta-bot/blob/main/"

NAME = re.compile(r"\bta_[a-z0-9_]+")
SELECTOR = re.compile(r"\b(ta_[a-z0-9_]+)\{([^}]*)\}")
GROUPED = re.compile(r"\bby \(([^)]*)\)")

# What the scrape adds to all of them.
OF_THE_SCRAPE = {"namespace", "pod", "component", "job", "instance", "le"}


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def alerts() -> list[dict[str, Any]]:
    (rule,) = documents(MONITORING / "prometheusrule.yaml")
    return [alert for group in rule["spec"]["groups"] for alert in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    return found


def queries() -> Iterator[tuple[str, str]]:
    """Where a query is, and it."""
    for alert in alerts():
        yield alert["alert"], alert["expr"]
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def series() -> dict[str, set[str]]:
    """The labels of everything that a query may name."""
    return {name: set(each.labels) for each in measured().values() for name in each.series}


def test_every_query_names_what_is_measured_and_its_labels() -> None:
    known, mistakes = series(), []
    for where, query in queries():
        names = set(NAME.findall(query))
        assert names or "up{" in query, f"{where} measures nothing of ours"
        mistakes += [f"{where}: {name} is not measured" for name in names - known.keys()]
        own = set().union(*(known.get(name, set()) for name in names)) | OF_THE_SCRAPE
        labels = {label for name, inside in SELECTOR.findall(query) for label in re.findall(r"(\w+)\s*!?=", inside)}
        labels |= {label.strip() for inside in GROUPED.findall(query) for label in inside.split(",")}
        mistakes += [f"{where}: nothing there has a label {label}" for label in labels - own]
    assert mistakes == []


def test_counters_are_rates_and_histograms_are_quantiles() -> None:
    """A counter by itself says how long a process has run."""
    kinds = {name: each.kind for each in measured().values() for name in each.series}
    for where, query in queries():
        for name in NAME.findall(query):
            if kinds[name] in {"counter", "histogram"}:
                assert re.search(rf"(rate|increase)\({name}\b", query), f"{where}: {name} is no rate"
            else:
                assert not re.search(rf"(rate|increase)\({name}\b", query), f"{where}: {name} is a gauge"


def headings(path: Path) -> set[str]:
    """The anchors of a document, as GitHub makes them of one word."""
    return {line.lstrip("# ").lower() for line in path.read_text().splitlines() if line.startswith("#")}


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["annotations"].keys() == {"summary", "description", "runbook_url"}
    path, _, anchor = alert["annotations"]["runbook_url"].removeprefix(REPOSITORY).partition("#")
    assert anchor == alert["alert"].lower()
    assert anchor in headings(ROOT / path)


def test_every_alert_that_is_explained_is_there() -> None:
    explained = re.findall(r"^### (\w+)$", (ROOT / "docs" / "alerts.md").read_text(), re.MULTILINE)
    assert explained == [alert["alert"] for alert in alerts()]


def test_the_dashboard_has_each_panel_once_and_none_over_another() -> None:
    places = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels()
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in panels()}) == len({panel["title"] for panel in panels()}) == len(panels())
    assert all(panel["description"] for panel in panels())


def test_the_component_holds_its_files_and_selects_both_programs() -> None:
    (component,) = documents(MONITORING / "kustomization.yaml")
    (generator,) = component["configMapGenerator"]
    assert generator["options"]["labels"]["grafana_dashboard"] == "1"
    files = {*component["resources"], *generator["files"], "kustomization.yaml"}
    assert files == {path.name for path in MONITORING.iterdir()}
    selected = {
        monitor["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]: monitor["spec"]["endpoints"][0]
        for monitor in documents(MONITORING / "servicemonitor.yaml")
    }
    assert {name: endpoint["port"] for name, endpoint in selected.items()} == {"flow": "health", "sidecar": "http"}
    assert all(endpoint["path"] == "/metrics" for endpoint in selected.values())


def test_every_metric_is_documented_as_it_is() -> None:
    rows = re.findall(
        r"^\| `(ta_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE
    )
    written = {name: (kind, labels, meaning) for name, kind, labels, meaning in rows}
    assert len(written) == len(rows)
    assert written == {
        each.shown: (each.kind, ", ".join(f"`{label}`" for label in each.labels), each.meaning)
        for each in measured().values()
    }


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: str(path.name))
def test_documents_name_what_is_measured(path: Path) -> None:
    known = {name for each in measured().values() for name in (*each.series, each.name)}
    assert set(NAME.findall(path.read_text())) <= known


def test_names_say_their_unit() -> None:
    """Base units: seconds and bytes."""
    for each in measured().values():
        assert each.kind in SUFFIXES
        assert not re.search(r"_(ms|millis|milliseconds|minutes|kb|mb|pct)(_|$)", each.name)
        if each.kind == "histogram":
            assert each.name.endswith("_seconds")
