"""The bot and its sidecar tell within 10 s which server is away, though nobody uses it, and count what happens."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from operators.times import parse_time_ms
from strategies.registry import STRATEGIES
from tests.api_server import ApiServer, running_api
from tests.http_server import HttpServer, running_http_server
from tests.live.conftest import MakeBot
from tests.live.market import DAY_MS, START_MS, History, Market, as_event
from tests.live.outputs import Outputs
from tests.live_bot import LiveBot
from tests.mariadb_server import MariaDB, MySQLDatabase
from tests.mongo_server import MongoDatabase, MongoServer
from tests.nats_server import NatsServer, Peer, wait_until

TOLD_SECS = 10.0

MARKET = Market(("BTCUSDT",), ("15m",), days=12)
FROM_MS = START_MS + 8 * DAY_MS

Told = Callable[[], object]
"""Whether something is told to be away."""


@contextmanager
def told(*all_told: Told) -> Iterator[None]:
    """What happens in here to a server is told by all in time; what is after it, that it is back."""
    assert not any(each() for each in all_told)
    yield
    wait_until(lambda: all(each() for each in all_told), "it to be told that a server is away", TOLD_SECS)


def wait_back(*all_told: Told) -> None:
    wait_until(lambda: not any(each() for each in all_told), "it to be told that a server is back", TOLD_SECS)


def by_bot(bot: LiveBot, part: str) -> Told:
    """What the bot says of a part."""
    return lambda: bot.health()[part]["trouble"]


def by_api(api: ApiServer, *path: str) -> Told:
    """What the sidecar says somewhere in its health."""

    def trouble() -> object:
        found = api.client.get("/health").json()
        for name in path:
            found = found[name]
        return found

    return trouble


def check_secrets(text: str) -> None:
    assert MySQLDatabase.password not in text
    assert "s3cr3t" not in text


def check_counts(bot: LiveBot, outputs: Outputs, peer: Peer) -> None:
    """What the bot has counted is what a replay says, and what came out."""
    bars, expected = MARKET.bars(FROM_MS), MARKET.signals(FROM_MS)
    peer.publish([*map(as_event, bars), as_event(bars[0]), ("ta.klines.BTCUSDT.15m", b"{")])
    outputs.wait_for(len(expected))
    bot.wait_counted("ta_bars_total", len(bars))
    bot.wait_counted("ta_dead_letters_total", 1)
    signals = [orjson.loads(line) for line in expected.values()]
    wanted = Counter((each["strategy_id"], each["action"]) for each in signals)
    found: Counter[tuple[str, str]] = Counter()
    for labels, value in bot.series("ta_signals_total"):
        assert (labels["symbol"], labels["timeframe"]) == ("BTCUSDT", "15m")
        found[labels["strategy"], labels["action"]] += int(value)
    assert found == wanted
    # None of these bars is of today.
    assert bot.counted("ta_signals_overdue_total") == len(signals)
    assert bot.counted("ta_signal_latency_seconds_count") == 0
    # On the last bar that warms a key up, strategies are asked as well: what held there does not begin after it.
    asked = {labels["strategy"]: value for labels, value in bot.series("ta_strategy_evaluations_total")}
    assert asked == dict.fromkeys(STRATEGIES, len(bars) + 1)
    held = {labels["strategy"]: value for labels, value in bot.series("ta_setups_total")}
    assert all(held[strategy] >= count for (strategy, _), count in wanted.items())
    assert bot.counted("ta_bars_dropped_total") == 1
    assert bot.counted("ta_seeding_seconds_count") == len(MARKET.keys)
    assert bot.counted("ta_snapshot_seconds_count") >= 1
    assert bot.counted("ta_snapshot_bytes") > 0
    assert 0 <= bot.counted("ta_recovery_age_seconds") < 60


def check_bars(bot: LiveBot) -> None:
    """What the bot says of its newest bar."""
    newest = MARKET.bars()[-1]
    group = bot.health()["bars"]["groups"]["15m"]
    assert group["states"] == {"starting": 0, "seeded": 1, "cold": 0}
    assert parse_time_ms(group["last_bar_closed"]) == newest.close_ms
    assert group["lag_secs"] // 900 == group["overdue_bars"] > 0
    assert group["overdue_keys"] == 1
    assert "15m: the next bar has been due for" in bot.health()["bars"]["trouble"]
    assert bot.counted("ta_last_bar_timestamp_seconds") == newest.close_ms / 1000


def check_propagation(bot: LiveBot, api: ApiServer) -> None:
    """A change is seen by its version, and how long it took."""
    for version in (1, 2):
        api.change("momentum_pulse/config", rsi_min=44 + version)
        wait_until(lambda: bot.health()["configuration"]["versions"].get("momentum_pulse") == version, "the change")  # noqa: B023
    assert [labels for labels, value in bot.series("ta_config_version") if value == 2] == [
        {"strategy": "momentum_pulse"}
    ]
    assert bot.counted("ta_config_propagation_seconds_count") == 2
    assert api.counted("ta_api_requests_total", route="/api/v1/strategies/{strategy_id}/config", status="200") == 2


def check_outages(
    bot: LiveBot, api: ApiServer, nats: NatsServer, mongod: MongoServer, mariadb: MariaDB, http: HttpServer
) -> None:
    """Each server is really stopped, and comes back."""
    mongo = by_bot(bot, "mongodb"), by_api(api, "stores", "mongodb")
    with mongod.frozen(), told(*mongo):
        pass
    wait_back(*mongo)
    with told(*mongo):
        mongod.kill()
    mysql = by_bot(bot, "mysql"), by_bot(bot, "history"), by_api(api, "stores", "mysql"), by_api(api, "history")
    with told(*mysql):
        mariadb.kill()
    assert (bot.health()["status"], api.client.get("/health").json()["status"]) == ("degraded", "unhealthy")
    check_secrets(f"{bot.health()}{api.client.get('/health').text}")
    assert {labels["store"] for labels, value in bot.series("ta_store_up") if not value} == {
        "history",
        "mongodb",
        "mysql",
    }
    mongod.start()
    mariadb.start()
    wait_back(*mongo, *mysql)
    rest = by_bot(bot, "rest")
    with told(rest):
        http.stop()
    http.start()
    wait_back(rest)
    both = by_bot(bot, "nats"), by_api(api, "announcer", "trouble"), lambda: not bot.counted("ta_nats_up")
    with told(*both):
        nats.freeze()
    nats.thaw()
    wait_back(*both)
    with told(*both):
        nats.kill()
    assert bot.health()["status"] == "unhealthy"
    assert bot.live()
    nats.start()
    wait_back(*both)
    bot.wait_ready()
    assert api.client.get("/health").json()["status"] == "healthy"


def test_the_truth_is_told(  # one start for all of it
    make_bot: MakeBot,
    server: NatsServer,
    peer: Peer,
    outputs: Outputs,
    mongo: MongoDatabase,
    mysql: MySQLDatabase,
    tmp_path: Path,
) -> None:
    stores = {"MONGODB_URI": mongo.uri, "MONGODB_DATABASE": mongo.name, "MYSQL_URI": mysql.uri}
    history = History(mysql, MARKET.keys)
    history.write(MARKET.bars(to_ms=FROM_MS))
    more: dict[str, Any] = {"SUPPORTED_SYMBOLS": "BTCUSDT", "SUPPORTED_TIMEFRAMES": "15m", "WARM_UP_BARS": "100000"}
    with running_http_server() as http, running_api(tmp_path / "api", NATS_URL=server.url, **stores) as api:
        bot = make_bot(**stores, **more, API_ENDPOINT=f"{http.url}?token=s3cr3t", CONFIG_REFRESH_INTERVAL_SECONDS="600")
        bot.start()
        bot.wait_ready()
        check_counts(bot, outputs, peer)
        check_bars(bot)
        check_propagation(bot, api)
        check_outages(bot, api, server, mongo.server, mysql.server, http)
        assert bot.end(signal.SIGTERM) == 0
