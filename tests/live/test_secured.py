"""A bot and its sidecar that reach everything by TLS, and nothing without it."""

from __future__ import annotations

import shutil
import signal
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest

from operators.times import format_time
from tests.api_server import running_https_api
from tests.certificates import World
from tests.databases import Columns
from tests.http_server import running_http_server
from tests.kit import real_klines_file
from tests.live.market import DAY_MS, START_MS, History, Market, as_event, replay_of
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot, live_bot
from tests.mariadb_server import MariaDB, MySQLDatabase, mysql_database
from tests.mongo_server import MongoDatabase, MongoServer, mongo_database
from tests.nats_accounts import Accounts
from tests.nats_server import NatsServer, peer_of, running_server, wait_until

TOKEN = "w" * 20
MARKET = Market(("SOLUSDT",), days=9)
FROM_MS = START_MS + 5 * DAY_MS


class Place(NamedTuple):
    """Servers that demand TLS, and what those who use them are told."""

    nats: NatsServer
    accounts: Accounts
    mysql: MySQLDatabase
    mongo: MongoDatabase
    settings: dict[str, str]


@pytest.fixture
def place(tmp_path: Path, world: World, tls_mariadb: MariaDB, tls_mongod: MongoServer) -> Iterator[Place]:
    accounts, own = Accounts(), world.client
    tls = f'cert_file: "{world.server.cert}", key_file: "{world.server.key}", ca_file: "{world.authority.ca}"'
    with (
        running_server(tmp_path / "nats", f"tls {{ {tls}, verify: true }}\n{accounts.settings()}") as nats,
        mysql_database(tls_mariadb) as mysql,
        mongo_database(tls_mongod) as mongo,
    ):
        settings = {
            "NATS_URL": nats.url,
            "NATS_CERT_FILE": str(own.cert),
            "NATS_KEY_FILE": str(own.key),
            "NATS_CREDS_FILE": str(accounts.credentials(tmp_path / "bot.creds")),
            "MYSQL_URI": mysql.uri,
            "MONGODB_URI": mongo.uri,
            "MONGODB_DATABASE": mongo.name,
            "MONGODB_CERT_FILE": str(own.both),
            **{f"{name}_CA_FILE": str(tmp_path / "ca.pem") for name in ("NATS", "MYSQL", "MONGODB")},
            "API_ENDPOINT_CA_FILE": str(world.authority.ca),
        }
        yield Place(nats, accounts, mysql, mongo, settings)


def check_secrets(said: str, place: Place) -> None:
    """Nothing that opens something is in a log."""
    creds = Path(place.settings["NATS_CREDS_FILE"]).read_text().splitlines()
    for secret in (place.mysql.password, place.mysql.uri.split("@")[0].split(":")[-1], TOKEN, creds[1], creds[8]):
        assert len(secret) > 10
        assert secret not in said


def distrusted(bot: LiveBot) -> list[str]:
    """What /ready says is away for its certificate."""
    return [name for name, found in bot.readiness().items() if "CERTIFICATE_VERIFY_FAILED" in str(found)]


def test_everything_by_tls(tmp_path: Path, place: Place, world: World) -> None:
    """It does not begin before the right authority is in place, and then gives what it would give without TLS."""
    shutil.copy(world.another.ca, tmp_path / "ca.pem")
    history = History(place.mysql, MARKET.keys, Columns("open_time", "DATETIME", "_price", "DECIMAL(20,8)"))
    history.write(MARKET.bars(to_ms=FROM_MS))
    endpoint = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    endpoint.load_cert_chain(world.server.cert, world.server.key)
    symbols = {"SUPPORTED_SYMBOLS": "SOLUSDT", "SUPPORTED_TIMEFRAMES": "15m,1h", "CONFIG_REFRESH_INTERVAL_SECONDS": "1"}
    context = world.authority.context(world.client)
    with (
        peer_of(place.nats, tls=context, **place.accounts.options()) as peer,
        running_http_server(endpoint) as http,
        live_bot(place.nats.url, tmp_path, **{**place.settings, **symbols, "API_ENDPOINT": http.url}) as bot,
    ):
        bot.start()
        wait_until(lambda: distrusted(bot) == ["nats", "history", "configuration"], "all of them to be refused")
        shutil.copy(world.authority.ca, tmp_path / "ca.pem")
        bot.wait_ready()
        wait_until(lambda: bot.keys() == {"seeded": 2}, "both keys to be seeded")
        outputs = Outputs(peer)
        settings = {**place.settings, "API_TOKENS": f"write:{TOKEN}"}
        with running_https_api(tmp_path / "api", world.server, context, **settings) as api:
            changed = api.change("momentum_pulse/config", token=TOKEN, adx_threshold=12.0)
            assert changed["metadata"]["announced"]
            assert changed["metadata"]["mirrored"]
            check_secrets(api.said(), place)
        data = changed["data"]
        line = {name: data[name] for name in ("strategy_id", "symbol", "version", "source")}
        line |= {"changed_at": format_time(FROM_MS), "new_parameters": data["stored_parameters"]}
        (tmp_path / "changes.jsonl").write_bytes(orjson.dumps(line))
        files = [real_klines_file(*key.split("|")) for key in MARKET.keys]
        period = ("--from", format_time(FROM_MS), "--to", format_time(MARKET.to_ms))
        expected = replay_of(*files, *period, "--changes", tmp_path / "changes.jsonl")
        assert any(b'"source":"mongodb"' in line for line in expected.values()), "the change is in no signal"
        peer.publish(map(as_event, MARKET.bars(FROM_MS)))
        outputs.wait_for(len(expected))
        wait_until(lambda: len(http.posted) >= len(expected), "the endpoint to have them too")
        assert bot.end(signal.SIGTERM) == 0
        outputs.check(expected)
        assert sorted(http.keys()) == sorted(expected)
        bot.check_log()
        check_secrets(bot.said(), place)
