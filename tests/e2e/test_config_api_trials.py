"""Changes tried out on real bars of the history, against `KeyAnalyzer` run here with either configuration."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from operators.analyzer import KeyAnalyzer
from operators.times import format_time
from state.klines import KlineStore
from strategies.configuration import configuration_of
from tests.api_server import ApiServer, Json, running_api
from tests.databases import SQLiteFile
from tests.kit import real_bars

BARS = 1000
KEY = "BTCUSDT|15m"
STORED = real_bars("BTCUSDT")[:5_000]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """With the first bars of a year as its history."""
    folder = tmp_path_factory.mktemp("api")
    history = SQLiteFile(folder / "history.sqlite3")
    store = KlineStore(history.uri)
    store.write(KEY, STORED)
    store.close()
    with running_api(folder, MYSQL_URI=history.uri) as server:
        yield server


def signals(
    found: Json, overrides: dict[str, dict[str, Any]], enabled: tuple[str, ...], **engine: Any
) -> dict[str, Json]:
    """The signals of the bars that a dry run analyzed, by id, without the configuration that they name."""
    analyzer = KeyAnalyzer(KEY, configuration_of({"enabled_strategies": enabled, **engine}, overrides))
    running = BARS + analyzer.configuration.engine.cooldown_bars
    analyzer.warm_up(STORED[-BARS - found["warm_up_bars"] : -running])
    emitted = [analyzer.on_bar(bar) for bar in STORED[-running:]]
    made = [signal.as_dict() for signals in emitted[-BARS:] for signal in signals]
    return {signal["signal_id"]: nameless(signal) for signal in made}


def nameless(signal: Json) -> Json:
    return {**signal, "metadata": {**signal["metadata"], "strategy_config": None}}


def tried(api: ApiServer, **trial: Any) -> Json:
    content = api.post("/config/validate", {"bars": BARS, **trial})
    assert content["metadata"]["changes_applied"] is False
    assert (content["data"]["valid"], content["data"]["errors"]) == (True, [])
    found: Json = content["data"]["dry_run"]
    return found


def check(found: Json, before: dict[str, Json], after: dict[str, Json]) -> None:
    """Compare a dry run with what is known."""
    assert [nameless(one) for one in found["appear"]] == [after[name] for name in after if name not in before]
    assert [nameless(one) for one in found["disappear"]] == [before[name] for name in before if name not in after]
    both = [name for name in before if name in after]
    changed = [(before[name], after[name]) for name in both if before[name] != after[name]]
    assert [(nameless(one["before"]), nameless(one["after"])) for one in found["changed"]] == changed
    assert found["unchanged"] == len(both) - len(changed)


def test_a_change_of_a_strategy_is_tried_out(api: ApiServer) -> None:
    name = "momentum_pulse"
    values = {"rsi_min": 40.0, "rsi_max": 80.0, "base_confidence": 0.55}
    found = tried(api, strategy_id=name, parameters=values, symbol="btcusdt")
    before, after = signals(found, {}, (name,)), signals(found, {name: values}, (name,))
    assert len(after) > len(before) > 0
    check(found, before, after)
    assert found["appear"]
    assert found["changed"]
    assert found["strategies"] == [name]
    assert (found["symbol"], found["timeframe"], found["bars"]) == ("BTCUSDT", "15m", BARS)
    assert found["warm_up_bars"] >= 500
    assert found["first_open_time"] == format_time(STORED[-BARS].open_time_ms)
    assert found["last_open_time"] == format_time(STORED[-1].open_time_ms)
    assert found["appear"][0]["metadata"]["strategy_config"]["parameters"] == values


def test_a_change_for_all_symbols_is_tried_out_on_one(api: ApiServer) -> None:
    """Whose own values go on holding."""
    name = "rsi_extreme_reversal"
    api.change(f"{name}/config/BTCUSDT", base_confidence=0.7)
    values = {"oversold_threshold": 40.0, "base_confidence": 0.8}
    found = tried(api, strategy_id=name, parameters=values, dry_run_symbol="BTCUSDT")
    own = {"base_confidence": 0.7}
    check(found, signals(found, {name: own}, (name,)), signals(found, {name: {**values, **own}}, (name,)))
    assert found["appear"]
    assert len(api.get(f"/strategies/{name}/audit")["data"]) == 1, "nothing stored has changed"


def test_a_change_of_the_application_is_tried_out(api: ApiServer) -> None:
    application = {"enabled_strategies": ["doji_reversal", "hammer_reversal_pattern"], "min_confidence": 0.75}
    everything = tuple(configuration_of().strategies)
    own = api.get("/strategies/rsi_extreme_reversal/config/BTCUSDT")["data"]["changed_parameters"]
    found = tried(api, application=application, symbol="BTCUSDT")
    check(
        found,
        signals(found, {"rsi_extreme_reversal": own}, everything),
        signals(found, {}, ("doji_reversal", "hammer_reversal_pattern"), min_confidence=0.75),
    )
    assert found["disappear"]


def test_only_strategies_that_a_change_concerns_are_run(api: ApiServer) -> None:
    """All others are enabled before and after, and give the same."""
    everything = tuple(configuration_of().strategies)
    rest = [name for name in everything if name != "ema_momentum_reversal"]
    found = tried(api, application={"enabled_strategies": rest}, symbol="BTCUSDT")
    assert found["strategies"] == ["ema_momentum_reversal"]
    check(found, signals(found, {}, ("ema_momentum_reversal",)), {})


def test_a_symbol_that_is_left_out_has_no_signals_any_more(api: ApiServer) -> None:
    found = tried(api, application={"symbols": ["ETHUSDT"]}, symbol="BTCUSDT")
    assert len(found["disappear"]) > 0
    assert (found["appear"], found["unchanged"]) == ([], 0)
    kept = tried(api, application={"symbols": ["*"], "timeframes": ["15m"]}, symbol="BTCUSDT")
    assert (kept["strategies"], kept["appear"], kept["disappear"]) == ([], [], [])


def test_without_a_symbol_nothing_is_run(api: ApiServer) -> None:
    trial = {"strategy_id": "doji_reversal", "parameters": {"trend_period": 21}}
    assert api.post("/config/validate", trial)["data"] == {"valid": True, "errors": [], "dry_run": None}


def test_a_symbol_without_history_has_no_bars(api: ApiServer) -> None:
    found = tried(api, strategy_id="doji_reversal", parameters={}, symbol="NOBODYUSDT", timeframe="1h")
    assert (found["bars"], found["warm_up_bars"], found["first_open_time"]) == (0, 0, None)


def test_what_would_be_rejected_is_told(api: ApiServer) -> None:
    trial = {"strategy_id": "doji_reversal", "parameters": {"sign": 1, "trend_period": -1}, "symbol": "BTCUSDT"}
    data = api.post("/config/validate", trial)["data"]
    assert (data["valid"], data["dry_run"]) == (False, None)
    assert {error["parameter"] for error in data["errors"]} == {"sign", "trend_period"}
    data = api.post("/config/validate", {"application": {"min_confidence": 2}})["data"]
    assert [error["parameter"] for error in data["errors"]] == ["min_confidence"]


@pytest.mark.parametrize(
    ("trial", "status"),
    [
        ({}, 422),
        ({"strategy_id": "doji_reversal"}, 422),
        ({"parameters": {}}, 422),
        ({"application": {}, "strategy_id": "doji_reversal", "parameters": {}}, 422),
        ({"application": {}, "symbol": "B/T"}, 422),
        ({"application": {}, "dry_run_symbol": "B/T"}, 422),
        ({"application": {}, "timeframe": "7m"}, 422),
        ({"application": {}, "bars": 2001}, 422),
        ({"application": {}, "bars": 0}, 422),
        ({"strategy_id": "astrology", "parameters": {}}, 404),
    ],
)
def test_a_trial_that_is_not_possible_is_told(api: ApiServer, trial: Json, status: int) -> None:
    assert api.post("/config/validate", trial, status=status)["error"]["message"]
