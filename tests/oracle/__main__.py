"""Counts of emitted signals per strategy and action: `python -m tests.oracle KLINES.csv[.gz] ...`."""

import sys
from collections import Counter
from pathlib import Path

from tests.oracle.emission import emitted_by_all
from tests.oracle.indicators import DAY_MS
from tests.oracle.market import read_market
from tests.oracle.setups import DEFAULTS, all_setups

ACTIONS = ("buy", "sell", "hold")


def counts(path: Path) -> tuple[Counter[tuple[str, str]], float]:
    """Emitted signals by strategy and action with every default, and the days the file spans."""
    market = read_market(path)
    warm_up = {strategy_id: int(parameters["min_data_points"]) for strategy_id, parameters in DEFAULTS.items()}
    signals = emitted_by_all(all_setups(market), warm_up)
    return Counter((s.strategy_id, s.action) for s in signals), len(market) * market.span_ms / DAY_MS


def main(paths: list[str]) -> None:
    """Print one table per file."""
    for path in paths:
        by_strategy, days = counts(Path(path))
        print(f"{path}: {days:.1f} days")
        for strategy_id in DEFAULTS:
            print(f"  {strategy_id:36}", *(f"{a} {by_strategy[strategy_id, a]:5}" for a in ACTIONS))
        trades = sum(n for (_, action), n in by_strategy.items() if action != "hold")
        print(f"  buy and sell: {trades}, {trades / days:.2f} a day")


if __name__ == "__main__":
    main(sys.argv[1:])
