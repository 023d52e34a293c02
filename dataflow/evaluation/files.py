"""Scores as data: JSON and CSV, with names of fields that stay."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import orjson

from dataflow.evaluation.results import ALL, BY_STRATEGY, FIELDS, Evaluation, Group
from operators.evaluation.rules import Rules
from operators.evaluation.statistics import Score, histogram_median


def row_of(group: Group, score: Score) -> dict[str, Any]:
    """A group and its score as one flat object; None for what is not defined."""
    low, high = score.interval or (None, None)
    return {
        **group._asdict(),
        "signals": score.signals,
        "filled": score.filled,
        "expired": score.expired,
        "open": score.open,
        "closed": score.closed,
        "wins": score.wins,
        "win_rate": score.win_rate,
        "win_rate_low": low,
        "win_rate_high": high,
        "mean_r": score.mean(score.gross_r),
        "expectancy_r": score.mean(score.r),
        "expectancy_bps": score.mean(score.return_bps),
        "profit_factor": score.profit_factor,
        "max_drawdown_r": score.drawdown.value(),
        "median_bars": histogram_median(score.bars),
        "random_closed": score.random.closed,
        "random_win_rate": score.random_win_rate,
        "random_expectancy_r": score.random.mean_r,
        "beyond_luck": score.beyond_luck,
    }


def as_json(evaluation: Evaluation, rules: Rules) -> bytes:
    """Everything: the rules, all trades together, by strategy, and by strategy, symbol, timeframe and action."""
    content = {
        "rules": asdict(rules),
        "bars": evaluation.summary.total("bars"),
        "bad_rows": evaluation.summary.bad_rows,
        "all": next(iter(_rows(evaluation, ALL)), None),
        "strategies": list(_rows(evaluation, BY_STRATEGY)),
        "groups": list(_rows(evaluation, FIELDS)),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def as_csv(evaluation: Evaluation) -> bytes:
    """The groups by strategy, symbol, timeframe and action; what is not defined is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row_of(Group(), Score())), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rows(evaluation, FIELDS))
    return text.getvalue().encode()


def _rows(evaluation: Evaluation, grouping: tuple[str, ...]) -> Iterable[dict[str, Any]]:
    return (row_of(group, score) for group, score in evaluation.of(grouping))
