"""What is counted about keys, for `/metrics`."""

from __future__ import annotations

import logging

from prometheus_client import Counter

from operators.tally import Tally
from state.klines import BadRow

log = logging.getLogger(__name__)

BARS = Counter("ta_bars", "Bars analyzed")
DROPPED = Counter("ta_bars_dropped", "Bars that were not analyzed, by reason", ["reason"])
GAPS = Counter("ta_gaps", "Gaps that history did not fill")
MISSING = Counter("ta_bars_missing", "Bars missing in those gaps")
FILLED = Counter("ta_bars_filled", "Bars that were missed and came from history")
REFUSED = Counter("ta_snapshots_refused", "Keys whose snapshot could not be used")
ERRORS = Counter("ta_strategy_errors", "Bars that a strategy failed on, by strategy", ["strategy"])
BAD_ROWS = Counter("ta_history_bad_rows", "Rows of history that are unusable, each time they are read")


def count_bad_row(bad: BadRow) -> None:
    """Add a row that history could not use."""
    BAD_ROWS.inc()
    log.debug("bad row: %s: %s", bad.where, bad.reason)


def count_tally(tally: Tally) -> None:
    """Add what happened to a key's bars."""
    BARS.inc(tally.bars)
    DROPPED.labels("repeated").inc(tally.repeated)
    DROPPED.labels("out_of_order").inc(tally.out_of_order)
    GAPS.inc(tally.gaps)
    MISSING.inc(tally.missing_bars)
    FILLED.inc(tally.filled_bars)
    REFUSED.inc(tally.refused_snapshots)
    for strategy_id, errors in tally.strategy_errors.items():
        ERRORS.labels(strategy_id).inc(errors)
