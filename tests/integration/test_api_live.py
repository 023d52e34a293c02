"""What the sidecar tells of the running market: real NATS, real history, the sidecar in a process of its own."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from dataflow.api.serving import GRACE_SECS
from operators.times import format_time
from state.bar import Bar
from tests.api_server import ApiServer, running_api
from tests.databases import SQLiteFile, fill, some_bars
from tests.live.market import KeyedBar, as_batch, as_event, as_notice
from tests.nats_server import Peer, peer_of, running_server, wait_until
from tests.server_sent import listening

TOKEN = "r" * 20
BARS = some_bars(60)
STORED, ARRIVING = BARS[:40], BARS[30:]  # some are in both


def signal(number: int = 0, **fields: Any) -> dict[str, Any]:
    """A signal as the bot publishes it."""
    bar = BARS[number % len(BARS)]
    key = {"symbol": "BTCUSDT", "timeframe": "15m", "strategy_id": "doji_reversal", "action": "buy", **fields}
    name = "-".join(map(str, (key["symbol"], key["timeframe"], bar.open_time_ms, number, key["action"])))
    config = {"version": 3, "parameters": {"trend_period": 20.0}, "source": "sqlite", "is_override": False}
    return {
        "signal_id": name,
        "strategy": key["strategy_id"],
        "source": "ta_bot",
        "confidence": 0.7,
        "strength": "strong",
        "price": 100.5,
        "current_price": 100.5,
        "quantity": 0.001,
        "stop_loss": 99.0,
        "take_profit": 103.0,
        "timestamp": format_time(bar.open_time_ms + 900_000),
        "indicators": {"atr": 1.5},
        "metadata": {
            "bar_open_time": format_time(bar.open_time_ms),
            "risk_reward_ratio": 1.6,
            "strategy_config": config,
        },
        **key,
    }


def published(*signals: dict[str, Any]) -> list[tuple[str, bytes]]:
    streams = {"hold": "alerts"}
    return [
        (f"ta.{streams.get(one['action'], 'signals')}.{one['symbol']}.{one['timeframe']}", orjson.dumps(one))
        for one in signals
    ]


@dataclass(frozen=True)
class World:
    """The sidecar, and another program on its NATS."""

    api: ApiServer
    peer: Peer

    @property
    def events(self) -> str:
        return f"{self.api.url}/api/v1/events"

    def signals(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("/signals", params=query)["data"]
        return found

    def watchers(self) -> int:
        return int(self.api.get("/status")["data"]["watchers"])

    def wait_heard(self, *signals: dict[str, Any]) -> None:
        ids = {one["signal_id"] for one in signals}
        wait_until(lambda: ids <= {one["signal_id"] for one in self.signals(limit=1000)}, "the signals to be heard")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Streams that hold something already when the sidecar starts, as those of a bot that has run."""
    folder = tmp_path_factory.mktemp("live")
    database = SQLiteFile(folder / "history.sqlite3")
    fill(database, "own", STORED)
    with running_server(folder / "nats") as server, peer_of(server) as peer:
        peer.add_stream("KLINES", "binance.websocket.data", "binance.extraction.>", "ta.klines.>")
        peer.add_stream("SIGNALS", "ta.signals.*.*", "ta.fence.signals.*")
        peer.add_stream("ALERTS", "ta.alerts.*.*", "ta.fence.alerts.*")
        peer.add_stream("CONFIG", "ta.config.>")
        peer.publish([as_event(KeyedBar("BTCUSDT|15m", bar)) for bar in ARRIVING[:20]])
        peer.publish([("ta.fence.signals.main", b"{}"), *published(signal(1), signal(2, action="hold"))])
        with running_api(folder / "api", NATS_URL=server.url, MYSQL_URI=database.uri) as api:
            world = World(api, peer)
            wait_until(lambda: all(api.get("/status")["data"]["hearing"].values()), "it to hear everything")
            yield world


def as_kline(bar: Bar) -> dict[str, Any]:
    return {"open_time": format_time(bar.open_time_ms), **bar._asdict()}


