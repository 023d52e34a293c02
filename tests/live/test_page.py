"""The live page in a real browser, with a bot, its sidecar and NATS behind it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from playwright.sync_api import Browser

from operators.times import format_time
from tests.api_server import ApiServer, running_api
from tests.browser import running_chromium
from tests.databases import SQLiteFile
from tests.live.market import History, KeyedBar, Market, as_event
from tests.live_bot import LiveBot, live_bot
from tests.nats_server import NatsServer, Peer, peer_of, running_server, wait_until
from tests.tab import Tab, open_tab

MARKET = Market(("ETHUSDT", "SOLUSDT"), ("15m",), days=31)
BARS = MARKET.bars()
STORED = 2 * 1200

READ, WRITE = "r" * 20, "w" * 20
STRATEGY = "rsi_extreme_reversal"
HOSTILE = "<img src=x onerror=\"document.title='gotcha'\"><script>document.title='gotcha'</script>"


@dataclass
class World:
    """Everything that runs, and how much of the market has arrived."""

    server: NatsServer
    peer: Peer
    bot: LiveBot
    api: ApiServer
    browser: Browser
    arrived: int = STORED
    opened: ExitStack = field(default_factory=ExitStack)

    def bars(self, count: int) -> None:
        """So many more bars arrive."""
        self.peer.publish(map(as_event, BARS[self.arrived : self.arrived + count]))
        self.arrived += count

    def publish(self, **fields: Any) -> dict[str, Any]:
        """A signal on the newest bar of ETHUSDT, as the bot would publish it, but for the fields that are given."""
        newest = next(one for one in reversed(BARS[: self.arrived]) if one.key == "ETHUSDT|15m")
        content = signal_of(newest, **fields)
        subject = "ta.alerts" if content["action"] == "hold" else "ta.signals"
        self.peer.publish([(f"{subject}.ETHUSDT.15m", orjson.dumps(content))])
        return content

    def tab(self, url: str = "", **settings: Any) -> Tab:
        """The page, once it has drawn a chart."""
        tab = self.opened.enter_context(open_tab(self.browser, url or self.api.url, **settings))
        tab.page.wait_for_selector("#chart[data-bars='1000']")
        return tab


def signal_of(one: KeyedBar, **fields: Any) -> dict[str, Any]:
    price = one.bar.close
    number = fields.pop("number", 0)
    return {
        "signal_id": f"{one.place}doji_reversal-buy-{number}",
        "strategy_id": "doji_reversal",
        "strategy": "doji_reversal",
        "source": "ta_bot",
        "symbol": "ETHUSDT",
        "action": "buy",
        "confidence": 0.91,
        "strength": "extreme",
        "price": price,
        "current_price": price,
        "quantity": 0.001,
        "stop_loss": price * 0.99,
        "take_profit": price * 1.02,
        "timeframe": "15m",
        "timestamp": format_time(one.close_ms),
        "indicators": {"atr": 1.5},
        "metadata": {
            "bar_open_time": format_time(one.bar.open_time_ms),
            "risk_reward_ratio": 2.0,
            "strategy_config": {"version": 0, "parameters": {}, "source": "default", "is_override": False},
        },
        **fields,
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("page")
    history = SQLiteFile(folder / "history.sqlite3")
    History(history, MARKET.keys).write(BARS[:STORED])
    with ExitStack() as running:
        server = running.enter_context(running_server(folder / "nats"))
        peer = running.enter_context(peer_of(server))
        bot = running.enter_context(live_bot(server.url, folder, SUPPORTED_SYMBOLS="ETHUSDT,SOLUSDT"))
        bot.start()
        settings = {"FLOW_HEALTH_URL": f"http://127.0.0.1:{bot.health_port}"}
        api = running.enter_context(running_api(folder / "api", NATS_URL=server.url, MYSQL_URI=history.uri, **settings))
        browser = running.enter_context(running_chromium())
        bot.wait_ready()
        wait_until(lambda: api.get("/status")["data"]["hearing"]["signals"], "the sidecar to hear signals")
        world = World(server, peer, bot, api, browser)
        world.bars(20)
        bot.wait_counted("ta_bars_total", 20)
        yield world
        assert bot.end() == 0
        bot.check_log()


@pytest.fixture(autouse=True)
def closed(world: World) -> Iterator[None]:
    """No tab outlives its test."""
    yield
    world.opened.close()


def marks(tab: Tab) -> int:
    return int(tab.page.get_attribute("#chart", "data-marks") or 0)


def newest_mark(tab: Tab, signal_id: str) -> str:
    """The row of a signal, once it is there."""
    row = tab.page.locator(f"#signals li[data-id='{signal_id}']")
    row.wait_for()
    return row.inner_text()


def choose(tab: Tab, strategy_id: str = STRATEGY) -> None:
    tab.page.click(f"#strategies button[data-id='{strategy_id}']")
    tab.page.wait_for_selector("#try")


def test_it_shows_the_market_as_it_moves(world: World) -> None:
    tab = world.tab()
    before = tab.drawn()
    assert len(before) > 20  # candles, wicks, volume, grid, axes with smooth letters
    for chip in ("NATS connected", "Bot ready, 2 keys", "Signals heard", "15m 2 symbols, newest bar closed 2024-11-"):
        assert any(chip in text.replace("\n", " ") for text in tab.texts("#health li")), chip
    world.bars(2)
    tab.page.wait_for_selector("#chart[data-bars='1001']")
    wait_until(lambda: tab.drawn() != before, "the chart to move")
    tab.page.select_option("#symbol", "SOLUSDT")
    tab.page.wait_for_selector("#chart[data-bars='1000']")
    wait_until(lambda: "V " in tab.page.inner_text(".chart-legend"), "the other symbol's bars")
    tab.keep("live-chart")
    assert tab.complaints == []


def test_signals_come_filtered_and_can_be_looked_at(world: World) -> None:
    tab = world.tab()
    before = marks(tab)
    mine = world.publish(number=1)
    other = world.publish(number=2, strategy_id="momentum_pulse", confidence=0.42, action="hold", stop_loss=None)
    text = newest_mark(tab, mine["signal_id"])
    assert all(part in text for part in ("BUY", "ETHUSDT 15m", "doji_reversal", "91 %"))
    wait_until(lambda: marks(tab) == before + 2, "both to be marked")
    ids = f"#signals li[data-id='{other['signal_id']}']"
    tab.page.fill("#confidence", "0.9")
    wait_until(lambda: tab.page.locator(ids).count() == 0, "the weak one to go")
    tab.page.fill("#confidence", "0")
    tab.page.locator(ids).wait_for()
    tab.page.select_option("#strategy", "momentum_pulse")
    wait_until(lambda: tab.page.locator(f"#signals li[data-id='{mine['signal_id']}']").count() == 0, "the other to go")
    assert marks(tab) >= 1
    tab.page.select_option("#strategy", "")
    tab.page.check("#only-here")
    assert all("ETHUSDT 15m" in row for row in tab.texts("#signals li"))
    before_click = tab.drawn()
    tab.page.click(f"#signals li[data-id='{mine['signal_id']}'] button")
    tab.page.wait_for_selector(f"#signals li.selected[data-id='{mine['signal_id']}']")
    wait_until(lambda: tab.drawn() != before_click, "its plan to be drawn")
    tab.keep("live-signal")
    assert tab.complaints == []


def test_what_others_write_is_text(world: World) -> None:
    tab = world.tab()
    shown = world.publish(number=3, strategy_id=HOSTILE, strategy=HOSTILE)
    assert HOSTILE in newest_mark(tab, shown["signal_id"])
    tab.page.click(f"#signals li[data-id='{shown['signal_id']}'] button")
    world.api.post(
        f"/strategies/{STRATEGY}/config/ETHUSDT",
        {"parameters": {"base_confidence": 0.66}, "changed_by": HOSTILE[:99], "reason": HOSTILE},
    )
    choose(tab)
    tab.page.select_option("#scope", "ETHUSDT")
    tab.wait_text("#audit .reason", HOSTILE)
    assert tab.page.title() == "petrosa-ta-bot"
    assert tab.page.locator("main img, main script").count() == 0
    assert tab.complaints == []
    world.api.delete(f"{STRATEGY}/config/ETHUSDT")


def test_a_change_is_tried_made_and_taken_back_by_clicking(world: World) -> None:
    tab = world.tab()
    page = tab.page
    choose(tab)
    before = int(world.api.get(f"/strategies/{STRATEGY}/config")["data"]["version"])
    tab.wait_text("#version", f"Version {before}")
    assert page.is_disabled("#try")
    assert page.is_disabled("#change")
    page.fill("#parameter-oversold_threshold", "35")
    page.fill("#parameter-rsi_period", "3")
    assert page.is_disabled("#change")
    page.click("#try")
    tab.wait_text(".trial-numbers", "On the last 500 bars of ETHUSDT 15m:")
    asked = {
        "strategy_id": STRATEGY,
        "parameters": {"oversold_threshold": 35.0, "rsi_period": 3},
        "dry_run_symbol": "ETHUSDT",
        "bars": 500,
    }
    found = world.api.post("/config/validate", asked)["data"]["dry_run"]
    rows = [page.locator(f"#trial-list li.{what}").count() for what in ("appears", "disappears", "changes")]
    assert rows == [len(found[what]) for what in ("appear", "disappear", "changed")]
    assert sum(rows) > 0
    tab.keep("live-trial")
    page.fill("#by", "tester")
    page.click("#change")
    tab.wait_text("#result.error", "Say why: a change needs a reason.")
    page.fill("#reason", "more signals")
    page.click("#change")
    tab.wait_text("#result", f"Version {before + 1} is in force; the bot was told.")
    tab.wait_text("#audit li", "more signals")
    world.bars(400)
    wait_until(lambda: before + 1 in versions(world), "the bot to go by it")
    page.select_option("#strategy", STRATEGY)
    tab.wait_text("#signals li", f"v{before + 1}")
    page.fill("#reason", "back again")
    page.locator("#audit li", has_text=f"Version {before} ").get_by_role("button").click()
    tab.wait_text("#result", f"Version {before + 2} is in force; the bot was told.")
    assert world.api.get(f"/strategies/{STRATEGY}/config")["data"]["parameters"]["rsi_period"] == 2
    assert tab.complaints == []


def test_one_symbol_can_differ_and_follow_the_others_again(world: World) -> None:
    tab = world.tab()
    page = tab.page
    choose(tab, "doji_reversal")
    page.select_option("#scope", "SOLUSDT")
    tab.wait_text("#version", "Nothing stored")
    page.fill("#parameter-trend_period", "30")
    page.click("#try")
    tab.wait_text(".trial-numbers", "On the last 500 bars of SOLUSDT 15m:")
    page.fill("#by", "tester")
    page.fill("#reason", "SOL trends longer")
    page.click("#change")
    tab.wait_text("#result", "Version 1 is in force; the bot was told.")
    assert tab.texts(".parameter .tag") == ["own value"]
    tab.wait_text("#strategies .own", "1 symbol with own values")
    page.fill("#reason", "no longer")
    page.click("#delete")
    tab.wait_text("#result", "What was stored is deleted; the bot was told.")
    assert world.api.get("/strategies/doji_reversal/config/SOLUSDT")["data"]["is_override"] is False
    assert page.locator(".parameter .tag").count() == 0
    assert tab.complaints == []


def versions(world: World) -> set[int]:
    """Those that signals of the strategy were made with."""
    found = world.api.get("/signals", params={"strategy": STRATEGY, "limit": 1000})["data"]
    return {one["metadata"]["strategy_config"]["version"] for one in found}


def test_what_is_not_possible_is_said_beside_it(world: World) -> None:
    tab = world.tab()
    choose(tab)
    page = tab.page
    page.fill("#parameter-oversold_threshold", "9")
    assert page.inner_text("#error-oversold_threshold") == "Expected a number from 10 to 40."
    assert page.is_disabled("#try")
    page.fill("#parameter-oversold_threshold", "")
    assert page.is_disabled("#try")
    page.click("#undo")
    assert page.input_value("#parameter-oversold_threshold") == "25"
    page.fill("#parameter-extreme_threshold", "10")  # each possible, and not both together
    page.fill("#parameter-oversold_threshold", "10")
    page.click("#try")
    tab.wait_text("#hint", "It can be changed now.")
    page.fill("#by", "tester")
    page.fill("#reason", "too late")
    world.api.change(f"{STRATEGY}/config", base_confidence=0.6)
    tab.wait_text("#result.error", "Somebody changed this meanwhile: it is version")
    page.click("#change")
    tab.wait_text("#result.error", "Somebody else was faster")
    world.api.change(f"{STRATEGY}/config", base_confidence=0.65)


def test_without_the_sidecar_it_says_so_and_goes_on_when_it_is_back(world: World) -> None:
    tab = world.tab()
    choose(tab)
    world.api.end(signal.SIGKILL)
    tab.wait_text("#health", "The sidecar does not answer. This page goes on by itself when it is back.")
    tab.page.fill("#parameter-oversold_threshold", "30")
    tab.page.click("#try")
    tab.wait_text("#result.error", "The sidecar does not answer.")
    tab.keep("live-away")
    world.api.start()
    tab.wait_text("#health li", "connected")
    mine = world.publish(number=5)
    assert "doji_reversal" in newest_mark(tab, mine["signal_id"])
    tab.page.click("#try")
    tab.wait_text("#hint", "It can be changed now.")
    assert not [one for one in tab.complaints if "ERR_CONNECTION_REFUSED" not in one and "ERR_INCOMPLETE" not in one]


def test_it_asks_for_a_token_and_says_what_one_is_not_good_for(world: World, tmp_path: Path) -> None:
    settings = {"NATS_URL": world.server.url, "MYSQL_URI": world.api.environment["MYSQL_URI"]}
    with (
        running_api(tmp_path / "guarded", API_TOKENS=f"read:{READ},write:{WRITE}", **settings) as api,
        open_tab(world.browser, api.url) as tab,
    ):
        page = tab.page
        tab.wait_text("#token-why", "The sidecar asks for a token.")
        page.fill("#token", "x" * 20)
        page.press("#token", "Enter")
        tab.wait_text("#token-why", "This token is not known to the sidecar.")
        tab.keep("live-token")
        page.fill("#token", READ)
        page.press("#token", "Enter")
        page.wait_for_selector("#chart[data-bars]")
        page.wait_for_selector("#token-form", state="hidden")
        wait_until(lambda: len(tab.texts("#strategies li")) == 28, "the strategies")
        choose(tab, "doji_reversal")
        page.fill("#parameter-trend_period", "30")
        page.click("#try")
        tab.wait_text("#hint", "It can be changed now.")
        page.fill("#by", "tester")
        page.fill("#reason", "may I?")
        page.click("#change")
        tab.wait_text("#result.error", "This token may only read. A change needs a write token.")
        assert page.evaluate("[document.cookie, localStorage.length, location.search]") == ["", 0, ""]
        assert not [one for one in tab.complaints if "401" not in one and "403" not in one]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone(world: World, scheme: str) -> None:
    tab = world.tab(color_scheme=scheme)
    tab.page.set_viewport_size({"width": 390, "height": 844})
    choose(tab)
    assert tab.page.evaluate("document.documentElement.scrollWidth") == 390
    assert len(tab.drawn()) > 20
    tab.keep(f"live-phone-{scheme}")
    assert tab.complaints == []
