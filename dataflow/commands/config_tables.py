"""The configuration as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich import box
from rich.markup import escape
from rich.table import Table

Content = Mapping[str, Any]

_WHOLE = ("when", "time", "who", "symbol")


def config_table(title: str, data: Content) -> Table:
    """A configuration: what is in force, and what of it is stored there."""
    stored = data["stored_parameters"]
    held = "nothing stored here" if stored is None else f"version {data['version']}"
    table = _table(f"{title}: {held}, in force from {data['source']}", "parameter", "in force", "stored here", "")
    for name, value in data["parameters"].items():
        changed = "changed" if name in data["changed_parameters"] else ""
        table.add_row(escape(name), _text(value), _text(stored[name]) if stored and name in stored else "", changed)
    return table


def done_line(metadata: Content, data: Content) -> str:
    """What was done, in words."""
    if not metadata["changes_applied"]:
        return f"{metadata['action']}: version {data['version']}"
    told = "bots were told" if metadata["announced"] else "bots find it at their next look at the stores"
    later = "" if metadata["mirrored"] else "; the other store gets it later"
    return f"{str(metadata['action']).replace('_', ' ')}: version {data['version']}; {told}{later}"


def audit_table(title: str, entries: Iterable[Content]) -> Table:
    """Changes, with the values that each changed."""
    table = _table(title, "version", "when", "who", "symbol", "what", "why")
    for entry in entries:
        table.add_row(
            str(entry["version"]),
            str(entry["changed_at"]),
            escape(entry["changed_by"]),
            escape(entry["symbol"] or ""),
            "\n".join(_changes(entry)),
            escape(entry["reason"] or ""),
        )
    return table


def dry_run_line(found: Content) -> str:
    """How many signals a change would make, unmake or change."""
    bars = f"{found['bars']} bars of {found['symbol']} {found['timeframe']}"
    counts = ", ".join(f"{len(found[what])} {what}" for what in ("appear", "disappear"))
    return f"signals of the last {bars}: {counts}, {len(found['changed'])} change, {found['unchanged']} stay the same"


def dry_run_table(found: Content) -> Table:
    """The signals that a change would make, unmake or change."""
    table = _table("", "", "time", "strategy", "action")
    for column in ("confidence", "price"):
        table.add_column(column, justify="right")
    rows = [("appears", signal) for signal in found["appear"]]
    rows += [("disappears", signal) for signal in found["disappear"]]
    rows += [("changes", pair["after"]) for pair in found["changed"]]
    for what, signal in sorted(rows, key=lambda row: (row[1]["timestamp"], row[1]["signal_id"])):
        numbers = (f"{signal['confidence']:.2f}", f"{signal['price']:.10g}")
        table.add_row(what, signal["timestamp"], signal["strategy_id"], signal["action"], *numbers)
    return table


def _changes(entry: Content) -> Iterator[str]:
    old, new = entry["old_parameters"], entry["new_parameters"]
    yield str(entry["action"]).lower()
    if entry["strategy_id"] is None or entry["symbol"] is not None:  # what is not stored there is not a value
        old, new = old or {}, new or {}
    if old is not None and new is not None:
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield f"{escape(name)} {_text(old.get(name))} → {_text(new.get(name))}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return escape(", ".join(map(str, value)))
    return "" if value is None else escape(str(value))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=escape(title) or None, title_justify="left", box=box.SIMPLE_HEAD)
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=column in _WHOLE or not index)
    return table
