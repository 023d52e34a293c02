"""The API of the configuration, on the embedded store: what strategies can be told, and what they are told."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from strategies.registry import STRATEGIES
from tests.api_server import ApiServer, findings, roll_back, running_api
from tests.oracle.defaults import DEFAULTS

# Tests share a server, and each has a strategy of its own.
PULSE = DEFAULTS["momentum_pulse"]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api(tmp_path_factory.mktemp("api")) as server:
        yield server


def test_all_strategies_are_listed(api: ApiServer) -> None:
    api.change("band_fade_reversal/config/ethusdt", rsi_period=13)
    api.change("band_fade_reversal/config/BTCUSDT", rsi_period=13)
    api.change("divergence_trap/config", rsi_period=13)
    listed = {item["strategy_id"]: item for item in api.get("/strategies")["data"]}
    assert sorted(listed) == sorted(DEFAULTS)
    for strategy_id, item in listed.items():
        assert item["parameter_count"] == len(DEFAULTS[strategy_id])
        assert item["name"]
        assert item["description"]
        assert item["category"] in {"petrosa", "quantzed"}
    band, trap = listed["band_fade_reversal"], listed["divergence_trap"]
    assert (band["has_global_config"], band["symbol_overrides"]) == (False, ["BTCUSDT", "ETHUSDT"])
    assert (trap["has_global_config"], trap["symbol_overrides"]) == (True, [])


@pytest.mark.parametrize("strategy_id", DEFAULTS)
def test_schema_and_defaults_are_those_of_the_strategy(api: ApiServer, strategy_id: str) -> None:
    """Examples may be used as they are."""
    content = api.get(f"/strategies/{strategy_id}/schema")
    parameters = {parameter["name"]: parameter for parameter in content["data"]}
    assert {name: parameter["default"] for name, parameter in parameters.items()} == DEFAULTS[strategy_id]
    assert api.get(f"/strategies/{strategy_id}/defaults")["data"]["parameters"] == DEFAULTS[strategy_id]
    for name, parameter in parameters.items():
        assert parameter["type"] == type(DEFAULTS[strategy_id][name]).__name__
        assert parameter["min"] <= parameter["example"] <= parameter["max"]
        STRATEGIES[strategy_id].parameters(**{name: parameter["example"]})
        assert parameter["description"]


def test_schema_tells_the_rules(api: ApiServer) -> None:
    rules = api.get("/strategies/momentum_pulse/schema")["metadata"]["rules"]
    assert rules == ["macd_fast < macd_slow", "rsi_min < rsi_max", "ema_fast < ema_medium < ema_slow"]


def test_the_first_look_stores_the_defaults(api: ApiServer) -> None:
    defaults = DEFAULTS["golden_trend_sync"]
    for _ in range(2):
        data = api.get("/strategies/golden_trend_sync/config")["data"]
        assert data == {
            "strategy_id": "golden_trend_sync",
            "symbol": None,
            "parameters": defaults,
            "stored_parameters": defaults,
            "changed_parameters": {},
            "version": 1,
            "source": "sqlite",
            "is_override": False,
        }
    [entry] = api.get("/strategies/golden_trend_sync/audit")["data"]
    assert (entry["action"], entry["changed_by"], entry["version"]) == ("CREATE", "system", 1)


def test_a_symbol_is_looked_at_without_storing_anything(api: ApiServer) -> None:
    content = api.get("/strategies/range_break_pop/config/BTCUSDT")
    assert content["data"]["parameters"] == DEFAULTS["range_break_pop"]
    assert (content["data"]["stored_parameters"], content["data"]["version"]) == (None, 0)
    assert content["data"]["source"] == "default"
    assert api.get("/strategies/range_break_pop/audit")["data"] == []


def test_values_are_laid_over_each_other_one_by_one(api: ApiServer) -> None:
    """Default, then global, then the symbol's: by a table made by hand."""
    created = api.change("momentum_pulse/config", rsi_min=45, adx_period=20)
    assert created["metadata"] == {
        "action": "created",
        "changes_applied": True,
        "mirrored": True,
        "announced": False,  # there is no NATS
        "note": None,
    }
    assert created["data"]["stored_parameters"] == {**PULSE, "rsi_min": 45.0, "adx_period": 20}
    assert created["data"]["changed_parameters"] == {"rsi_min": 45.0, "adx_period": 20}
    own = api.change("momentum_pulse/config/btcusdt", rsi_min=40, ema_slow=150)["data"]
    assert own["stored_parameters"] == {"rsi_min": 40.0, "ema_slow": 150}
    assert own["parameters"] == {**PULSE, "adx_period": 20, "rsi_min": 40.0, "ema_slow": 150}
    assert (own["symbol"], own["version"], own["is_override"]) == ("BTCUSDT", 1, True)
    api.change("momentum_pulse/config", adx_period=21, ema_slow=160)
    assert api.get("/strategies/momentum_pulse/config/BTCUSDT")["data"]["parameters"] == {
        **PULSE,
        "adx_period": 21,
        "rsi_min": 40.0,
        "ema_slow": 150,
    }
    other = api.get("/strategies/momentum_pulse/config/ETHUSDT")["data"]
    assert other["parameters"] == {**PULSE, "adx_period": 21, "rsi_min": 45.0, "ema_slow": 160}
    assert (other["version"], other["source"], other["is_override"]) == (0, "sqlite", False)


