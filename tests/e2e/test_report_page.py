"""The report in a real browser: what it draws, what its controls do, and that nothing in its data ever runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser, expect

from strategies.registry import STRATEGIES
from tests.browser import Watched, opened, picture
from tests.e2e.command import ta_bot
from tests.e2e.conftest import Market

ARTEFACTS = Path(__file__).parents[1] / "artefacts"
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
ROWS_OF_A_PAGE = 20
ATTACK = "</script><img src=x onerror=\"document.title='hacked'\"><!--<script>"

Signal = dict[str, Any]


@dataclass(frozen=True)
class Report:
    """A report, what it is of, and what `ta-bot evaluate` says of that."""

    url: str
    signals: Sequence[Signal]
    scores: dict[str, Any]

    def count(self, symbol: str, timeframe: str, strategy: str | None = None, confidence: float = 0.0) -> int:
        return sum(
            (one["symbol"], one["timeframe"]) == (symbol, timeframe)
            and (strategy is None or one["strategy_id"] == strategy)
            and one["confidence"] >= confidence
            for one in self.signals
        )


def written_report(signals: Path, klines: Path, out: Path, *options: str) -> str:
    """Where a report is that was told without an error; `options` are the command's."""
    ended = ta_bot("report", signals, "--klines", klines, "--out", out, *options)
    assert ended.returncode == 0, ended.stderr
    return out.as_uri()