def test_bars_are_those_of_the_history_and_those_that_arrive(world: World) -> None:
    def found(path: str = "BTCUSDT/15m", **query: int) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = world.api.get(f"/klines/{path}", params=query)["data"]
        return data

    wait_until(lambda: len(found()) == 50, "what arrived before")
    world.peer.publish([as_batch(*(KeyedBar("BTCUSDT|15m", bar) for bar in ARRIVING[15:]))])
    wait_until(lambda: len(found()) == 60, "what arrives now")
    assert found() == [as_kline(bar) for bar in BARS]
    assert found("btcusdt/15m", limit=3) == [as_kline(bar) for bar in BARS[-3:]]
    assert {"symbol": "BTCUSDT", "timeframe": "15m"} in world.api.get("/klines")["data"]
    assert found("NONESUCH/1h") == []
    lag = next(one for one in world.api.get("/status")["data"]["lags"] if one["timeframe"] == "15m")
    assert lag["newest_close"] == format_time(BARS[-1].open_time_ms + 900_000)
    age_secs = time.time() - BARS[-1].open_time_ms / 1000 - 900
    assert lag["age_secs"] == pytest.approx(age_secs, abs=60)
    assert (lag["late"], lag["behind"]) == (False, [])


@pytest.mark.parametrize(
    "path",
    ["BTC-USDT/15m", "BTCUSDT/7m", "BTCUSDT/15m?limit=0", "BTCUSDT/15m?limit=2001", "BTCUSDT/15m?x=1", "x'--/15m"],
)
def test_bars_of_what_cannot_be_are_refused(world: World, path: str) -> None:
    assert world.api.get(f"/klines/{path}", status=422)["error"]["code"] == "invalid"


def test_a_notice_brings_the_bars_that_it_is_about(world: World) -> None:
    with listening(world.events) as listener:
        listener.wait_for("hello")
        world.peer.publish([as_notice("BTCUSDT"), as_event(KeyedBar("NOTICEUSDT|1h", BARS[0]))])
        listener.wait_for("bar")
        kline = as_kline(BARS[0]) | {"symbol": "NOTICEUSDT", "timeframe": "1h"}
        wait_until(lambda: kline in [event.content for event in listener.of("bar")], "the bar")


def test_signals_are_told_the_newest_first_and_by_what_they_are_of(world: World) -> None:
    some = [
        signal(10, symbol="AUSDT"),
        signal(11, symbol="AUSDT", timeframe="1h", strategy_id="momentum_pulse"),
        signal(12, symbol="AUSDT", action="hold"),
    ]
    garbage = [b"", b"{", b"[]", b'{"signal_id": "x"}', orjson.dumps(signal(13) | {"symbol": "<b>"}), b"x" * 20_000]
    world.peer.publish([("ta.signals.AUSDT.15m", one) for one in garbage])
    world.peer.publish([("ta.fence.signals.main", orjson.dumps(signal(14)))])
    world.peer.publish(published(*some, some[0]))
    world.wait_heard(*some, signal(1), signal(2, action="hold"))
    assert world.signals(symbol="AUSDT") == some[::-1]
    assert world.signals(symbol="ausdt", timeframe="1h") == [some[1]]
    assert world.signals(symbol="AUSDT", strategy="doji_reversal", limit=1) == [some[2]]
    ids = {one["signal_id"] for one in world.signals(limit=1000)}
    assert not ids & {signal(13)["signal_id"], signal(14)["signal_id"]}
    assert world.api.get("/signals?strategy=none", status=404)["error"]["code"] == "unknown_strategy"
    for query in ("limit=0", "limit=1001", "timeframe=7m", "symbol=a-b", "action=buy"):
        assert world.api.get(f"/signals?{query}", status=422)["error"]["code"] == "invalid", query


def test_what_is_away_is_a_sentence(world: World) -> None:
    status = world.api.get("/status")["data"]
    assert status["sidecar"]["announcer"]["connected"] is True
    assert status["hearing"] == {"signals": True, "klines": True, "changes": True}
    assert (status["flow"]["reachable"], status["flow"]["ready"]) == (False, None)
    assert status["flow"]["trouble"] == "The bot at http://127.0.0.1:8081 does not answer."


def test_who_comes_again_gets_what_was_missed_once(world: World) -> None:
    one, two, three = signal(20), signal(21), signal(22, action="sell")
    with listening(world.events) as listener:
        assert listener.wait_for("hello")[0].content == {"missed": False}
        assert listener.wait_for("health")[0].content["hearing"] == world.api.get("/status")["data"]["hearing"]
        world.peer.publish(published(one))
        heard = listener.wait_for("signal")
    assert heard[0].content == one
    world.peer.publish(published(two))
    world.wait_heard(two)
    with listening(world.events, heard[0].id) as listener:
        world.peer.publish(published(three))
        again = listener.wait_for("signal", 2)
        assert listener.of("hello")[0].content == {"missed": False}
    assert [event.content for event in again] == [two, three]
    assert len({event.id for event in (*heard, *again)}) == 3


