"""The recorded klines that everything is measured on."""

from __future__ import annotations

import gzip
from collections import defaultdict
from pathlib import Path

from dataflow.recorded import read_bars
from state.bar import Bar

ROOT = Path(__file__).parents[1]
KLINES = ROOT.parent / "shared" / "klines"

YEAR = KLINES / "BTCUSDT-15m.csv.gz"
"""One symbol, one year of 15m bars."""

BURST = KLINES / "burst-15m.csv.gz"
"""512 symbols, 450 bars of 15m each at the same times, symbol after symbol."""


def missing_files() -> list[Path]:
    """The files that are needed and not there."""
    return [path for path in (YEAR, BURST) if not path.is_file()]


def bars_of_year() -> list[Bar]:
    """The bars of the year, read beforehand."""
    return [bar for _, bar in read_bars([YEAR])]


def bars_of_burst(bars_per_key: int) -> dict[str, list[Bar]]:
    """The first so many bars of every key of the burst."""
    found: dict[str, list[Bar]] = defaultdict(list)
    for key, bar in read_bars([BURST]):
        found[key].append(bar)
    return {key: bars[:bars_per_key] for key, bars in found.items()}


def write_by_time(folder: Path, bars_per_key: int) -> Path:
    """Write the burst, or its beginning, in the order of time: as live, where every key gets a bar at once."""
    header, rows = _burst_rows()
    rows.sort(key=lambda row: row.split(",", 2)[1])
    symbols = len({row.partition(",")[0] for row in rows})
    return _write(folder / "burst-by-time-15m.csv.gz", header, rows[: bars_per_key * symbols])


def write_one_symbol(folder: Path) -> Path:
    """Write the rows of the burst's first symbol."""
    header, rows = _burst_rows()
    symbol = rows[0].partition(",")[0]
    return _write(folder / "one-15m.csv.gz", header, [row for row in rows if row.partition(",")[0] == symbol])


def _burst_rows() -> tuple[str, list[str]]:
    with gzip.open(BURST, "rt", encoding="utf-8") as file:
        header, *rows = file
    return header, rows


def _write(target: Path, header: str, rows: list[str]) -> Path:
    with gzip.open(target, "wt", encoding="utf-8", compresslevel=1) as file:
        file.writelines([header, *rows])
    return target
