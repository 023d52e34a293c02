"""Bars that become history and bars that arrive on NATS: all of them, in the order of time, when they are due."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from dataflow.local.feeder import Feeder
from dataflow.local.series import Series, moments, recorded_series, split_history, synthetic_series
from dataflow.nats.connection import Connection
from dataflow.nats.publisher import Publisher
from dataflow.nats.streams import KLINES, Streams
from dataflow.stopping import Stop
from state.bar import Bar
from state.errors import StopProgram
from state.klines import KlineStore
from tests.databases import START_MS, some_bars
from tests.e2e.command import made_up_bars, write_bars, write_interleaved
from tests.klines import kline_event
from tests.nats_server import NatsServer, Peer, wait_until

HOUR_MS = 3_600_000
SPANS = {"15m": HOUR_MS // 4, "1h": HOUR_MS}


def close_ms(key: str, bar: Bar) -> int:
    return bar.open_time_ms + SPANS[key.split("|")[1]]


def everything(series: Series) -> dict[str, list[Bar]]:
    return {key: list(bars) for key, bars in series.items()}


def fed(peer: Peer) -> list[tuple[str, Bar]]:
    """The bars in the stream, after a look at what else is in the messages."""
    found = []
    for stored in peer.stored(KLINES):
        event = orjson.loads(stored.data)
        kline = event["k"]
        bar = Bar(kline["t"], *(float(kline[name]) for name in "ohlcv"))
        key = f"{kline['s']}|{kline['i']}"
        expected = kline_event(kline["s"], kline["i"], bar)
        assert expected["k"].items() - {"n": 100}.items() <= kline.items()
        assert (event["e"], event["s"], kline["T"]) == ("kline", kline["s"], close_ms(key, bar) - 1)
        assert stored.subject.endswith(f".{kline['s']}.{kline['i']}")
        found.append((key, bar))
    return found


def in_order_of_closing(bars: dict[str, list[Bar]]) -> list[tuple[str, Bar]]:
    return sorted(
        ((key, bar) for key, of_key in bars.items() for bar in of_key), key=lambda one: (close_ms(*one), one[0])
    )


@pytest.fixture
def publisher(connection: Connection, streams: Streams, stop: Stop) -> Publisher:
    return Publisher(connection, streams, stop)


@pytest.fixture
def history(tmp_path: Path) -> Iterator[KlineStore]:
    store = KlineStore(f"sqlite:///{tmp_path / 'history.sqlite3'}")
    yield store
    store.close()


def test_the_synthetic_market_is_that_of_the_demo() -> None:
    assert everything(synthetic_series(days=3)) == made_up_bars(3)


def test_recorded_files_come_as_one_market(tmp_path: Path) -> None:
    bars = made_up_bars(2)
    write_interleaved(tmp_path / "later.csv", {key: of_key[20:] for key, of_key in bars.items()})
    write_interleaved(tmp_path / "sooner.csv", {key: of_key[:25] for key, of_key in bars.items()})
    assert everything(recorded_series([tmp_path])) == bars


def test_history_ends_at_one_moment_for_all_keys(history: KlineStore) -> None:
    bars = made_up_bars(4)
    split = split_history(synthetic_series(days=4), history, 30)
    assert split.moment_ms == bars["SYNTHAUSDT|1h"][29].open_time_ms + HOUR_MS
    rest = everything(split.rest)
    for key, of_key in bars.items():
        past = [bar for bar in of_key if close_ms(key, bar) <= split.moment_ms]
        assert history.latest(key, 10_000) == past
        assert rest[key] == of_key[len(past) :]
        assert len(past) >= 30
    assert split.history_bars == 3 * (30 + 120)


def test_a_key_with_few_bars_does_not_hold_the_others_up(history: KlineStore) -> None:
    long, short = some_bars(50), some_bars(8, "1h")
    split = split_history({"AAA|15m": iter(long), "BBB|1h": iter(short)}, history, 20)
    assert everything(split.rest) == {"AAA|15m": long[20:], "BBB|1h": short[5:]}
    assert history.latest("BBB|1h", 100) == short[:5]


@pytest.mark.parametrize("count", [0, 19, 20])
def test_nothing_left_to_feed_is_told(history: KlineStore, count: int) -> None:
    with pytest.raises(StopProgram, match="nothing is left to feed"):
        split_history({"AAA|15m": iter(some_bars(count))}, history, 20)


def test_bars_arrive_in_the_order_in_which_they_close(publisher: Publisher, peer: Peer, stop: Stop) -> None:
    bars = made_up_bars(3)
    feeder = Feeder(publisher, stop, math.inf)
    feeder.run(moments(synthetic_series(days=3)))
    assert fed(peer) == in_order_of_closing(bars)
    assert feeder.bars == 3 * 3 * (96 + 24)
    assert feeder.close_ms == START_MS + 72 * HOUR_MS


def test_a_killed_server_loses_doubles_and_reorders_nothing(
    server: NatsServer, publisher: Publisher, peer: Peer, stop: Stop
) -> None:
    feeder = Feeder(publisher, stop, math.inf)
    feeding = threading.Thread(target=feeder.run, args=[moments(synthetic_series(days=6))])
    feeding.start()
    for goal in (100, 600):
        wait_until(lambda goal=goal: feeder.bars >= goal, "bars to be fed")  # type: ignore[misc]
        server.restart()
    feeding.join(60)
    peer.wait_back()
    assert fed(peer) == in_order_of_closing(made_up_bars(6))


def test_what_is_fed_again_is_stored_once(publisher: Publisher, peer: Peer, stop: Stop) -> None:
    bars = some_bars(10)
    for count in (6, 10):
        Feeder(publisher, stop, math.inf).run(moments({"AAA|15m": iter(bars[:count])}))
    assert fed(peer) == [("AAA|15m", bar) for bar in bars]


def test_speed_is_a_multiple_of_real_time(publisher: Publisher, peer: Peer, stop: Stop) -> None:
    speed = 2 * 3600.0  # a quarter of an hour in an eighth of a second
    started_ns = time.time_ns()
    Feeder(publisher, stop, speed).run(moments({"AAA|15m": iter(some_bars(9)), "BBB|1h": iter(some_bars(2, "1h"))}))

    async def stored_at_secs(seq: int) -> float:
        message = await peer.client.jetstream().get_msg(KLINES, seq)
        assert message.time is not None
        return message.time.timestamp() - started_ns / 1e9

    at_secs = {place: peer.run(stored_at_secs(seq)) for seq, place in enumerate(fed(peer), 1)}
    for (key, bar), secs in at_secs.items():
        due_secs = (close_ms(key, bar) - START_MS - HOUR_MS // 4) / 1000 / speed
        assert due_secs - 0.01 <= secs < due_secs + 60.0  # it would take two hours at the market's own speed


def test_a_request_to_stop_ends_a_long_wait(publisher: Publisher, peer: Peer, stop: Stop) -> None:
    feeder = Feeder(publisher, stop, 1.0)  # the second bar is due in a quarter of an hour
    feeding = threading.Thread(target=feeder.run, args=[moments({"AAA|15m": iter(some_bars(3))})])
    feeding.start()
    wait_until(lambda: feeder.bars == 1, "the first bar")
    stop.request()
    feeding.join(5)
    assert not feeding.is_alive()
    assert fed(peer) == [("AAA|15m", some_bars(1)[0])]


def test_a_request_to_stop_ends_it_while_nats_is_away(
    server: NatsServer, connection: Connection, publisher: Publisher, stop: Stop
) -> None:
    feeder = Feeder(publisher, stop, math.inf)
    feeding = threading.Thread(target=feeder.run, args=[moments(synthetic_series(days=3000))])
    feeding.start()
    wait_until(lambda: feeder.bars > 50, "some bars")
    server.kill()
    wait_until(lambda: not connection.connected, "the end of the connection")
    stop.request()
    feeding.join(30)
    assert not feeding.is_alive()


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_a_speed_that_is_none_is_told(publisher: Publisher, stop: Stop, speed: float) -> None:
    with pytest.raises(StopProgram, match="speed: expected a number above 0"):
        Feeder(publisher, stop, speed)


def test_a_single_file_of_a_symbol_is_a_market(tmp_path: Path) -> None:
    bars = some_bars(5)
    path = write_bars(tmp_path / "klines.csv", bars)
    assert everything(recorded_series([path], symbol="aaa", timeframe="15m")) == {"AAA|15m": bars}