def test_what_a_symbol_is_given_holds_whatever_changes_for_all(api: ApiServer) -> None:
    path = "volume_surge_breakout/config"
    api.change(path, rsi_min=26)
    own = api.change(f"{path}/BTCUSDT", rsi_min=26, rsi_max=74)["data"]
    assert own["stored_parameters"] == {"rsi_min": 26.0, "rsi_max": 74.0}
    api.change(path, rsi_min=30, rsi_max=70)
    own = api.get(f"/strategies/{path}/BTCUSDT")["data"]
    assert (own["parameters"]["rsi_min"], own["parameters"]["rsi_max"]) == (26.0, 74.0)
    again = api.change(f"{path}/BTCUSDT", rsi_min=26)
    assert (again["metadata"]["action"], again["data"]["version"]) == ("unchanged", 1)


def test_what_changes_nothing_makes_no_version(api: ApiServer) -> None:
    api.change("mean_reversion_scalper/config", rsi_period=15)
    again = api.change("mean_reversion_scalper/config", rsi_period=15.0)
    assert (again["metadata"]["action"], again["metadata"]["changes_applied"]) == ("unchanged", False)
    assert again["data"]["version"] == 1
    assert len(api.get("/strategies/mean_reversion_scalper/audit")["data"]) == 1


def test_validating_changes_nothing(api: ApiServer) -> None:
    body = {"parameters": {"rsi_period": 15}, "changed_by": "tester", "validate_only": True}
    content = api.post("/strategies/liquidity_grab_reversal/config", body)
    assert content["metadata"]["action"] == "validated"
    assert content["data"]["parameters"]["rsi_period"] == 15
    assert api.get("/strategies/liquidity_grab_reversal/audit")["data"] == []
    body["parameters"] = {"rsi_period": 0}
    api.post("/strategies/liquidity_grab_reversal/config", body, status=422)


def test_a_version_that_is_not_the_expected_one_is_a_conflict(api: ApiServer) -> None:
    path = "/strategies/order_flow_imbalance/config"
    name = next(iter(DEFAULTS["order_flow_imbalance"]))
    value = DEFAULTS["order_flow_imbalance"][name]
    body = {"parameters": {name: value + 1}, "changed_by": "tester", "expected_version": 0}
    assert api.post(path, body)["data"]["version"] == 1
    refused = api.post(path, body, status=409)["error"]
    assert (refused["code"], refused["details"]) == ("version_conflict", {"current_version": 1})
    assert api.delete("order_flow_imbalance/config", status=409, expected_version=0)["error"]["details"] == {
        "current_version": 1
    }
    assert api.delete("order_flow_imbalance/config", expected_version=1)["data"]["version"] == 2


def test_of_two_who_write_at_once_one_wins(api: ApiServer) -> None:
    body = {"changed_by": "tester", "expected_version": 0}

    def write(period: int) -> int:
        values = {**body, "parameters": {"rsi_period": period}}
        path = "/api/v1/strategies/multi_timeframe_trend_continuation/config/BTCUSDT"
        return api.client.post(path, json=values).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(write, range(5, 13)))
    assert statuses == [200] + [409] * 7


def test_deleting_goes_back_to_the_defaults(api: ApiServer) -> None:
    api.delete("ichimoku_cloud_momentum/config", status=404)
    api.change("ichimoku_cloud_momentum/config", kijun_period=27)
    deleted = api.delete("ichimoku_cloud_momentum/config", reason="enough")
    assert deleted["metadata"]["action"] == "deleted"
    for _ in range(2):  # a look does not store the defaults of what was deleted
        data = api.get("/strategies/ichimoku_cloud_momentum/config")["data"]
        assert data["parameters"] == DEFAULTS["ichimoku_cloud_momentum"]
        assert (data["version"], data["source"], data["stored_parameters"]) == (2, "default", None)
    assert api.delete("ichimoku_cloud_momentum/config", status=404)["error"]["code"] == "unknown_config"
    assert api.change("ichimoku_cloud_momentum/config", kijun_period=28)["data"]["version"] == 3


