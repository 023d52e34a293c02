"""From files to a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dataflow.recorded import recorded_files
from dataflow.report.bars import Market, counted, read_market
from dataflow.report.content import Wanted, content_of
from dataflow.report.page import page_of
from dataflow.report.signal_lines import Given, GivenSignal, read_signals
from operators.evaluation.rules import Rules
from state.errors import StopProgram
from state.key import split_key


@dataclass(frozen=True)
class Selection:
    """Which signals are taken: by symbol, timeframe and strategy, all where None, and by their bar's open time."""

    symbols: frozenset[str] | None
    timeframes: frozenset[str] | None
    strategies: frozenset[str] | None
    from_ms: int
    to_ms: int

    def takes(self, given: GivenSignal) -> bool:
        """Whether a signal is one of them."""
        return (
            self.from_ms <= given.open_ms < self.to_ms
            and (self.symbols is None or given.signal.symbol in self.symbols)
            and (self.timeframes is None or given.signal.timeframe in self.timeframes)
            and (self.strategies is None or given.signal.strategy_id in self.strategies)
        )


@dataclass(frozen=True)
class Page:
    """A page, how many signals it shows, and sentences about what was left out."""

    html: bytes
    signals: int
    told: Sequence[str]


def make_page(
    path: Path, klines: Sequence[Path], out: Path, selection: Selection, rules: Rules, *, overlays: bool
) -> Page:
    """The page of the signals in a file over klines.

    Raises:
        StopProgram: a file cannot be read, or no signal is left.
    """
    given = read_signals(path)
    signals = [one for one in given.signals if selection.takes(one)]
    if not signals:
        found, bad = len(given.signals), "; ".join(given.bad_lines[:1])
        raise StopProgram(
            f"{path}: expected signals to report, got {len(signals):,} of {found:,} after the options"
            + (f", and {given.bad_count:,} lines that are none: {bad}" if bad else "")
        )
    keys = {one.key for one in signals}
    files = recorded_files(klines, leave_out=[path, out])
    market = read_market(files, keys, {split_key(key)[0] for key in keys}, selection.to_ms)
    told = [*_about_lines(path, given), *_about_bars(signals, market)]
    content = content_of(Wanted(signals, rules, selection.from_ms, overlays), market, told, f"Signals in {path.name}")
    return Page(page_of(content), len(signals), told)


def _about_lines(path: Path, given: Given) -> list[str]:
    told = []
    if given.bad_count:
        rest = f", and {given.bad_count - len(given.bad_lines):,} more" * (given.bad_count > len(given.bad_lines))
        told.append(
            f"{given.bad_count:,} lines of {path.name} are no signals and were left out: "
            f"{'; '.join(given.bad_lines)}{rest}."
        )
    if given.repeated:
        told.append(f"{given.repeated:,} signals came again in {path.name} and are shown once.")
    return told


def _about_bars(signals: Sequence[GivenSignal], market: Market) -> list[str]:
    told = []
    without = Counter(one.key.replace("|", " ") for one in signals if one.key not in market.bars)
    if without:
        told.append(f"The klines have no bars for these signals, which are not drawn nor followed: {counted(without)}.")
    opens = {key: {bar.open_time_ms for bar in bars} for key, bars in market.bars.items()}
    beside = Counter(
        one.key.replace("|", " ") for one in signals if one.key in opens and one.open_ms not in opens[one.key]
    )
    if beside:
        told.append(
            f"The bars of these signals are missing in the klines, so they are not followed: {counted(beside)}."
        )
    if market.bad_rows:
        told.append(f"{market.bad_rows:,} bad rows of the klines were skipped, the first: {market.first_bad_row}.")
    if market.dropped:
        told.append(f"{market.dropped:,} bars that were repeated or out of order were dropped.")
    return told