@pytest.mark.parametrize("last_id", ["0000-1", "x", "-", "1" * 50])
def test_who_comes_from_elsewhere_is_told_to_read_anew(world: World, last_id: str) -> None:
    with listening(world.events, last_id) as listener:
        assert listener.wait_for("hello")[0].content == {"missed": True}


def test_a_change_is_told_whoever_made_it(world: World) -> None:
    with listening(world.events) as listener:
        listener.wait_for("hello")
        version = world.api.change("momentum_pulse/config/BTCUSDT", rsi_min=45.5)["data"]["version"]
        told = listener.wait_for("config")[0].content
    assert {name: told[name] for name in ("strategy_id", "symbol", "version")} == {
        "strategy_id": "momentum_pulse",
        "symbol": "BTCUSDT",
        "version": version,
    }


def test_a_dry_run_takes_bars_that_have_only_arrived(world: World) -> None:
    bars = some_bars(300, "5m", 500.0)
    world.peer.publish([as_batch(*(KeyedBar("NEWUSDT|5m", bar) for bar in bars))])
    wait_until(lambda: len(world.api.get("/klines/NEWUSDT/5m")["data"]) == 300, "the bars")
    trial = {"strategy_id": "doji_reversal", "parameters": {"trend_period": 30}, "symbol": "NEWUSDT", "timeframe": "5m"}
    run = world.api.post("/config/validate", {**trial, "bars": 100})["data"]["dry_run"]
    assert (run["bars"], run["warm_up_bars"]) == (100, 200)
    assert run["last_open_time"] == format_time(bars[-1].open_time_ms)


def test_who_does_not_read_is_let_go_and_holds_nobody_up(world: World) -> None:
    wait_until(lambda: world.watchers() == 0, "others to leave")
    bars = some_bars(30_000, "1m")
    with socket.socket() as slow, listening(world.events) as quick:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", world.api.port))
        slow.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{world.api.port}\r\n\r\n".encode())
        wait_until(lambda: world.watchers() == 2, "both to watch")
        for start in range(0, len(bars), 1000):
            world.peer.publish([as_batch(*(KeyedBar("MANYUSDT|1m", bar) for bar in bars[start : start + 1000]))])
            quick.wait_for("bar", start + 1000)
        assert [event.content["open_time_ms"] for event in quick.of("bar")] == [bar.open_time_ms for bar in bars]
        wait_until(lambda: world.watchers() == 1, "the slow one to be let go")


def test_without_a_token_nothing_is_told(tmp_path: Path) -> None:
    with running_api(tmp_path, API_TOKENS=f"read:{TOKEN}") as api:
        for path in ("klines", "klines/BTCUSDT/15m", "signals", "status", "events"):
            assert api.client.get(f"/api/v1/{path}").status_code == 401, path
        with listening(f"{api.url}/api/v1/events", token=TOKEN) as listener:
            listener.wait_for("hello")
            health = listener.wait_for("health")[0].content
        assert health["hearing"] == {"signals": False, "klines": False, "changes": False}
        assert api.get("/signals", token=TOKEN)["metadata"]["note"] == "signals are not heard at the moment"


def test_streams_end_with_the_program_and_do_not_hold_it_up(tmp_path: Path) -> None:
    """An orchestrator kills what takes longer."""
    with running_api(tmp_path) as api, ExitStack() as streams:
        listeners = [streams.enter_context(listening(f"{api.url}/api/v1/events")) for _ in range(5)]
        for listener in listeners:
            listener.wait_for("hello")
        began_secs = time.monotonic()
        assert api.end() == 0
        assert time.monotonic() - began_secs < GRACE_SECS
        assert all(listener.ended.wait(10) for listener in listeners)
        assert "ancel" not in api.said()


def test_so_many_watch_and_no_more(world: World) -> None:
    ask = f"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:{world.api.port}\r\n\r\n".encode()
    sockets = [socket.create_connection(("127.0.0.1", world.api.port)) for _ in range(64)]
    try:
        for one in sockets:
            one.sendall(ask)
        wait_until(lambda: world.watchers() == 64, "64 to watch")
        refused = httpx.get(world.events, trust_env=False)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_streams")
    finally:
        for one in sockets:
            one.close()
    wait_until(lambda: world.watchers() == 0, "all to leave")
