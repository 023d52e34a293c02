"""The synthetic market: repeatable, valid, without gaps, plausible, and of use to every strategy."""

from __future__ import annotations

from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from statistics import correlation, fmean

import pytest

from dataflow.market import START_MS, SYNTHETIC_SYMBOLS, hourly_bars, synthetic_bars, write_market
from dataflow.recorded import read_bars, recorded_files
from operators.analyzer import KeyAnalyzer
from operators.rows import BadInput
from state.bar import Bar, check_bar
from state.errors import StopProgram
from state.key import check_symbol
from state.timeframe import DAY_MS, TIMEFRAMES
from strategies.configuration import configuration_of
from strategies.registry import STRATEGIES
from strategies.signal import Signal

Market = dict[tuple[str, str], list[Bar]]


def contents(paths: list[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths}


def read(paths: list[Path]) -> Market:
    """All bars in some files, by symbol and timeframe."""
    bad: list[BadInput] = []
    market: Market = {}
    for key, bar in read_bars(paths, on_bad=bad.append):
        symbol, _, timeframe = key.partition("|")
        market.setdefault((symbol, timeframe), []).append(bar)
    assert bad == []
    return market


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Market:
    """The default market, read back from its files."""
    return read(write_market(tmp_path_factory.mktemp("market")))


def test_a_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    one = contents(write_market(tmp_path / "one", days=3, seed=11))
    assert contents(write_market(tmp_path / "same", days=3, seed=11)) == one
    other = contents(write_market(tmp_path / "other", days=3, seed=12))
    assert other.keys() == one.keys()
    assert all(other[name] != content for name, content in one.items())


def test_files_are_replaced(tmp_path: Path) -> None:
    write_market(tmp_path, days=2)
    assert contents(write_market(tmp_path, days=1)) == contents(write_market(tmp_path / "fresh", days=1))


def test_files_are_named_by_symbol_and_timeframe_and_say_when_bars_open(tmp_path: Path) -> None:
    paths = write_market(tmp_path / "made" / "for it", days=1)
    assert [path.name for path in paths] == [
        f"SYNTH{letter}USDT-{timeframe}.csv" for letter in "ABC" for timeframe in ("15m", "1h")
    ]
    for path in paths:
        lines = path.read_text().splitlines()
        assert lines[0] == "time,open,high,low,close,volume"
        assert lines[1].startswith("2024-01-01T00:00:00.000Z,")
        assert path.read_bytes().endswith(b"\n")
    assert len(recorded_files([tmp_path])) == 6


def test_files_hold_the_bars_to_the_last_bit(tmp_path: Path) -> None:
    market = read(write_market(tmp_path, days=2, seed=3))
    for symbol in SYNTHETIC_SYMBOLS:
        assert market[symbol, "15m"] == list(synthetic_bars(symbol, days=2, seed=3))


def test_symbols_are_valid_and_differ(market: Market) -> None:
    assert [check_symbol(symbol) for symbol in SYNTHETIC_SYMBOLS] == list(SYNTHETIC_SYMBOLS)
    volumes = {symbol: tuple(bar.volume for bar in market[symbol, "15m"]) for symbol in SYNTHETIC_SYMBOLS}
    assert len(set(volumes.values())) == 3


def test_the_default_market_has_120_days_without_gaps(market: Market) -> None:
    assert len(market) == 6
    for (_, name), bars in market.items():
        span_ms = TIMEFRAMES[name].span_ms
        assert [bar.open_time_ms for bar in bars] == list(range(START_MS, START_MS + 120 * DAY_MS, span_ms))


def test_all_bars_are_valid_and_open_where_the_last_one_closed(market: Market) -> None:
    for (_, name), bars in market.items():
        for bar in bars:
            check_bar(bar, TIMEFRAMES[name])
            assert bar.volume > 0.0
        assert all(bar.open == before.close for before, bar in pairwise(bars))


def test_hours_are_what_their_quarters_add_up_to(market: Market) -> None:
    for symbol in SYNTHETIC_SYMBOLS:
        quarters = market[symbol, "15m"]
        for i, hour in enumerate(market[symbol, "1h"]):
            parts = quarters[4 * i : 4 * i + 4]
            _, opens, highs, lows, closes, volumes = zip(*parts, strict=True)
            assert hour[:5] == (parts[0].open_time_ms, opens[0], max(highs), min(lows), closes[3])
            assert hour.volume == pytest.approx(sum(volumes), rel=1e-12)


def test_hours_must_be_whole() -> None:
    with pytest.raises(ValueError, match="shorter"):
        list(hourly_bars(islice(synthetic_bars("SYNTHAUSDT"), 7)))


def test_more_days_go_on_where_fewer_end() -> None:
    longer = list(synthetic_bars("SYNTHCUSDT", days=5))
    assert longer[: 2 * 96] == list(synthetic_bars("SYNTHCUSDT", days=2))


@pytest.mark.parametrize("seed", [0, 1, -1, 10**30])
def test_any_seed_keeps_bars_valid_and_prices_in_a_band(seed: int) -> None:
    for name, symbol in SYNTHETIC_SYMBOLS.items():
        bars = list(synthetic_bars(name, days=200, seed=seed))
        for bar in bars:
            check_bar(bar, TIMEFRAMES["15m"])
        assert 0.25 * symbol.start_price < min(bar.low for bar in bars)
        assert max(bar.high for bar in bars) < 4.0 * symbol.start_price


def test_calm_and_wild_bars_come_in_clusters_and_wild_ones_trade_more(market: Market) -> None:
    for symbol in SYNTHETIC_SYMBOLS:
        bars = market[symbol, "15m"]
        moves = [abs(bar.close / bar.open - 1.0) for bar in bars]
        assert correlation(moves[:-1], moves[1:]) > 0.15
        assert correlation([bar.high / bar.low for bar in bars], [bar.volume for bar in bars]) > 0.5


def test_volume_follows_the_day(market: Market) -> None:
    for symbol in SYNTHETIC_SYMBOLS:
        volumes = [bar.volume for bar in market[symbol, "1h"]]
        by_hour = [fmean(volumes[hour::24]) for hour in range(24)]
        assert 12 <= by_hour.index(max(by_hour)) <= 17
        assert 1.5 < max(by_hour) / min(by_hour) < 4.0


def test_every_strategy_emits_and_signals_are_as_frequent_as_in_a_real_market(market: Market) -> None:
    emitted: list[Signal] = []
    for (symbol, timeframe), bars in market.items():
        analyzer = KeyAnalyzer(f"{symbol}|{timeframe}", configuration_of())
        emitted += [signal for bar in bars for signal in analyzer.on_bar(bar)]
    assert {signal.strategy_id for signal in emitted} == set(STRATEGIES)
    for count in Counter(signal.symbol for signal in emitted).values():
        assert 20 < count / 120 < 50


@pytest.mark.parametrize(("symbol", "days"), [("BTCUSDT", 1), ("SYNTHAUSDT", 0), ("SYNTHAUSDT", -3)])
def test_what_there_is_none_of_is_refused(symbol: str, days: int) -> None:
    with pytest.raises(StopProgram, match=symbol if days > 0 else f"got {days}"):
        synthetic_bars(symbol, days=days)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StopProgram, match="file/market"):
        write_market(tmp_path / "file" / "market", days=1)