def test_the_audit_tells_who_changed_what(api: ApiServer) -> None:
    before = datetime.now(UTC)
    api.change("doji_reversal/config", by="alice", trend_period=21)
    api.change("doji_reversal/config/BTCUSDT", by="bob", trend_period=22)
    api.delete("doji_reversal/config/BTCUSDT", by="carol", reason="no use")
    entries = api.get("/strategies/doji_reversal/audit")["data"]
    assert [(entry["action"], entry["symbol"], entry["changed_by"]) for entry in entries] == [
        ("DELETE", "BTCUSDT", "carol"),
        ("CREATE", "BTCUSDT", "bob"),
        ("CREATE", None, "alice"),
    ]
    assert entries[0]["reason"] == "no use"
    assert (entries[0]["old_parameters"], entries[0]["new_parameters"]) == ({"trend_period": 22}, None)
    for entry in entries:
        assert (
            before.timestamp() - 1 <= datetime.fromisoformat(entry["changed_at"]).timestamp() <= before.timestamp() + 60
        )
    assert api.get("/strategies/doji_reversal/audit?limit=1")["data"] == entries[:1]
    assert api.get("/strategies/doji_reversal/audit?symbol=btcusdt")["data"] == entries[:2]
    for limit in ("0", "1001", "many"):
        assert "limit" in findings(api.get(f"/strategies/doji_reversal/audit?limit={limit}", status=422))


def test_rolling_back_makes_a_new_version(api: ApiServer) -> None:
    for period in (21, 22, 23):
        api.change("bear_trap_buy/config", ema_period=period)
    back = roll_back(api, "bear_trap_buy", 1)
    assert (back["data"]["version"], back["data"]["parameters"]["ema_period"]) == (4, 21)
    assert back["metadata"]["action"] == "rolled_back"
    assert roll_back(api, "bear_trap_buy", 1)["metadata"]["action"] == "unchanged"
    assert roll_back(api, "bear_trap_buy", 9, status=404)["error"]["code"] == "unknown_version"
    assert roll_back(api, "bear_trap_buy", 2, status=409, expected_version=1)["error"]["details"] == {
        "current_version": 4
    }
    assert "version" in findings(roll_back(api, "bear_trap_buy", 0, status=422))


def test_rolling_back_to_a_deletion_deletes(api: ApiServer) -> None:
    path = "bear_trap_sell/config/ETHUSDT"
    api.change(path, ema_period=21)
    api.delete(path)
    api.change(path, ema_period=22)
    back = roll_back(api, "bear_trap_sell", 2, symbol="ethusdt")
    assert (back["data"]["version"], back["data"]["is_override"]) == (4, False)
    assert roll_back(api, "bear_trap_sell", 1, symbol="ETHUSDT")["data"]["stored_parameters"] == {"ema_period": 21}
    assert roll_back(api, "bear_trap_sell", 1, status=404)["error"]["code"] == "unknown_version"


def test_the_cache_is_read_anew_on_request(api: ApiServer) -> None:
    content = api.ask("POST", "/strategies/cache/refresh")
    assert content["metadata"]["action"] == "refreshed"
    assert content["data"]["source"] == "sqlite"


def test_the_application_is_told_what_to_run(api: ApiServer) -> None:
    path = "/config/application"
    before = api.get(path)["data"]
    assert before["parameters"]["enabled_strategies"] == list(STRATEGIES)
    assert (before["parameters"]["symbols"], before["parameters"]["timeframes"]) == (None, None)
    assert (before["parameters"]["min_confidence"], before["parameters"]["cooldown_bars"]) == (0.5, 64)
    assert (before["version"], before["source"], before["stored_parameters"]) == (0, "default", None)
    settings = {"enabled_strategies": ["doji_reversal"], "symbols": ["btcusdt"], "cooldown_bars": 8.0}
    changed = api.post(path, {"parameters": settings, "changed_by": "alice"})
    stored = {"enabled_strategies": ["doji_reversal"], "symbols": ["BTCUSDT"], "cooldown_bars": 8}
    assert changed["data"]["stored_parameters"] == changed["data"]["changed_parameters"] == stored
    api.post(path, {"parameters": {"symbols": None, "min_confidence": 0.7}, "changed_by": "bob"})
    data = api.get(path)["data"]
    assert data["parameters"]["cooldown_bars"] == 8
    assert (data["parameters"]["symbols"], data["parameters"]["min_confidence"]) == (None, 0.7)
    entries = api.get(f"{path}/audit")["data"]
    assert [(entry["version"], entry["changed_by"], entry["strategy_id"]) for entry in entries] == [
        (2, "bob", None),
        (1, "alice", None),
    ]
    back = api.post(f"{path}/rollback", {"version": 1, "changed_by": "carol"})
    assert (back["data"]["version"], back["data"]["stored_parameters"]) == (3, stored)
    same = api.post(path, {"parameters": {"cooldown_bars": 8}, "changed_by": "carol"})
    assert same["metadata"]["action"] == "unchanged"
    assert api.post(f"{path}/rollback", {"version": 9, "changed_by": "x"}, status=404)
    trying = {"parameters": {"min_confidence": 0.9}, "changed_by": "x", "validate_only": True}
    assert api.post(path, trying)["data"]["parameters"]["min_confidence"] == 0.9
    assert api.get(path)["data"]["version"] == 3


def test_what_is_stored_outlives_the_server(tmp_path: Path) -> None:
    with running_api(tmp_path) as server:
        server.change("momentum_pulse/config", rsi_min=45)
        assert server.end() == 0
        server.start()
        assert server.get("/strategies/momentum_pulse/config")["data"]["parameters"]["rsi_min"] == 45.0
