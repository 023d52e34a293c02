"""`ta-bot record`: what a real server holds and gets, in a file that `ta-bot replay` reads."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from dataflow.recorded import read_bars
from state.bar import Bar
from tests.e2e.command import (
    TA_BOT,
    Argument,
    environment,
    made_up_bars,
    one_line,
    refusal,
    replayed,
    ta_bot,
    write_bars,
)
from tests.klines import candle, kline_event
from tests.nats_server import NatsServer, Peer, peer_of, wait_until

SUBJECT = "binance.websocket.data"
KEY = "SYNTHAUSDT|15m"

Message = tuple[str, bytes]


@pytest.fixture
def peer(peer: Peer) -> Peer:
    peer.add_stream("KLINES", SUBJECT, "binance.extraction.>", "ta.klines.>")
    return peer


@pytest.fixture(scope="module")
def bars() -> list[Bar]:
    return made_up_bars(3, ["SYNTHAUSDT"])[KEY]


def message_of(bar: Bar, symbol: str = "SYNTHAUSDT") -> Message:
    return f"ta.klines.{symbol}.15m", orjson.dumps(kline_event(symbol, "15m", bar))


def options(server: NatsServer, *more: Argument) -> list[Argument]:
    return ["record", "--nats-url", server.url, "--symbols", "SYNTHAUSDT", "--timeframes", "15m,1h", *more]


class Recording:
    """The command, while it runs."""

    def __init__(self, folder: Path, *arguments: Argument, **variables: str) -> None:
        self.said, self.told = folder / "stderr", folder / "stdout"
        with self.said.open("wb") as said, self.told.open("wb") as told:
            self.process = subprocess.Popen(
                [TA_BOT, *arguments], stdout=told, stderr=said, env=environment(**variables)
            )

    def wait_for(self, text: str) -> None:
        def was_said() -> bool:
            assert self.process.poll() is None, self.said.read_text()
            return text in self.said.read_text()

        wait_until(was_said, f"{text!r} on stderr")

    def end(self, number: signal.Signals) -> str:
        self.process.send_signal(number)
        assert self.process.wait(30) == 0, self.said.read_text()
        return self.told.read_text()


@contextmanager
def recording(folder: Path, *arguments: Argument, **variables: str) -> Iterator[Recording]:
    running = Recording(folder, *arguments, **variables)
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()


def publish_and_wait(peer: Peer, bars: list[Bar]) -> None:
    """Publish, and wait until it is stored: a server that is killed loses what it has not come to store."""
    end = peer.stream("KLINES").state.messages + len(bars)
    peer.publish(map(message_of, bars))
    wait_until(lambda: peer.stream("KLINES").state.messages == end, "the stream to hold what was published")


def lines_in(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


def count(table: str, row: str) -> int:
    found = re.search(rf"^ *{re.escape(row)} +([\d,]+) *$", table, re.MULTILINE)
    assert found, f"no row {row!r} in\n{table}"
    return int(found[1].replace(",", ""))


def test_a_replay_of_the_recording_is_that_of_the_bars(
    server: NatsServer, peer: Peer, bars: list[Bar], tmp_path: Path
) -> None:
    peer.publish(map(message_of, bars))
    out = tmp_path / "klines.jsonl"
    ended = ta_bot(*options(server, "--from-start", "--count", str(len(bars)), "--out", out))
    assert ended.returncode == 0, ended.stderr
    assert count(ended.stdout, "messages") == count(ended.stdout, "bars in them") == len(bars)
    assert count(ended.stdout, "keys") == 1
    recorded, original = tmp_path / "recorded.jsonl", tmp_path / "original.jsonl"
    replayed(out, "--out", recorded)
    replayed(write_bars(tmp_path / "SYNTHAUSDT-15m.csv", bars), "--out", original)
    assert recorded.read_bytes() == original.read_bytes() != b""


def test_what_holds_no_wanted_closed_klines_is_counted_by_why(
    server: NatsServer, peer: Peer, bars: list[Bar], tmp_path: Path
) -> None:
    notice = {"event_type": "extraction_completed", "symbol": "SYNTHAUSDT", "period": "15m", "success": True}
    pretty = orjson.dumps(kline_event("SYNTHAUSDT", "15m", bars[0]), option=orjson.OPT_INDENT_2)
    batch = {"symbol": "SYNTHAUSDT", "period": "15m", "candles": [candle(bars[1]), {"timestamp": 7}, candle(bars[2])]}
    event = kline_event("SYNTHAUSDT", "15m", bars[3])
    peer.publish(
        [
            (SUBJECT, pretty),
            (SUBJECT, orjson.dumps(kline_event("SYNTHAUSDT", "15m", bars[0], closed=False))),
            (SUBJECT, b'{"e":"trade","s":"SYNTHAUSDT"}'),
            (SUBJECT, b'{"symbol":"SYNTHAUSDT","period":"15m","candles":[]}'),
            message_of(bars[0], "OTHERUSDT"),
            (SUBJECT, orjson.dumps(kline_event("SYNTHAUSDT", "5m", bars[0]))),
            ("binance.extraction.klines.SYNTHAUSDT.15m", orjson.dumps(notice)),
            (SUBJECT, b"no JSON\nat all"),
            (SUBJECT, b"\xff\xfe"),
            (SUBJECT, orjson.dumps(batch)),
            (SUBJECT, orjson.dumps({"stream": "synthausdt@kline_15m", "data": event})),
        ]
    )
    out = tmp_path / "klines"  # whatever it is called, replay sees what it holds
    ended = ta_bot(*options(server, "--from-start", "--count", "3", "--out", out))
    assert ended.returncode == 0, ended.stderr
    rows = {
        "messages": 3, "bars in them": 4, "skipped, no closed kline in it": 3, "skipped, of other symbols": 1,
        "skipped, of other timeframes": 1, "skipped, notice of bars in the history": 1, "skipped, unusable": 2,
    }  # fmt: skip
    assert {row: count(ended.stdout, row) for row in rows} == rows
    bad: list[object] = []
    assert list(read_bars([out], on_bad=bad.append)) == [(KEY, bar) for bar in bars[:4]]
    assert [str(one) for one in bad] != []  # the candle that was bad is told again by whoever reads the recording
    assert [orjson.loads(line) for line in out.read_bytes().splitlines()][::2] == [
        orjson.loads(pretty), {"stream": "synthausdt@kline_15m", "data": event}
    ]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_only_what_arrives_from_now_on_until_it_is_told_to_stop(
    server: NatsServer, peer: Peer, bars: list[Bar], tmp_path: Path, number: signal.Signals
) -> None:
    peer.publish(map(message_of, bars[:100]))
    out = tmp_path / "klines.jsonl"
    with recording(tmp_path, *options(server, "--out", out)) as running:
        running.wait_for("from now on")
        peer.publish(map(message_of, bars[100:130]))
        wait_until(lambda: lines_in(out) == 30, "30 lines, while it runs")
        assert count(running.end(number), "messages") == 30
    assert list(read_bars([out])) == [(KEY, bar) for bar in bars[100:130]]
    assert out.read_bytes().endswith(b"}\n")


def test_stdout_holds_the_messages_and_nothing_else(
    server: NatsServer, peer: Peer, bars: list[Bar], tmp_path: Path
) -> None:
    peer.publish(map(message_of, bars[:20]))
    ended = ta_bot(*options(server, "--from-start", "--count", "7", "--out", "-"))
    assert ended.returncode == 0
    assert ended.stdout.encode() == b"".join(payload + b"\n" for _, payload in map(message_of, bars[:7]))
    assert count(ended.stderr, "messages") == 7


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_server_that_restarts_loses_and_doubles_nothing(
    server: NatsServer, peer: Peer, bars: list[Bar], tmp_path: Path, number: signal.Signals
) -> None:
    out = tmp_path / "klines.jsonl"
    with recording(tmp_path, *options(server, "--out", out)) as running:
        running.wait_for("from now on")
        for part in range(4):
            publish_and_wait(peer, bars[part * 50 : part * 50 + 50])
            if part < 3:
                server.kill(number)
                server.start()
                peer.wait_back()
        wait_until(lambda: lines_in(out) >= 200, "200 lines")
        assert count(running.end(signal.SIGTERM), "messages") == 200
    assert list(read_bars([out])) == [(KEY, bar) for bar in bars[:200]]


def test_a_server_that_comes_late_is_awaited_and_that_is_said_once(bars: list[Bar], tmp_path: Path) -> None:
    server, out = NatsServer(tmp_path), tmp_path / "klines.jsonl"
    try:
        with recording(tmp_path, *options(server, "--out", out)) as running:
            running.wait_for("NATS is away")
            server.start()
            running.wait_for("from now on")
            with peer_of(server) as peer:
                peer.publish(map(message_of, bars[:5]))
                wait_until(lambda: lines_in(out) == 5, "5 lines")
                assert peer.streams() == ["KLINES"]
            running.end(signal.SIGTERM)
    finally:
        server.kill()
    assert running.said.read_text().count("NATS is away") == 1


def test_seconds_end_it_though_nobody_is_there(tmp_path: Path) -> None:
    ended = ta_bot(*options(NatsServer(tmp_path), "--seconds", "0.5", "--out", tmp_path / "none.jsonl"))
    assert (ended.returncode, count(ended.stdout, "messages")) == (0, 0)
    assert len(ended.stderr.splitlines()) == 1


def test_a_server_without_jetstream_is_told(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    server.settings.write_text('accounts { plain { users [{ user: "one" }] } }\nno_auth_user: "one"\n')
    server.start()
    try:
        with recording(tmp_path, *options(server, "--out", tmp_path / "none.jsonl")) as running:
            running.wait_for("klines cannot be read")
            running.end(signal.SIGTERM)
    finally:
        server.kill()


def test_a_file_that_holds_something_is_kept_unless_it_is_appended_to(
    server: NatsServer, peer: Peer, bars: list[Bar], tmp_path: Path
) -> None:
    peer.publish(map(message_of, bars[:4]))
    out = tmp_path / "klines.jsonl"
    out.touch()
    start = options(server, "--from-start", "--out", out)
    assert ta_bot(*start, "--count", "2").returncode == 0
    before = out.read_bytes()
    assert "--append" in refusal(*start)
    assert out.read_bytes() == before
    out.write_bytes(before + b'{"cut')
    assert ta_bot(*start, "--count", "4", "--append").returncode == 0
    assert [bar for _, bar in read_bars([out])] == [*bars[:2], *bars[:4]]
    assert out.read_bytes().startswith(before + b'{"cut\n')


def test_a_full_disk_is_one_line(server: NatsServer, peer: Peer, bars: list[Bar]) -> None:
    peer.publish(map(message_of, bars[:4]))
    ended = ta_bot(*options(server, "--from-start", "--out", "/dev/full"))
    assert ended.returncode == 2
    assert one_line(ended.stderr.splitlines(keepends=True)[-1]) == (
        "ta-bot: /dev/full: cannot be written: No space left on device"
    )


def test_a_disk_that_fills_up_leaves_whole_lines(
    server: NatsServer, peer: Peer, bars: list[Bar], tmp_path: Path
) -> None:
    peer.publish(map(message_of, bars))
    out = tmp_path / "klines.jsonl"
    small = ("bash", "-c", 'ulimit -f 16; exec "$@"', "_")  # files of 16 KiB at most
    ended = ta_bot(*options(server, "--from-start", "--out", out), below=small)
    assert ended.returncode == 2
    assert one_line(ended.stderr.splitlines(keepends=True)[-1]).endswith("cannot be written: File too large")
    kept = [bar for _, bar in read_bars([out])]
    assert kept == bars[: len(kept)]
    assert out.read_bytes().endswith(b"}\n")
    line_bytes = out.stat().st_size / len(kept)
    assert 16 * 1024 - 2 * line_bytes < out.stat().st_size < 16 * 1024


def test_what_the_user_must_mend_is_one_line(tmp_path: Path) -> None:
    out = tmp_path / "klines.jsonl"
    assert "no such" in refusal("record", "--out", tmp_path / "no" / "klines.jsonl").lower()
    assert "directory" in refusal("record", "--out", tmp_path).lower()
    assert "unknown timeframe" in refusal("record", "--out", out, "--timeframes", "7m")
    assert "no symbols" in refusal("record", "--out", out, "--symbols", ",")
    for url in ("http://somewhere", "nats://sesame@host:port", "nats://", ","):
        assert "sesame" not in refusal("record", "--out", out, "--nats-url", url)
    assert not out.exists()
