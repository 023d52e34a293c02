"""From files to a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataflow.recorded import recorded_files
from dataflow.report.bars import Market, read_market
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
        beside = f"; {_counted(given.bad_count, 'line')} left out: {given.bad_lines[0]}" if given.bad_count else ""
        raise StopProgram(
            f"{path}: expected signals to report, got none of {len(given.signals):,} after the options{beside}"
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
        more = given.bad_count - len(given.bad_lines)
        rest = f"; and {more:,} more" if more else ""
        lines = _counted(given.bad_count, "line")
        told.append(f"Left out, being no signals: {lines} of {path.name}: {'; '.join(given.bad_lines)}{rest}.")
    if given.repeated:
        told.append(f"Shown once: {_counted(given.repeated, 'signal')} that came again in {path.name}.")
    return told


def _about_bars(signals: Sequence[GivenSignal], market: Market) -> list[str]:
    told = []
    without = _by_key(one for one in signals if one.key not in market.bars)
    if without:
        told.append(f"Neither drawn nor followed, as the klines have no bars of theirs: signals of {without}.")
    opens = {key: {bar.open_time_ms for bar in bars} for key, bars in market.bars.items()}
    beside = _by_key(one for one in signals if one.open_ms not in opens.get(one.key, {one.open_ms}))
    if beside:
        told.append(f"Not followed, as their bars are missing in the klines: signals of {beside}.")
    if market.bad_rows:
        rows = _counted(market.bad_rows, "bad row")
        told.append(f"Skipped: {rows} of the klines, the first: {market.first_bad_row}.")
    if market.dropped:
        told.append(f"Dropped: {_counted(market.dropped, 'bar')} that came again or out of order.")
    return told


def _by_key(signals: Iterable[GivenSignal]) -> str:
    counts = Counter(one.key.replace("|", " ") for one in signals)
    return ", ".join(f"{key} ({count:,})" for key, count in sorted(counts.items()))


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'s' * (count != 1)}"
