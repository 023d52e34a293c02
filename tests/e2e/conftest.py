"""A small market in files by key, and what a replay of it with the defaults makes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from state.bar import Bar
from tests.browser import running_chromium
from tests.e2e.command import made_up_bars, replayed, write_bars


@dataclass(frozen=True)
class Market:
    """A folder with one file per key, and the signals and the tables of its replay."""

    folder: Path
    bars: dict[str, list[Bar]]
    signals: bytes
    table: str

    def file(self, key: str = "SYNTHAUSDT|15m") -> Path:
        return self.folder / f"{key.replace('|', '-')}.csv"


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    folder, out = tmp_path_factory.mktemp("klines"), tmp_path_factory.mktemp("signals") / "signals.jsonl"
    bars = made_up_bars(days=12)
    for key, of_key in bars.items():
        write_bars(folder / f"{key.replace('|', '-')}.csv", of_key)
    table = replayed(folder, "--out", out)
    return Market(folder, bars, out.read_bytes(), table)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of one module: while it runs, its thread can run no event loop of another test."""
    with running_chromium() as chromium:
        yield chromium
