"""One interleaved market, and what an uninterrupted replay makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from state.bar import Bar
from tests.e2e.command import made_up_bars, replayed, write_interleaved


@dataclass(frozen=True)
class Market:
    """Klines of several keys in one file, the signals of an uninterrupted replay, and the table it printed."""

    klines: Path
    bars: dict[str, list[Bar]]
    signals: bytes
    table: str

    @property
    def total_bars(self) -> int:
        return sum(map(len, self.bars.values()))


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    folder = tmp_path_factory.mktemp("market")
    bars = made_up_bars(days=72)
    klines = write_interleaved(folder / "klines.csv", bars)
    table = replayed(klines, "--out", folder / "signals.jsonl")
    return Market(klines, bars, (folder / "signals.jsonl").read_bytes(), table)
