"""`ta-bot report`: what it takes, what it leaves out, and what it says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dataflow.report.packing import Column, unpack
from operators.times import parse_time_ms
from tests.e2e.command import refusal, signals_in, ta_bot
from tests.e2e.conftest import Market


@pytest.fixture(scope="module")
def signals(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("signals") / "signals.jsonl"
    path.write_bytes(market.signals)
    return path


def content(page: str) -> dict[str, Any]:
    """What is embedded in a page."""
    embedded = re.search(r'<script type="application/json" id="content">(.*?)</script>', page, re.DOTALL)
    assert embedded
    found: dict[str, Any] = json.loads(embedded[1])
    return found


def column(packed: dict[str, Any]) -> list[float | None]:
    return unpack(Column(**packed))


def test_options_leave_out_and_the_rest_is_whole(market: Market, signals: Path) -> None:
    options = ("--symbol", "synthausdt,SYNTHBUSDT", "--timeframe", "15m", "--strategies", "golden_trend_sync")
    period = ("--from", "2024-01-04", "--to", "2024-01-09")
    ended = ta_bot("report", signals, "--klines", market.folder, "--out", "-", *options, *period)
    assert ended.returncode == 0, ended.stderr
    start_ms, end_ms = map(parse_time_ms, (period[1], period[3]))
    found = content(ended.stdout)
    assert [one["id"] for one in found["strategies"]] == ["golden_trend_sync"]
    assert [(key["symbol"], key["timeframe"]) for key in found["keys"]] == [
        ("SYNTHAUSDT", "15m"),
        ("SYNTHBUSDT", "15m"),
    ]
    for key in found["keys"]:
        bars = [bar for bar in market.bars[f"{key['symbol']}|15m"] if start_ms <= bar.open_time_ms < end_ms]
        packed = [column(key["bars"][name]) for name in ("time", "open", "high", "low", "close")]
        assert list(zip(*packed, strict=True)) == [(bar.open_time_ms / 1000, *bar[1:5]) for bar in bars]
        expected = [
            one
            for one in signals_in(signals)
            if (one["symbol"], one["timeframe"], one["strategy_id"]) == (key["symbol"], "15m", "golden_trend_sync")
            and start_ms <= parse_time_ms(one["metadata"]["bar_open_time"]) < end_ms
        ]
        assert column(key["signals"]["price"]) == [one["price"] for one in expected]
        vwap = key["indicators"]["0"]["vwap"]
        assert column(vwap) == pytest.approx([one["indicators"]["vwap"] for one in expected], rel=1e-5)


def test_without_overlays_a_page_is_smaller(market: Market, signals: Path) -> None:
    pages = [
        ta_bot("report", signals, "--klines", market.file(), "--symbol", "SYNTHAUSDT", "--out", "-", *options).stdout
        for options in ((), ("--no-overlays",))
    ]
    series = [[len(key["overlays"]["series"]) for key in content(page)["keys"]] for page in pages]
    assert min(series[0]) > 20
    assert max(series[1]) == 0
    assert len(pages[1]) < 0.9 * len(pages[0])


def test_bars_that_are_missing_are_told(market: Market, signals: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    ended = ta_bot("report", signals, "--klines", market.file("SYNTHBUSDT|1h"), "--timeframe", "1h", "--out", out)
    assert ended.returncode == 0
    lacking = {
        name: sum(one["symbol"] == name and one["timeframe"] == "1h" for one in signals_in(signals))
        for name in ("SYNTHAUSDT", "SYNTHCUSDT")
    }
    told = ", ".join(f"{name} 1h ({count})" for name, count in lacking.items())
    sentence = f"Neither drawn nor followed, as the klines have no bars of theirs: signals of {told}."
    assert ended.stderr == f"ta-bot: {sentence}\n"
    assert content(out.read_text())["told"] == [sentence]
    assert str(out) in ended.stdout


def test_what_cannot_be_reported_is_refused_in_a_line(market: Market, signals: Path, tmp_path: Path) -> None:
    klines = ("--klines", market.file())
    assert "expected signals to report, got none of" in refusal("report", signals, *klines, "--symbol", "NONE")
    assert "--symbol: expected names" in refusal("report", signals, *klines, "--symbol", ",")
    assert "--to must be later than --from" in refusal("report", signals, *klines, "--from", "2025", "--to", "2024")
    assert "no such folder" in refusal("report", signals, *klines, "--out", tmp_path / "no" / "page.html")
    assert "cannot be read" in refusal("report", tmp_path / "none.jsonl", *klines)
    (tmp_path / "prose.jsonl").write_text("not a signal\n")
    assert "1 line left out: prose.jsonl:1: Invalid JSON" in refusal("report", tmp_path / "prose.jsonl", *klines)
    assert not list(tmp_path.glob("*.html"))
