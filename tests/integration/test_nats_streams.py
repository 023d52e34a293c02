"""The streams against a real server: made where they are missing, left alone where they are somebody's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from nats.js import api

from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.streams import (
    ALERTS,
    CONFIG,
    DEAD_LETTERS,
    DEFAULT_SUBJECTS,
    KLINES,
    LATE,
    SIGNALS,
    Captured,
    Streams,
    StreamSettings,
)
from state.errors import StopProgram
from tests.nats_server import NatsServer, Peer, wait_until

ALL = sorted([KLINES, SIGNALS, ALERTS, LATE, DEAD_LETTERS, CONFIG])
HOUR_SECS = 3600


def captured(streams: Streams) -> tuple[Captured, ...]:
    return streams.connection.submit(streams.ready()).result(60)


def configs(peer: Peer) -> dict[str, api.StreamConfig]:
    return {name: peer.stream(name).config for name in peer.streams()}


def test_streams_are_made(streams: Streams, peer: Peer) -> None:
    assert streams.check(60)
    made = configs(peer)
    assert sorted(made) == ALL
    assert made[KLINES].subjects == sorted(DEFAULT_SUBJECTS)
    assert made[SIGNALS].republish == api.RePublish(src="ta.signals.*.*", dest="signals.trading")
    assert made[ALERTS].republish == api.RePublish(src="ta.alerts.*.*", dest="signals.alerts")
    assert made[LATE].republish == api.RePublish(src="ta.late.*.*", dest="signals.late")
    assert made[DEAD_LETTERS].republish is None
    assert made[CONFIG].subjects == ["ta.config.>"]
    assert made[CONFIG].republish is None
    for name in (SIGNALS, ALERTS, LATE, DEAD_LETTERS, CONFIG):
        assert made[name].duplicate_window == 72 * HOUR_SECS
        assert made[name].max_age == 7 * 24 * HOUR_SECS
    assert made[KLINES].max_age == 72 * HOUR_SECS  # whatever can be read again is still known to the outputs


def test_starting_again_changes_nothing(server: NatsServer, streams: Streams, peer: Peer) -> None:
    assert streams.check(60)
    before = configs(peer)
    with Connection(NatsOptions(server.url)) as another:
        assert Streams(another, StreamSettings()).check(60)
    assert configs(peer) == before


def test_who_only_announces_makes_nothing_else(connection: Connection, peer: Peer) -> None:
    announcing = Streams(connection, StreamSettings(), outputs=[CONFIG], klines=False)
    assert announcing.check(60)
    assert captured(announcing) == ()
    assert peer.streams() == [CONFIG]


def test_klines_that_would_take_in_announcements_are_refused() -> None:
    with pytest.raises(StopProgram, match=r"ta\.config\.x "):
        StreamSettings(kline_subjects=("ta.config.x",))


def test_many_may_start_at_once(server: NatsServer, peer: Peer) -> None:
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        connections = [stack.enter_context(Connection(NatsOptions(server.url))) for _ in range(8)]
        checks = [pool.submit(Streams(one, StreamSettings()).check, 60) for one in connections]
        assert all(check.result() for check in checks)
    assert peer.streams() == ALL


def test_a_stream_of_others_is_adopted(streams: Streams, peer: Peer) -> None:
    peer.add_stream("BINANCE", "binance.>", max_msgs=1000)
    before = peer.stream("BINANCE").config
    found = captured(streams)
    assert found == (
        Captured("BINANCE", ("binance.extraction.>", "binance.websocket.data"), only_ours=False, spread=False),
        Captured(KLINES, ("ta.klines.>",), only_ours=True, spread=True),
    )
    assert peer.stream("BINANCE").config == before
    assert peer.stream(KLINES).config.subjects == ["ta.klines.>"]


def test_nothing_is_made_when_others_capture_everything(streams: Streams, peer: Peer) -> None:
    peer.add_stream("EVERYTHING", *DEFAULT_SUBJECTS)
    assert [one.stream for one in captured(streams)] == ["EVERYTHING"]
    assert KLINES not in peer.streams()


@pytest.mark.parametrize("retention", ["interest", "workqueue"])
def test_klines_that_are_gone_once_they_are_read_are_for_the_operator(
    streams: Streams, peer: Peer, retention: str
) -> None:
    peer.add_stream("THEIRS", "ta.klines.>", retention=retention)
    with pytest.raises(StopProgram, match=f"THEIRS: .*{retention}"):
        streams.check(60)


@pytest.mark.parametrize(("hours", "warned"), [(72, False), (73, True), (0, True)])
def test_klines_that_are_kept_for_longer_than_signals_are_known(
    streams: Streams, peer: Peer, caplog: pytest.LogCaptureFixture, hours: int, warned: bool
) -> None:
    peer.add_stream("EVERYTHING", *DEFAULT_SUBJECTS, max_age=hours * HOUR_SECS)
    assert streams.check(60)
    assert ("EVERYTHING" in caplog.text) is warned


def test_a_part_is_read_when_others_capture_only_that(streams: Streams, peer: Peer) -> None:
    peer.add_stream("NOTICES", "binance.extraction.klines.>")
    found = {one.stream: one.subjects for one in captured(streams)}
    assert found == {"NOTICES": ("binance.extraction.>",), KLINES: ("binance.websocket.data", "ta.klines.>")}


def test_more_subjects_are_added_to_our_stream(connection: Connection, streams: Streams, peer: Peer) -> None:
    assert streams.check(60)
    more = Streams(connection, StreamSettings(kline_subjects=(*DEFAULT_SUBJECTS, "other.klines")))
    assert [one.stream for one in captured(more)] == [KLINES]
    assert sorted(peer.stream(KLINES).config.subjects or []) == sorted([*DEFAULT_SUBJECTS, "other.klines"])


def test_a_kline_stream_that_an_operator_made_gets_the_other_subjects(streams: Streams, peer: Peer) -> None:
    peer.add_stream(KLINES, "ta.klines.>")
    assert [one.stream for one in captured(streams)] == [KLINES]
    assert sorted(peer.stream(KLINES).config.subjects or []) == sorted(DEFAULT_SUBJECTS)


def test_an_output_stream_keeps_its_limits_and_gets_what_it_lacks(streams: Streams, peer: Peer) -> None:
    peer.add_stream(SIGNALS, "ta.signals.*.*", max_age=200 * HOUR_SECS, max_msgs=77, duplicate_window=60)
    assert streams.check(60)
    config = peer.stream(SIGNALS).config
    assert (config.max_age, config.max_msgs, config.duplicate_window) == (200 * HOUR_SECS, 77, 72 * HOUR_SECS)
    assert config.republish == api.RePublish(src="ta.signals.*.*", dest="signals.trading")


def test_the_duplicate_window_goes_as_far_as_the_limits_let_it(streams: Streams, peer: Peer) -> None:
    peer.add_stream(SIGNALS, "ta.signals.*.*", max_age=HOUR_SECS, duplicate_window=60)
    assert streams.check(60)
    assert peer.stream(SIGNALS).config.duplicate_window == HOUR_SECS


def test_another_republish_is_for_the_operator(streams: Streams, peer: Peer) -> None:
    peer.add_stream(SIGNALS, "ta.signals.*.*", republish=api.RePublish(src="ta.signals.*.*", dest="elsewhere"))
    with pytest.raises(StopProgram, match="elsewhere"):
        streams.check(60)


def test_outputs_that_somebody_else_captures_are_for_the_operator(streams: Streams, peer: Peer) -> None:
    peer.add_stream("THEIRS", "ta.signals.>")
    with pytest.raises(StopProgram, match="overlap"):
        streams.check(60)


def test_a_server_that_comes_back_empty_gets_them_again(server: NatsServer, streams: Streams, peer: Peer) -> None:
    assert streams.check(60)
    generation = streams.connection.generation
    server.kill()
    server.wipe()
    server.start()
    peer.wait_back()
    wait_until(lambda: streams.connection.generation > generation, "the connection to be back")
    assert streams.check(60)
    assert peer.streams() == ALL


def test_a_window_longer_than_messages_are_kept_is_refused() -> None:
    with pytest.raises(StopProgram, match="duplicate window"):
        StreamSettings(duplicate_window_secs=2.0, outputs_max_age_secs=1.0)
