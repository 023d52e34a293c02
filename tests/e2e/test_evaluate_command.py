"""`ta-bot evaluate`: every signal of the replay followed, by another program too, and what that adds up to."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path
from statistics import mean, median
from typing import Any

import orjson
import pytest

from operators.times import parse_time_ms
from strategies.configuration import configuration_of
from tests.e2e.command import analyzed, refusal, signals_in, ta_bot, without_rate
from tests.e2e.conftest import Market
from tests.e2e.following import Costs, Followed, Trade

COSTS = Costs(fee=0.0007, slippage=0.0003, horizon_bars=20, entry_bars=2)
RULES = ("--fee-bps", "7", "--slippage-bps", "3", "--horizon-bars", "20", "--entry-bars", "2")


@dataclass(frozen=True)
class Evaluated:
    """The market, evaluated under `RULES`."""

    trades: bytes
    content: dict[str, Any]
    csv: str
    table: str

    def closed(self) -> list[Trade]:
        return [trade for trade in lines(self.trades) if trade["r"] is not None]


def lines(content: bytes) -> list[Trade]:
    return [orjson.loads(line) for line in content.splitlines()]


def evaluate(market: Market, folder: Path, *options: str | Path) -> Evaluated:
    files = [folder / name for name in ("trades.jsonl", "scores.json", "scores.csv")]
    ended = ta_bot(
        "evaluate", market.folder, "--trades", files[0], "--json", files[1], "--csv", files[2], *RULES, *options
    )
    assert ended.returncode == 0, ended.stderr
    return Evaluated(files[0].read_bytes(), orjson.loads(files[1].read_bytes()), files[2].read_text(), ended.stdout)


@pytest.fixture(scope="module")
def evaluated(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Evaluated:
    return evaluate(market, tmp_path_factory.mktemp("evaluated"))


def test_every_signal_is_followed_as_another_program_does(market: Market, evaluated: Evaluated) -> None:
    trades = {trade["signal_id"]: trade for trade in lines(evaluated.trades)}
    signals = [signal for signal in lines(market.signals) if signal["action"] != "hold"]
    assert len(trades) == len(lines(evaluated.trades)) == len(signals)
    reasons: dict[str, int] = defaultdict(int)
    for signal in signals:
        bars = market.bars[f"{signal['symbol']}|{signal['timeframe']}"]
        after = [bar for bar in bars if bar.open_time_ms >= parse_time_ms(signal["timestamp"])]
        expected = Followed(signal, after, COSTS).expected()
        trade = trades[signal["signal_id"]]
        assert {name: trade[name] for name in expected} == expected
        reasons[trade["reason"]] += 1
    assert reasons.keys() == {"stop", "target", "horizon", "expired", "open"}


def test_trades_are_in_the_order_of_their_ends(evaluated: Evaluated) -> None:
    ends = [trade["exit_time"] or "~" for trade in lines(evaluated.trades)]
    assert ends == sorted(ends)


def scored(trades: Sequence[Trade]) -> dict[str, Any]:
    """What some trades come to, from their lists."""
    closed = [trade for trade in trades if trade["r"] is not None]
    results = [trade["r"] for trade in closed]
    losses = -sum(r for r in results if r < 0)
    found = {
        "signals": len(trades),
        "filled": sum(trade["fill_price"] is not None for trade in trades),
        "expired": sum(trade["reason"] == "expired" for trade in trades),
        "open": sum(trade["reason"] == "open" for trade in trades),
        "closed": len(closed),
        "wins": sum(r > 0 for r in results),
        "max_drawdown_r": pytest.approx(drawdown(closed)),
    }
    if closed:
        found |= {
            "win_rate": pytest.approx(mean(r > 0 for r in results)),
            "mean_r": pytest.approx(mean(trade["gross_r"] for trade in closed)),
            "expectancy_r": pytest.approx(mean(results)),
            "expectancy_bps": pytest.approx(mean(trade["return_bps"] for trade in closed)),
            "profit_factor": pytest.approx(sum(r for r in results if r > 0) / losses) if losses else None,
            "median_bars": median(trade["bars"] for trade in closed),
        }
    return found


def drawdown(closed: Iterable[Trade]) -> float:
    by_end = sorted(closed, key=lambda trade: trade["exit_time"])
    sums = [sum(one["r"] for one in group) for _, group in groupby(by_end, lambda trade: trade["exit_time"])]
    equity: list[float] = [0.0, *accumulate(sums)]
    return max(peak - now for peak, now in zip(accumulate(equity, max), equity, strict=True))


def grouped(trades: Iterable[Trade], *fields: str) -> dict[tuple[str, ...], list[Trade]]:
    groups: dict[tuple[str, ...], list[Trade]] = defaultdict(list)
    for trade in trades:
        groups[tuple(trade[name] for name in fields)].append(trade)
    return groups


@pytest.mark.parametrize(
    ("part", "fields"),
    [("strategies", ("strategy_id",)), ("groups", ("strategy_id", "symbol", "timeframe", "action"))],
)
def test_scores_are_what_the_trades_add_up_to(evaluated: Evaluated, part: str, fields: tuple[str, ...]) -> None:
    rows = evaluated.content[part]
    groups = grouped(lines(evaluated.trades), *fields)
    assert {tuple(row[name] for name in fields) for row in rows} == groups.keys()
    for row in rows:
        expected = scored(groups[tuple(row[name] for name in fields)])
        assert {name: row[name] for name in expected} == expected


def test_all_trades_together(market: Market, evaluated: Evaluated) -> None:
    content = evaluated.content
    expected = scored(lines(evaluated.trades))
    assert {name: content["all"][name] for name in expected} == expected
    assert content["bars"] == sum(map(len, market.bars.values()))
    assert content["rules"] == {
        "fee_bps": 7.0,
        "slippage_bps": 3.0,
        "horizon_bars": 20,
        "entry_bars": 2,
        "seed": 0,
    }
    low, rate, high = (content["all"][name] for name in ("win_rate_low", "win_rate", "win_rate_high"))
    assert 0.0 < low < rate < high < 1.0
    luck = content["all"]["random_win_rate"]
    assert content["all"]["random_closed"] > 500
    assert content["all"]["beyond_luck"] is not low <= luck <= high
    assert content["all"]["random_closed"] == sum(row["random_closed"] for row in content["groups"])


def test_csv_has_the_groups(evaluated: Evaluated) -> None:
    rows = list(csv.DictReader(io.StringIO(evaluated.csv)))
    written = evaluated.content["groups"]
    groups = [{name: "" if value is None else str(value) for name, value in row.items()} for row in written]
    assert rows == groups


def test_the_table_has_a_row_for_each_strategy(evaluated: Evaluated) -> None:
    rows = {line.split()[0]: line.split() for line in evaluated.table.splitlines() if line.strip()}
    for score in evaluated.content["strategies"]:
        row = rows[score["strategy_id"]]
        assert row[1:4] == [f"{score['signals']:,}", f"{score['filled']:,}", f"{score['win_rate'] * 100:.1f}"]
    assert rows["all"][1] == f"{evaluated.content['all']['signals']:,}"


def test_more_processes_give_the_same(market: Market, evaluated: Evaluated, tmp_path: Path) -> None:
    other = evaluate(market, tmp_path, "--processes", "2")
    assert other.trades == evaluated.trades
    assert (other.content, other.csv) == (evaluated.content, evaluated.csv)
    assert without_rate(other.table) == without_rate(evaluated.table)


def test_bars_left_out_change_no_trade_that_ended(market: Market, evaluated: Evaluated, tmp_path: Path) -> None:
    end = "2024-01-09T06:00:00.000Z"
    some = lines(evaluate(market, tmp_path, "--to", end).trades)
    known = _ended_by(end, some)
    assert known == _ended_by(end, lines(evaluated.trades))
    assert len(known) > 100
    assert len(some) > len(known)


def _ended_by(end: str, trades: Iterable[Trade]) -> list[Trade]:
    return [trade for trade in trades if trade["exit_time"] is not None and trade["exit_time"] <= end]


def test_options_choose_signals_and_rows(market: Market, tmp_path: Path) -> None:
    start = "2024-01-06T00:00:00.000Z"
    options = ("--strategies", "momentum_pulse,range_break_pop", "--from", start, "--by", "symbol", "--seed", "3")
    some = evaluate(market, tmp_path, *options)
    chosen = configuration_of({"enabled_strategies": ("momentum_pulse", "range_break_pop")})
    signals = analyzed(market.bars, parse_time_ms(start), chosen)
    assert {trade["signal_id"] for trade in lines(some.trades)} == {signal.signal_id for signal in signals}
    assert {trade["strategy_id"] for trade in lines(some.trades)} == {"momentum_pulse", "range_break_pop"}
    assert min(trade["timestamp"] for trade in lines(some.trades)) > start
    first = [line.split()[:2] for line in some.table.splitlines() if "SYNTH" in line]
    assert first == [[one, symbol] for one in ("momentum_pulse", "range_break_pop") for symbol in SYMBOLS]


SYMBOLS = ("SYNTHAUSDT", "SYNTHBUSDT", "SYNTHCUSDT")


def test_standard_output_takes_one_of_the_files_alone(market: Market) -> None:
    ended = ta_bot("evaluate", market.file(), "--json", "-")
    assert orjson.loads(ended.stdout)["bars"] == len(market.bars["SYNTHAUSDT|15m"])
    assert "Signals followed" in ended.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--by", "hour"], "--by: expected some of symbol, timeframe, action, with commas between them, got 'hour'"),
        (["--json", "-", "--csv", "-"], "--json and --csv are both -"),
    ],
)
def test_refusals(market: Market, options: list[str], message: str) -> None:
    assert message in refusal("evaluate", market.file(), *options)


def test_check_warmup_leaves_the_signals_and_shows_differences(market: Market, tmp_path: Path) -> None:
    out = tmp_path / "signals.jsonl"
    keys = {("SYNTHAUSDT", "15m"), ("SYNTHBUSDT", "1h")}
    files = [market.file("|".join(key)) for key in sorted(keys)]
    ended = ta_bot("replay", *files, "--out", out, "--check-warmup", "130", "--processes", "2")
    assert ended.returncode == 0, ended.stderr
    expected = [signal for signal in lines(market.signals) if (signal["symbol"], signal["timeframe"]) in keys]
    assert signals_in(out) == expected
    table = ended.stdout[ended.stdout.index("Setups of keys seeded with 130 bars") :]
    rows = {line.split()[0]: line.split() for line in table.splitlines() if line.strip()}
    # Its windows are full after 30 bars, and its confidence comes from them alone.
    assert rows["range_break_pop"][2:7] == ["0", "0", "0.00%", "0", "0"]
    assert float(rows["ema_alignment_bullish"][5]) > 0.0


def test_check_warmup_goes_with_nothing_that_changes_on_the_way(market: Market, tmp_path: Path) -> None:
    message = refusal("replay", market.file(), "--check-warmup", "100", "--recovery", tmp_path / "state")
    assert "--check-warmup" in message
