"""Files that pages are made of: the vendored ones as they were published, ours without what a strict page forbids."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

import config_api
import dataflow.report

STATIC = Path(config_api.__file__).parent / "static"
ASSETS = Path(dataflow.report.__file__).parent / "assets"
VENDORED = json.loads((STATIC / "vendored.json").read_text())
PARTS = {name: digest for library in VENDORED.values() for name, digest in library["files"].items()}
OURS = [
    file
    for folder in (STATIC, ASSETS)
    for file in sorted(folder.iterdir())
    if file.suffix in {".js", ".css", ".j2"} and file.name not in PARTS
]


@pytest.mark.parametrize("name", PARTS)
def test_vendored_files_are_as_they_were_published(name: str) -> None:
    assert sha256((STATIC / name).read_bytes()).hexdigest() == PARTS[name]


def test_vendored_libraries_come_with_licence_and_notice() -> None:
    for name, library in VENDORED.items():
        assert {f"{name}.LICENSE", f"{name}.NOTICE"} < library["files"].keys()
        script = next(file for file in library["files"] if file.endswith(".js"))
        assert f"v{library['version']}" in (STATIC / script).read_text()[:400]
    assert "Apache License" in (STATIC / "lightweight-charts.LICENSE").read_text()


@pytest.mark.parametrize("file", OURS, ids=lambda file: file.name)
def test_nothing_of_ours_needs_inline_code_or_a_network(file: Path) -> None:
    text = file.read_text()
    addresses = set(re.findall(r"https?://[^\s\"'<]+", text)) - {"https://www.tradingview.com/"}
    assert addresses == set()
    forbidden = (
        r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|javascript:|\son\w+=|style=\""
    )
    assert re.findall(forbidden, text) == []
