"""512 symbols close a bar at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.recorded import read_bars
from operators.times import format_time
from tests.databases import SQLiteFile, insert, make_table
from tests.e2e.command import write_interleaved
from tests.kit import real_klines
from tests.live.conftest import MakeBot
from tests.live.market import KeyedBar, as_envelope, replay_of
from tests.live.outputs import Outputs
from tests.nats_server import Peer, wait_until

SYMBOLS = 512
TABLE = "klines_m15"

# Of the recorded bars of each symbol, the last so many; all but the last ones are its history.
BARS, CLOSES = 120, 3


@pytest.fixture(scope="module")
def closes() -> list[list[KeyedBar]]:
    """One list per time, of a bar of each symbol."""
    by_time: dict[int, list[KeyedBar]] = {}
    for key, bar in read_bars([real_klines() / "burst-15m.csv.gz"]):
        by_time.setdefault(bar.open_time_ms, []).append(KeyedBar(key, bar))
    last = [by_time[open_ms] for open_ms in sorted(by_time)[-BARS:]]
    assert {len(close) for close in last} == {SYMBOLS}
    return last


def symbols_of(close: list[KeyedBar]) -> Iterator[tuple[str, KeyedBar]]:
    return ((one.key.partition("|")[0], one) for one in close)


def test_three_closes_of_512_symbols(
    make_bot: MakeBot,
    closes: list[list[KeyedBar]],
    history_file: SQLiteFile,
    peer: Peer,
    outputs: Outputs,
    tmp_path: Path,
) -> None:
    history, bursts = closes[:-CLOSES], closes[-CLOSES:]
    by_key = {one.key: [close[place].bar for close in closes] for place, one in enumerate(closes[0])}
    assert all(one.bar in by_key[one.key] for close in closes for one in close)
    everything = write_interleaved(tmp_path / "klines.csv", by_key)
    expected = replay_of(everything, "--from", format_time(bursts[0][0].bar.open_time_ms))
    assert len(expected) > SYMBOLS // 2
    make_table(history_file, TABLE)
    for symbol, one in symbols_of(closes[0]):
        insert(history_file, TABLE, by_key[one.key][: len(history)], symbol=symbol)

    bot = make_bot()
    bot.start()
    wait_until(lambda: bot.keys() == {"seeded": SYMBOLS}, "all keys to be seeded")
    for count, burst in enumerate(bursts, 1):
        peer.publish(map(as_envelope, burst))
        bot.wait_counted("ta_bars_total", count * SYMBOLS)
    for burst in bursts:  # and all of it again: nothing comes of it
        peer.publish(map(as_envelope, burst))
    bot.wait_counted("ta_bars_dropped_total", CLOSES * SYMBOLS)
    assert bot.counted("ta_bars_total") == CLOSES * SYMBOLS
    assert bot.end(signal.SIGTERM) == 0
    outputs.check(expected)
