"""Statistics against values from the literature, and against formulas over whole lists."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, groupby
from random import Random
from statistics import mean, median

import pytest

from operators.evaluation.statistics import Drawdown, Ended, Score, histogram_median, wilson_interval
from operators.evaluation.trade import RandomEntries


# Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I, method 3.
@pytest.mark.parametrize(
    ("wins", "trades", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_intervals_of_the_literature(wins: int, trades: int, low: float, high: float) -> None:
    assert wilson_interval(wins, trades) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_of_wins_only_mirrors_that_of_losses_only() -> None:
    assert wilson_interval(20, 20) == pytest.approx((1.0 - 0.1611, 1.0), abs=5e-5)
    assert wilson_interval(0, 0) is None


@pytest.mark.parametrize("count", [1, 2, 3, 10, 101])
def test_median_of_a_histogram(count: int) -> None:
    random = Random(count)
    values = [random.randint(1, 20) for _ in range(count)]
    assert histogram_median(Counter(values)) == median(values)


def test_no_median_of_nothing() -> None:
    assert histogram_median(Counter()) is None


def test_drawdown_by_hand() -> None:
    # Sums by time: 2, then 2 + 3 - 4 = 1 (the two of one time together), then -0.5, then 3.5, then 2.
    drawdown = Drawdown()
    for time, result in [("1", 2.0), ("2", 3.0), ("2", -4.0), ("3", -1.5), ("4", 4.0), ("5", -1.5)]:
        drawdown.add(time, result)
    assert drawdown.value() == 2.5  # from 2 to -0.5


def test_drawdown_from_the_start() -> None:
    drawdown = Drawdown()
    drawdown.add("1", -1.0)
    assert drawdown.value() == 1.0  # from nothing to -1


def _random_trades(seed: int, count: int) -> list[Ended]:
    random = Random(seed)
    return [
        Ended("stop", True, f"{i // 3:05d}", random.randint(1, 96), random.gauss(0, 1), random.gauss(0, 1), i - 7.0)
        for i in range(count)
    ]


def test_a_score_is_what_lists_give() -> None:
    trades = _random_trades(1, 500)
    score = Score()
    for trade in [*trades, Ended("expired", False), Ended("open", True), Ended("open", False)]:
        score.add(trade)
    results = [trade.r for trade in trades]
    sums = [sum(trade.r for trade in of_time) for _, of_time in groupby(trades, lambda trade: trade.time)]
    equity = [0.0, *accumulate(sums)]
    gains, losses = sum(r for r in results if r > 0), -sum(r for r in results if r < 0)
    assert (score.signals, score.filled, score.expired, score.open, score.closed) == (503, 501, 1, 2, 500)
    assert score.win_rate == sum(r > 0 for r in results) / 500
    assert score.mean(score.r) == pytest.approx(mean(results))
    assert score.mean(score.gross_r) == pytest.approx(mean(trade.gross_r for trade in trades))
    assert score.mean(score.return_bps) == pytest.approx(mean(trade.return_bps for trade in trades))
    assert score.profit_factor == pytest.approx(gains / losses)
    assert histogram_median(score.bars) == median(trade.bars for trade in trades)
    assert score.drawdown.value() == pytest.approx(max(max(equity[: i + 1]) - now for i, now in enumerate(equity)))


def test_what_is_not_defined_is_none() -> None:
    nothing, winner = Score(), Score()
    winner.add(Ended("target", True, "1", 3, 2.0, 2.1, 50.0))
    assert (nothing.win_rate, nothing.interval, nothing.mean(nothing.r), nothing.random_win_rate) == (None,) * 4
    assert (winner.win_rate, winner.profit_factor, winner.beyond_luck) == (1.0, None, None)


def test_a_result_of_nothing_is_no_win() -> None:
    score = Score()
    score.add(Ended("horizon", True, "1", 3, 0.0, 0.1, 0.0))
    assert (score.closed, score.wins) == (1, 0)


@pytest.mark.parametrize(("random_wins", "beyond"), [(23, True), (24, False), (50, False), (76, False), (77, True)])
def test_luck_ends_where_the_interval_does(random_wins: int, beyond: bool) -> None:
    # 5 wins of 10: 0.2366 to 0.7634.
    score = Score()
    for i in range(10):
        score.add(Ended("stop", True, str(i), 1, 1.0 if i % 2 else -1.0))
    score.add_random(RandomEntries(placed=60, closed=60, wins=random_wins - 10))
    score.add_random(RandomEntries(placed=45, closed=40, wins=10))
    assert score.beyond_luck is beyond
