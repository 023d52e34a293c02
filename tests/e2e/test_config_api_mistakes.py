"""Everything that can be wrong with a change, and how it is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api_server import ApiServer, findings, roll_back, running_api
from tests.oracle.defaults import DEFAULTS


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api(tmp_path_factory.mktemp("api")) as server:
        yield server


def test_everything_that_is_wrong_is_told(api: ApiServer) -> None:
    found = findings(
        api.change(
            "rsi_extreme_reversal/config", status=422, rsi_period=1.5, stop_loss_atr=1e9, sign="lion", ema_fast=5
        )
    )
    assert found["stop_loss_atr"]["got"] == 1e9
    assert found["stop_loss_atr"]["expected"] == "a number from 0.1 to 20.0"
    assert found["rsi_period"]["expected"].startswith("a whole number from ")
    assert "stop_loss_atr" in found["sign"]["expected"]
    assert found["sign"]["got"] == "lion"
    for value in ("5", True, None, [5], {"a": 1}):
        assert "rsi_period" in findings(api.change("rsi_extreme_reversal/config", status=422, rsi_period=value))
    assert api.get("/strategies/rsi_extreme_reversal/audit")["data"] == []


def test_values_that_contradict_each_other_are_told(api: ApiServer) -> None:
    api.change("ema_pullback_continuation/config/BTCUSDT", ema_signal=19)
    [found] = findings(api.change("ema_pullback_continuation/config/BTCUSDT", status=422, ema_period=19)).values()
    assert (found["expected"], found["symbol"]) == ("ema_signal < ema_period < ema_trend", None)
    assert (found["got"]["ema_signal"], found["got"]["ema_period"]) == (19, 19)


def test_a_change_for_all_symbols_goes_with_every_symbols_own_values(api: ApiServer) -> None:
    api.change("inside_bar_sell/config", ema_fast=10, ema_slow=40)
    api.change("inside_bar_sell/config/BTCUSDT", ema_fast=39)
    [found] = findings(api.change("inside_bar_sell/config", status=422, ema_slow=30)).values()
    assert found["symbol"] == "BTCUSDT"
    assert "BTCUSDT" in found["message"]
    api.change("inside_bar_sell/config", ema_slow=100)
    api.change("inside_bar_sell/config/BTCUSDT", ema_fast=90)
    assert DEFAULTS["inside_bar_sell"]["ema_slow"] < 90
    assert next(iter(findings(api.delete("inside_bar_sell/config", status=422)).values()))["symbol"] == "BTCUSDT"
    refused = roll_back(api, "inside_bar_sell", 1, status=422)
    assert next(iter(findings(refused).values()))["symbol"] == "BTCUSDT"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enabled_strategies", ["astrology"]),
        ("symbols", []),
        ("symbols", ["B/T"]),
        ("timeframes", ["7m"]),
        ("min_confidence", 1.1),
        ("cooldown_bars", -1),
        ("sign", "lion"),
    ],
)
def test_settings_that_are_not_possible_are_told(api: ApiServer, name: str, value: object) -> None:
    body = {"parameters": {name: value}, "changed_by": "tester"}
    found = findings(api.post("/config/application", body, status=422))
    assert found[name]["got"] == value
    assert found[name]["expected"]


MISSHAPEN: dict[str, tuple[str, Any]] = {
    "no parameters": ("parameters", {"changed_by": "x"}),
    "parameters are a list": ("parameters", {"parameters": [], "changed_by": "x"}),
    "nobody": ("changed_by", {"parameters": {}}),
    "nobody's name": ("changed_by", {"parameters": {}, "changed_by": ""}),
    "a name with a line break": ("changed_by", {"parameters": {}, "changed_by": "a\nb"}),
    "an endless name": ("changed_by", {"parameters": {}, "changed_by": "x" * 101}),
    "an endless reason": ("reason", {"parameters": {}, "changed_by": "x", "reason": "x" * 501}),
    "a version below 0": ("expected_version", {"parameters": {}, "changed_by": "x", "expected_version": -1}),
    "a version in words": ("expected_version", {"parameters": {}, "changed_by": "x", "expected_version": "1"}),
    "a field too much": ("colour", {"parameters": {}, "changed_by": "x", "colour": "red"}),
    "no object": ("body", [1]),
}


@pytest.mark.parametrize("case", MISSHAPEN)
def test_a_body_of_another_shape_is_told(api: ApiServer, case: str) -> None:
    name, body = MISSHAPEN[case]
    assert name in findings(api.post("/strategies/fox_trap_reversal/config", body, status=422))


@pytest.mark.parametrize("path", ["config", "config/BTCUSDT", "schema", "defaults", "audit"])
def test_a_strategy_that_there_is_not_is_told(api: ApiServer, path: str) -> None:
    assert api.get(f"/strategies/astrology/{path}", status=404)["error"]["code"] == "unknown_strategy"


@pytest.mark.parametrize("symbol", ["B-T", "x" * 41, "%20", "ß"])
def test_a_symbol_that_is_none_is_told(api: ApiServer, symbol: str) -> None:
    assert "symbol" in findings(api.get(f"/strategies/doji_reversal/config/{symbol}", status=422))
