"""What many trades come to, in constant memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

from operators.evaluation.trade import CLOSED, RandomEntries, Reason

Z_95 = 1.959963984540054
"""The 97.5th percentile of the standard normal distribution."""


def wilson_interval(wins: int, trades: int, z: float = Z_95) -> tuple[float, float] | None:
    """The interval, of 95 % by default, for the share that `wins` of `trades` come from; None without trades.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference". It takes the trades to be
    independent: of trades that overlap in time, the true interval is wider.

    >>> low, high = wilson_interval(5, 10)
    >>> f"{low:.4f} {high:.4f}"
    '0.2366 0.7634'
    """
    if not trades:
        return None
    share, square = wins / trades, z * z
    middle = share + square / (2 * trades)
    spread = z * sqrt(share * (1.0 - share) / trades + square / (4 * trades * trades))
    scale = 1.0 + square / trades
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def histogram_median(histogram: Counter[int]) -> float | None:
    """The median of whole numbers that are counted by their value; of an even count, the mean of the middle two.

    >>> histogram_median(Counter({3: 2, 10: 1, 96: 1}))
    6.5
    """
    total = histogram.total()
    if not total:
        return None
    seen, lower = 0, None
    for value in sorted(histogram):
        seen += histogram[value]
        if lower is None and seen >= (total + 1) // 2:
            lower = value
        if lower is not None and seen > total // 2:
            return (lower + value) / 2
    return None


@dataclass
class Drawdown:
    """How far the sum of results fell below the most it had been, from 0 on; all results of one time count together."""

    equity: float = 0.0
    peak: float = 0.0
    most: float = 0.0
    time: str = ""
    results: float = 0.0

    def add(self, time: str, result: float) -> None:
        """Add a result of `time`, which is not before that of the last one."""
        if time != self.time:
            self._advance()
            self.time = time
        self.results += result

    def value(self) -> float:
        """The largest drawdown."""
        self._advance()
        return self.most

    def _advance(self) -> None:
        self.equity += self.results
        self.results = 0.0
        self.peak = max(self.peak, self.equity)
        self.most = max(self.most, self.peak - self.equity)


class Ended(NamedTuple):
    """What a trade comes to, as far as scores are concerned; the numbers only count where it was closed."""

    reason: Reason
    filled: bool
    time: str = ""
    bars: int = 0
    r: float = 0.0
    gross_r: float = 0.0
    return_bps: float = 0.0


@dataclass
class Score:
    """The trades of a group, added in the order of their ends.

    `filled` are orders that became positions. Of these, those that have ended are `closed`, all statistics are over
    them; the rest, and orders that waited when the bars ended, are `open`. A trade is won when its result after costs
    is above 0. Results are in R, see `TradeRecord`.
    """

    signals: int = 0
    filled: int = 0
    expired: int = 0
    open: int = 0
    closed: int = 0
    wins: int = 0
    r: float = 0.0
    gross_r: float = 0.0
    gains_r: float = 0.0
    losses_r: float = 0.0
    return_bps: float = 0.0
    bars: Counter[int] = field(default_factory=Counter)
    drawdown: Drawdown = field(default_factory=Drawdown)
    random: RandomEntries = field(default_factory=RandomEntries)

    def add(self, trade: Ended) -> None:
        """Count a trade."""
        self.signals += 1
        self.filled += trade.filled
        if trade.reason not in CLOSED:
            self.expired += trade.reason == "expired"
            self.open += trade.reason == "open"
            return
        r = trade.r
        self.closed += 1
        self.r += r
        self.gross_r += trade.gross_r
        self.return_bps += trade.return_bps
        self.bars[trade.bars] += 1
        self.drawdown.add(trade.time, r)
        if r > 0.0:
            self.wins += 1
            self.gains_r += r
        else:
            self.losses_r -= r

    def add_random(self, entries: RandomEntries) -> None:
        """Count entries at random."""
        self.random.placed += entries.placed
        self.random.closed += entries.closed
        self.random.wins += entries.wins
        self.random.r += entries.r

    @property
    def win_rate(self) -> float | None:
        """The share of closed trades that were won."""
        return _per(self.wins, self.closed)

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the win rate."""
        return wilson_interval(self.wins, self.closed)

    @property
    def random_win_rate(self) -> float | None:
        """The share of random entries that were won."""
        return self.random.win_rate

    @property
    def beyond_luck(self) -> bool | None:
        """Whether the random entries' share of wins lies outside the interval; None without trades of either kind."""
        interval, share = self.interval, self.random_win_rate
        return None if interval is None or share is None else not interval[0] <= share <= interval[1]

    @property
    def profit_factor(self) -> float | None:
        """What was gained for each R that was lost; None where nothing was."""
        return _per(self.gains_r, self.losses_r)

    def mean(self, total: float) -> float | None:
        """A total per closed trade."""
        return _per(total, self.closed)


def _per(amount: float, of: float) -> float | None:
    return amount / of if of else None
