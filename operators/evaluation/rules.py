"""By which rules signals are followed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """What trading costs, and how long is waited.

    `fee_bps` of the traded price is paid at entry and at exit. `slippage_bps` is how much worse than the price that was
    aimed at a market order is filled. An order away from the close waits `entry_bars` bars for its price; what was
    entered is held for `horizon_bars` bars at most, that of the entry included. Another `seed` is another baseline.
    """

    fee_bps: float = 4.0
    slippage_bps: float = 1.0
    horizon_bars: int = 96
    entry_bars: int = 3
    seed: int = 0
