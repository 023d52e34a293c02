"""The API on MongoDB, MariaDB and NATS: where changes go, who is told, and what is served while one of them is away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from operators.announcements import announced
from state.configs.records import APPLICATION, Scope
from tests.api_server import ApiServer, running_api
from tests.mariadb_server import MySQLDatabase
from tests.mongo_server import MongoDatabase
from tests.nats_server import NatsServer, Peer, wait_until
from tests.oracle.defaults import DEFAULTS

PATH = "momentum_pulse/config"


@pytest.fixture
def api(tmp_path: Path, mongo: MongoDatabase, mysql: MySQLDatabase, server: NatsServer) -> Iterator[ApiServer]:
    settings = {
        "MONGODB_URI": mongo.uri,
        "MONGODB_DATABASE": mongo.name,
        "MYSQL_URI": mysql.uri,
        "NATS_URL": server.url,
        "CONFIG_CACHE_TTL_SECONDS": "0",
    }
    with running_api(tmp_path / "api", **settings) as running:
        wait_until(lambda: running.client.get("/health").json()["announcer"]["connected"], "NATS to be connected")
        yield running
    said = running.said()
    assert mysql.password not in said
    assert "%40" not in said


def test_a_change_goes_to_both_stores_and_to_every_bot(
    api: ApiServer, mongo: MongoDatabase, mysql: MySQLDatabase, peer: Peer
) -> None:
    api.change(PATH, rsi_min=45)
    api.change(f"{PATH}/BTCUSDT", by="bob", rsi_min=46)
    changed = api.delete(f"{PATH}/BTCUSDT", by="carol", reason="no use")
    assert changed["metadata"] == {
        "action": "deleted",
        "changes_applied": True,
        "mirrored": True,
        "announced": True,
        "note": None,
    }
    api.post("/config/application", {"parameters": {"symbols": ["BTCUSDT"]}, "changed_by": "dave"})
    values = {**DEFAULTS["momentum_pulse"], "rsi_min": 45.0}
    document = mongo.behind["strategy_configs_global"].find_one({"strategy_id": "momentum_pulse"})
    assert document is not None
    assert (document["parameters"], document["version"], document["created_by"]) == (values, 1, "tester")
    [(parameters, version)] = mysql.execute(
        "SELECT parameters, version FROM strategy_configs_global WHERE strategy_id = 'momentum_pulse'"
    )
    assert (orjson.loads(parameters), version) == (values, 1)
    stored = peer.stored("CONFIG")
    assert peer.streams() == ["CONFIG"], "klines are none of its business"
    assert [message.subject for message in stored] == [
        "ta.config.strategies.momentum_pulse",
        "ta.config.strategies.momentum_pulse.BTCUSDT",
        "ta.config.strategies.momentum_pulse.BTCUSDT",
        "ta.config.application",
    ]
    records = [announced(message.data) for message in stored]
    assert [(record.scope, record.version, record.source) for record in records] == [
        (Scope("momentum_pulse"), 1, "mongodb"),
        (Scope("momentum_pulse", "BTCUSDT"), 1, "mongodb"),
        (Scope("momentum_pulse", "BTCUSDT"), 2, "mongodb"),
        (APPLICATION, 1, "mongodb"),
    ]
    assert [record.parameters for record in records] == [values, {"rsi_min": 46.0}, None, {"symbols": ["BTCUSDT"]}]
    message = orjson.loads(stored[2].data)
    assert (message["changed_by"], message["reason"], message["created_by"]) == ("carol", "no use", "bob")
    assert api.client.get("/health").json()["status"] == "healthy"


def test_while_the_primary_is_away_the_fallback_is_read(api: ApiServer, mongo: MongoDatabase) -> None:
    """And changes wait: another sidecar may still reach the primary."""
    api.change(PATH, rsi_min=45)
    with mongo.server.down():
        data = api.get(f"/strategies/{PATH}")["data"]
        assert (data["parameters"]["rsi_min"], data["source"], data["version"]) == (45.0, "mysql", 1)
        assert len(api.get("/strategies/momentum_pulse/audit")["data"]) == 1
        refused = api.change(PATH, status=503, rsi_min=46)
        assert refused["error"]["code"] == "store_unavailable"
        health = api.client.get("/health").json()
        assert health["status"] == "degraded"
        assert health["stores"]["mysql"] is None
        assert health["stores"]["mongodb"]
        assert api.client.get("/ready").status_code == 200
    wait_until(lambda: api.client.get("/health").json()["stores"]["mongodb"] is None, "MongoDB to be back")
    assert api.change(PATH, rsi_min=46)["data"]["source"] == "mongodb"


def test_without_the_fallback_changes_are_made_and_history_is_away(api: ApiServer, mysql: MySQLDatabase) -> None:
    with mysql.server.down():
        changed = api.change(PATH, rsi_min=45)
        assert (changed["metadata"]["mirrored"], changed["data"]["source"]) == (False, "mongodb")
        trial = {"strategy_id": "momentum_pulse", "parameters": {"rsi_min": 46}, "symbol": "BTCUSDT"}
        assert api.post("/config/validate", trial, status=503)["error"]["code"] == "history_unavailable"


def test_with_all_stores_away_the_last_known_holds(api: ApiServer, mongo: MongoDatabase, mysql: MySQLDatabase) -> None:
    api.change(PATH, rsi_min=45)
    with mongo.server.down(), mysql.server.down():
        assert api.get(f"/strategies/{PATH}")["data"]["parameters"]["rsi_min"] == 45.0
        for method, path in (("POST", f"/strategies/{PATH}"), ("POST", "/config/application")):
            body = {"parameters": {}, "changed_by": "tester"}
            assert api.ask(method, path, status=503, json=body)["error"]["code"] == "store_unavailable"
        assert api.get("/strategies/momentum_pulse/audit", status=503)["error"]["code"] == "store_unavailable"
        assert api.client.get("/health").json()["status"] == "unhealthy"


def test_it_starts_and_serves_with_everything_away(tmp_path: Path) -> None:
    settings = {"MONGODB_URI": "mongodb://u:s3cr3t@127.0.0.1:1", "MYSQL_URI": "mysql://u:s3cr3t@127.0.0.1:1/d"}
    with running_api(tmp_path / "api", **settings) as api:
        content = api.get(f"/strategies/{PATH}")
        assert content["data"]["parameters"] == DEFAULTS["momentum_pulse"]
        assert (content["data"]["version"], content["data"]["source"]) == (0, "default")
        assert "no store" in content["metadata"]["note"]
        assert api.get("/strategies")["metadata"]["note"]
        assert api.get("/config/application")["data"]["source"] == "default"
        assert api.change(PATH, status=503, rsi_min=45)["error"]["code"] == "store_unavailable"
        assert api.client.get("/ready").status_code == 503
        assert api.client.get("/live").status_code == 200
    assert "s3cr3t" not in api.said()


def test_a_change_does_not_wait_for_nats(api: ApiServer, server: NatsServer, peer: Peer) -> None:
    """Whether it is gone, or says nothing."""
    api.change(PATH, rsi_min=45)
    server.freeze()
    assert api.change(PATH, rsi_min=46)["metadata"]["announced"] is False
    server.thaw()
    server.kill()
    assert api.change(PATH, rsi_min=47)["metadata"]["announced"] is False
    server.start()
    wait_until(lambda: api.client.get("/health").json()["announcer"]["connected"], "NATS to be back")
    assert api.change(PATH, rsi_min=48)["metadata"]["announced"] is True
    peer.wait_back()
    assert announced(peer.stored("CONFIG")[-1].data).version == 4


def test_two_sidecars_see_each_others_changes(api: ApiServer, tmp_path: Path) -> None:
    settings = {name: api.environment[name] for name in ("MONGODB_URI", "MONGODB_DATABASE", "MYSQL_URI", "NATS_URL")}
    with running_api(tmp_path / "other", **settings) as other:
        assert other.get(f"/strategies/{PATH}")["data"]["version"] == 1  # and so read, for a minute
        api.change(PATH, rsi_min=45)
        assert other.change(PATH, rsi_max=70)["data"]["changed_parameters"] == {"rsi_min": 45.0, "rsi_max": 70.0}
        api.change(PATH, rsi_min=44)
        assert other.get(f"/strategies/{PATH}")["data"]["version"] == 3
        other.ask("POST", "/strategies/cache/refresh")
        assert other.get(f"/strategies/{PATH}")["data"]["version"] == 4


def test_with_permission_the_fallback_takes_changes(api: ApiServer, mongo: MongoDatabase, tmp_path: Path) -> None:
    names = ("MONGODB_URI", "MONGODB_DATABASE", "MYSQL_URI", "NATS_URL")
    settings = {name: api.environment[name] for name in names}
    with running_api(tmp_path / "other", CONFIG_FALLBACK_WRITES="true", **settings) as other:
        other.change(PATH, rsi_min=45)
        with mongo.server.down():
            changed = other.change(PATH, rsi_min=46)
            assert (changed["data"]["version"], changed["data"]["source"]) == (2, "mysql")
            assert other.get(f"/strategies/{PATH}")["data"]["parameters"]["rsi_min"] == 46.0
