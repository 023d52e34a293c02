"""What is counted of signals, of changes of the configuration, and of what strategies do."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from dataflow.config.taken import TakenConfig, versions_in
from dataflow.live.counts import WorkCounts
from dataflow.nats import stored
from operators.analyzer import KeyAnalyzer
from operators.config_book import ConfigBook, Known
from operators.engine import SignalEngine
from operators.work import Work
from state.configs.records import APPLICATION, ConfigRecord, Scope
from strategies.registry import STRATEGIES
from strategies.signal import signal_id_of
from tests.kit import real_bars, setups_of

MINUTE_MS = 60_000
OPEN_MS = 1_704_067_200_000
CLOSE_MS = OPEN_MS + 15 * MINUTE_MS


def value(name: str, **labels: str) -> float:
    """What is counted by now."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def counted() -> tuple[float, float, float]:
    """Latencies, their sum in seconds, and signals that are overdue."""
    return (
        value("ta_signal_latency_seconds_count"),
        value("ta_signal_latency_seconds_sum"),
        value("ta_signals_overdue_total"),
    )


def change_by(subject: str, message_id: str, now_ms: int) -> tuple[float, ...]:
    before = counted()
    stored.count_stored(subject, message_id, now_ms)
    return tuple(round(after - was, 6) for after, was in zip(counted(), before, strict=True))


SIGNAL_ID = signal_id_of("doji_reversal", "BTCUSDT", "15m", OPEN_MS, "buy")
MINUTE_ID = signal_id_of("doji_reversal", "BTCUSDT", "1m", CLOSE_MS - MINUTE_MS, "buy")


@pytest.mark.parametrize(
    ("message_id", "after_ms", "change"),
    [
        (SIGNAL_ID, 250, (1, 0.25, 0)),
        (SIGNAL_ID, -1500, (1, 0, 0)),  # another clock is ahead
        (SIGNAL_ID, 299_999, (1, 299.999, 0)),
        (SIGNAL_ID, 300_000, (0, 0, 1)),
        (SIGNAL_ID, 7_200_000, (0, 0, 1)),
        (MINUTE_ID, 59_999, (1, 59.999, 0)),
        (MINUTE_ID, 60_000, (0, 0, 1)),  # the next bar has closed
    ],
)
def test_a_backlog_is_no_latency(message_id: str, after_ms: int, change: tuple[float, ...]) -> None:
    assert change_by("ta.signals.BTCUSDT.15m", message_id, CLOSE_MS + after_ms) == change


def test_signals_are_counted_by_what_they_are() -> None:
    labels = {"strategy": "doji_reversal", "symbol": "BTCUSDT", "timeframe": "15m", "action": "buy"}
    before = value("ta_signals_total", **labels)
    for subject in ("ta.signals.BTCUSDT.15m", "ta.late.BTCUSDT.15m", "ta.config.x"):
        stored.count_stored(subject, SIGNAL_ID, CLOSE_MS)
    for message_id in ("no id", SIGNAL_ID.replace("15m", "17m")):
        stored.count_stored("ta.signals.BTCUSDT.15m", message_id, CLOSE_MS)
    assert value("ta_signals_total", **labels) - before == 1


def test_symbols_without_end_share_a_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_symbols", {})
    labels = {"strategy": "fox_trap_reversal", "timeframe": "1h", "action": "sell"}
    before = value("ta_signals_total", symbol=stored.OTHER, **labels)
    for number in range(stored.MOST_SYMBOLS + 7):
        message_id = signal_id_of("fox_trap_reversal", f"C{number}USDT", "1h", OPEN_MS, "sell")
        stored.count_stored(f"ta.signals.C{number}USDT.1h", message_id, CLOSE_MS)
    assert value("ta_signals_total", symbol="C0USDT", **labels) == 1
    assert value("ta_signals_total", symbol=stored.OTHER, **labels) - before == 7


def record(scope: Scope, version: int, updated_ms: int) -> ConfigRecord:
    return ConfigRecord(scope, {}, version, updated_ms, updated_ms, "tester", "sqlite")


def test_changes_of_before_the_start_have_no_propagation() -> None:
    now_secs = [1_000.0]
    taken = TakenConfig(lambda: now_secs[0])
    scope, before = Scope("doji_reversal"), value("ta_config_propagation_seconds_count")
    sum_secs = value("ta_config_propagation_seconds_sum")
    taken.note([Known(record(scope, 3, 999_000)), Known(record(scope, 4, 999_500), stored_ns=999_900_000_000)])
    assert value("ta_config_version", strategy="doji_reversal") == 4
    assert value("ta_config_propagation_seconds_count") == before
    now_secs[0] = 1_002.0
    taken.note(
        [Known(record(scope, 5, 1_001_000), stored_ns=1_001_500_000_000), Known(record(APPLICATION, 2, 1_001_750))]
    )
    assert value("ta_config_propagation_seconds_count") - before == 2
    assert value("ta_config_propagation_seconds_sum") - sum_secs == pytest.approx(0.75)
    assert value("ta_config_version", strategy="application") == 2
    assert taken.last_taken_secs == 1_002.0


def test_versions_are_those_for_all_symbols() -> None:
    book = ConfigBook()
    for scope, version in ((Scope("doji_reversal"), 4), (Scope("doji_reversal", "BTCUSDT"), 9), (APPLICATION, 2)):
        book.put(Known(record(scope, version, 0)))
    assert versions_in(book) == {"application": 2, "doji_reversal": 4}


def test_what_strategies_did_is_counted_bar_by_bar() -> None:
    """Against each strategy asked alone."""
    bars, work = real_bars("BTCUSDT")[:1500], Work()
    analyzer = KeyAnalyzer("BTCUSDT|15m", SignalEngine().configuration, work=work)
    for bar in bars:
        analyzer.on_bar(bar)
    held = {strategy_id: sum(setup is not None for setup in setups_of(strategy_id, bars)) for strategy_id in STRATEGIES}
    counts, other = WorkCounts(), Work()
    other.of(("doji_reversal",)).noted += [[0], [], [0]] + [[]] * 6 + [[0]]  # another key, with one strategy
    for each in (work, other):
        each.count()
    counts.begin(work)
    counts.begin(other)
    asked = dict.fromkeys(STRATEGIES, len(bars))
    asked["doji_reversal"] += 10
    held["doji_reversal"] += 3
    for _ in range(2):  # a key that is gone stays counted
        evaluations, setups = counts.collect()
        assert {one.labels["strategy"]: one.value for one in evaluations.samples} == asked
        assert {one.labels["strategy"]: one.value for one in setups.samples} == held
        counts.end(other)
    assert sum(held.values()) > 1000
