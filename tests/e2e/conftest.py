"""A small market in files by key, and what a replay of it with the defaults makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from state.bar import Bar
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
