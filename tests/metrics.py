"""What the programs measure, as Prometheus has it."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any, NamedTuple

from prometheus_client import REGISTRY

ROOT = Path(__file__).resolve().parents[1]

SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


class Measured(NamedTuple):
    """A metric: its name without what Prometheus adds to it, and what it is."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str

    @property
    def shown(self) -> str:
        """The name that people look for."""
        return f"{self.name}_total" if self.kind == "counter" else self.name

    @property
    def series(self) -> list[str]:
        """The names that queries may have."""
        return [self.name + suffix for suffix in SUFFIXES[self.kind]]


def measured() -> dict[str, Measured]:
    """All that either program measures, by name."""
    for file in (*(ROOT / "dataflow").rglob("*.py"), *(ROOT / "config_api").rglob("*.py")):
        if "prometheus_client" in file.read_text():
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    collectors: dict[Any, list[str]] = REGISTRY._collector_to_names
    found = {}
    for collector in collectors:
        for family in collector.collect():
            if family.name.startswith("ta_"):
                labels = getattr(collector, "_labelnames", None) or getattr(family, "_labelnames", ())
                found[family.name] = Measured(family.name, family.type, tuple(labels or ()), family.documentation)
    return found