@pytest.fixture(scope="module")
def report(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Report:
    folder = tmp_path_factory.mktemp("report")
    signals, scores = folder / "signals.jsonl", folder / "scores.json"
    signals.write_bytes(market.signals)
    evaluated = ta_bot("evaluate", market.folder, "--json", scores)
    assert evaluated.returncode == 0, evaluated.stderr
    url = written_report(signals, market.folder, folder / "report.html")
    return Report(url, [orjson.loads(line) for line in market.signals.splitlines()], orjson.loads(scores.read_bytes()))


def ready(browser: Browser, url: str, **context: Any) -> Watched:
    """The page, once it has drawn everything."""
    watched = opened(browser, url, **context)
    expect(watched.page.locator("html")).to_have_attribute("data-state", "ready")
    return watched


def numbers(text: str) -> list[float]:
    return [float(one) for one in re.findall(r"-?[\d.]+", text.replace("\N{MINUS SIGN}", "-").replace(",", ""))]


def shown_count(watched: Watched) -> int:
    return int(numbers(watched.text("#chart-head").rpartition("·")[2])[0])


def drawn(watched: Watched) -> dict[int, int]:
    """The picture of the chart once it stands still."""
    chart = watched.page.locator("#price-chart")
    before = picture(chart)
    while (now := picture(chart)) != before:
        before = now
    return now


def keep(watched: Watched, name: str) -> None:
    """Keep a picture of the page for people."""
    ARTEFACTS.mkdir(exist_ok=True)
    watched.page.screenshot(path=ARTEFACTS / name)


def test_controls_change_what_is_drawn_and_listed(browser: Browser, report: Report) -> None:
    watched = ready(browser, report.url, viewport={"width": 1280, "height": 900})
    page = watched.page
    first = drawn(watched)
    assert len(first) > 50
    assert sum(first.values()) > 100_000
    keep(watched, "report.png")
    assert shown_count(watched) == report.count("SYNTHAUSDT", "15m") > ROWS_OF_A_PAGE
    assert len(watched.rows("#list tbody tr")) == ROWS_OF_A_PAGE

    page.select_option("#symbol", "SYNTHBUSDT")
    expect(page.locator("#chart-head")).to_contain_text("SYNTHBUSDT")
    second = drawn(watched)
    assert second != first
    page.select_option("#timeframe", "1h")
    expect(page.locator("#chart-head")).to_contain_text("1h")
    assert shown_count(watched) == report.count("SYNTHBUSDT", "1h")
    page.select_option("#timeframe", "15m")

    page.select_option("#strategy", label="Golden Trend Sync")
    expect(page.locator("#toggles input")).to_have_count(6)
    assert drawn(watched) != second
    assert shown_count(watched) == report.count("SYNTHBUSDT", "15m", "golden_trend_sync") > 0
    with_line = drawn(watched)
    page.get_by_label("VWAP").uncheck()
    assert drawn(watched) != with_line

    page.select_option("#strategy", "")
    page.locator("#confidence").fill("0.75")
    expected = report.count("SYNTHBUSDT", "15m", confidence=0.75)
    assert 0 < expected < report.count("SYNTHBUSDT", "15m")
    assert shown_count(watched) == expected
    assert f"of {expected:,} signals" in watched.text("#shown")
    page.locator("#confidence").fill("1")
    expect(page.locator("#shown")).to_contain_text("No signals")
    assert watched.said == []
    assert watched.wanted == [report.url]


def test_a_signal_is_told_with_its_plan_and_its_end(browser: Browser, report: Report) -> None:
    watched = ready(browser, report.url)
    page = watched.page
    page.select_option("#strategy", label="Range Break Pop")
    own = [one for one in report.signals if one["strategy_id"] == "range_break_pop"]
    last = [one for one in own if (one["symbol"], one["timeframe"]) == ("SYNTHAUSDT", "15m")][-2:]
    expect(page.locator("#position")).to_have_text(re.compile(r"(\d+) of \1"))
    page.get_by_role("button", name="Earlier").press("Enter")
    facts = page.locator("#signal .facts").first
    expect(facts).to_contain_text(last[0]["metadata"]["bar_open_time"][:16].replace("T", " "))
    told = dict(zip(watched.texts("#signal dt"), watched.texts("#signal dd"), strict=True))
    assert numbers(told["Entry"]) == [last[0]["price"]]
    assert numbers(told["Stop"]) == pytest.approx([last[0]["stop_loss"]], abs=0.06)
    assert numbers(told["Target"]) == pytest.approx([last[0]["take_profit"]], abs=0.06)
    assert numbers(told["volume ratio"]) == pytest.approx([last[0]["indicators"]["volume_ratio"]], rel=1e-5)
    assert "Version 0, from default" in watched.text("#signal")
    page.get_by_role("button", name="Later").click()
    expect(facts).to_contain_text(last[1]["metadata"]["bar_open_time"][:16].replace("T", " "))
    page.locator("#list tbody button").nth(3).click()
    expect(page.locator("#list tbody tr.chosen td").first).to_have_text(watched.texts("#list tbody button")[3])
    before = watched.text("#position")
    page.locator("#price-chart").click(position={"x": 60, "y": 200})
    expect(page.locator("#position")).not_to_have_text(before)
    expect(page.locator("#position")).to_have_text(re.compile(r"\d+ of \d+"))
    assert watched.said == []


def test_results_are_those_of_an_evaluation(browser: Browser, report: Report) -> None:
    watched = ready(browser, report.url)
    rows = {row[0]: row[2:] for row in watched.rows("#results tbody tr, #results tfoot tr")}
    scores = {STRATEGIES[one["strategy_id"]].name: one for one in report.scores["strategies"]}
    full = 0
    for name, score in [*scores.items(), ("all", report.scores["all"])]:
        expected = columns_of(score)
        found = [numbers(cell) for cell in rows[name]]
        assert [bool(one) for one in found] == [bool(one) for one, _ in expected], (name, rows[name])
        for cell, (values, at) in zip(found, expected, strict=True):
            assert cell == pytest.approx(values, abs=at), (name, rows[name])
        full += all(found)
    assert full > 10


def columns_of(score: dict[str, Any]) -> list[tuple[list[float], float]]:
    """What the table must say of a score, column by column, and how exactly it can."""
    mean = score["expectancy_r"]
    interval = [score["win_rate_low"], score["win_rate_high"]]
    columns: list[tuple[list[float | None], float, float]] = [
        ([score["closed"]], 1, 0),
        ([score["win_rate"]], 100, 0.0501),
        (interval, 100, 0.0501),
        ([score["random_win_rate"]], 100, 0.0501),
        ([score["mean_r"]], 1, 0.000501),
        ([mean], 1, 0.000501),
        ([(mean or 0.0) * score["closed"]], 1, 0.0501),
        ([score["profit_factor"]], 1, 0.00501),
        ([score["max_drawdown_r"]], 1, 0.0501),
        ([score["median_bars"]], 1, 0),
    ]
    return [([value * scale for value in values if value is not None], at) for values, scale, at in columns]


def test_every_column_sorts(browser: Browser, report: Report) -> None:
    watched = ready(browser, report.url)
    page = watched.page
    heads = page.locator("#results thead th")
    for place in range(heads.count()):
        column = heads.nth(place)
        column.get_by_role("button").click()
        orders = []
        for _ in range(2):
            orders.append(column.get_attribute("aria-sort"))
            cells = [row[place] for row in watched.rows("#results tbody tr")]
            values: list[Any] = cells if place == 0 else [numbers(cell)[0] for cell in cells if cell != "–"]
            ordered = sorted(values, key=str.casefold) if place == 0 else sorted(values)
            assert values == (ordered if orders[-1] == "ascending" else ordered[::-1])
            assert "–" not in cells[: len(values)]
            column.get_by_role("button").press("Enter")
        assert sorted(map(str, orders)) == ["ascending", "descending"]
    assert watched.rows("#results tfoot tr")[0][0] == "all"


def test_it_is_dark_in_the_dark_and_fits_a_phone(browser: Browser, report: Report) -> None:
    watched = ready(browser, report.url, **PHONE)
    page = watched.page
    page.select_option("#strategy", label="Ichimoku Cloud Momentum")
    expect(page.locator("#toggles input")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    light = drawn(watched)
    body = "getComputedStyle(document.body).backgroundColor"
    light_body = page.evaluate(body)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(body) != light_body
    dark = drawn(watched)
    white = 0xFFFFFFFF
    assert light[white] > 20 * dark.get(white, 0)
    page.locator("#price-chart").scroll_into_view_if_needed()
    keep(watched, "report-dark-phone.png")
    assert watched.said == []


def test_nothing_in_the_data_runs_and_what_is_left_out_is_said(
    browser: Browser, market: Market, tmp_path: Path
) -> None:
    good = [orjson.loads(line) for line in market.signals.splitlines()[:40]]
    hostile = [{**one, "signal_id": f"{ATTACK}{place}", "strategy_id": ATTACK} for place, one in enumerate(good)]
    for one in hostile:
        one["indicators"] = {ATTACK: 1.0}
        one["metadata"]["strategy_config"] = {
            "version": 3,
            "parameters": {ATTACK: 2.0},
            "source": ATTACK,
            "is_override": True,
        }
    missing = {**good[0], "signal_id": "elsewhere", "symbol": "ELSEWHERE"}
    bad = [{**good[0], "symbol": ATTACK}, {**good[0], "confidence": 7}, {**good[1], "price": -1}, [ATTACK]]
    signals = tmp_path / "<img src=x onerror=alert(1)>.jsonl"
    signals.write_bytes(b"\n".join([*map(orjson.dumps, [*good, *hostile, missing, *bad]), ATTACK.encode(), b""]))
    out = tmp_path / "report.html"
    ended = ta_bot("report", signals, "--klines", market.folder, "--out", out)
    assert ended.returncode == 0, ended.stderr
    assert "5 lines of " in ended.stderr
    assert "confidence: expected 0 to 1, got 7" in ended.stderr
    assert (
        "Neither drawn nor followed, as the klines have no bars of theirs: signals of ELSEWHERE 15m (1)" in ended.stderr
    )

    watched = ready(browser, out.as_uri())
    page = watched.page
    assert watched.text("h1") == f"Signals in {signals.name}"
    assert "5 lines of " in " ".join(watched.texts(".told"))
    page.select_option("#symbol", good[0]["symbol"])
    page.select_option("#strategy", label=ATTACK)
    expect(page.locator("#signal")).to_contain_text(
        f"Version 3 from {ATTACK}, with this symbol's own values: {ATTACK} = 2"
    )
    assert ATTACK in watched.text("#signal .facts >> nth=1")
    assert ATTACK in [row[0] for row in watched.rows("#results tbody tr")]
    page.select_option("#strategy", "")
    page.select_option("#symbol", "ELSEWHERE")
    expect(page.locator("#no-chart")).to_contain_text("no bars of ELSEWHERE 15m")
    assert page.locator("img").count() == 0
    assert page.title() == f"Signals in {signals.name}"
    assert watched.said == []
    assert watched.wanted == [out.as_uri()]


def test_what_goes_wrong_is_said_in_a_sentence(browser: Browser, report: Report, tmp_path: Path) -> None:
    page = Path(report.url.removeprefix("file://")).read_text()
    damaged = tmp_path / "damaged.html"
    damaged.write_text(page.replace('"version":1', '"version":', 1))
    watched = opened(browser, damaged.as_uri())
    expect(watched.page.locator("#failed")).to_contain_text("This page cannot show everything: ")
    without = browser.new_context(java_script_enabled=False).new_page()
    without.goto(report.url)
    expect(without.get_by_text("This page draws its charts with JavaScript.")).to_be_visible()
