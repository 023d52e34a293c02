"""Real klines as they arrive live, and what `ta-bot replay` makes of them."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import orjson

from dataflow.recorded import read_bars
from operators.times import format_time
from state.bar import Bar
from state.key import split_key
from state.timeframe import TIMEFRAMES
from tests.databases import PLAIN, Columns, SqlDatabase, insert, make_table
from tests.e2e.command import replayed
from tests.kit import real_klines_file

START_MS = 1_729_670_400_000
"""2024-10-23T08:00Z, after which the recorded klines have every bar of every key."""
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Message = tuple[str, bytes]
"""A subject and a payload."""


class KeyedBar(NamedTuple):
    """A bar, and whose it is."""

    key: str
    bar: Bar

    @property
    def close_ms(self) -> int:
        return split_key(self.key)[1].close_ms(self.bar.open_time_ms)

    @property
    def place(self) -> str:
        """What identifies it; the ids of its signals begin so."""
        return f"{self.key.replace('|', '-')}-{self.bar.open_time_ms}-"


@dataclass(frozen=True)
class Market:
    """The first days of some of the recorded klines."""

    symbols: tuple[str, ...]
    timeframes: tuple[str, ...] = ("15m", "1h")
    days: float = 31

    @property
    def to_ms(self) -> int:
        return START_MS + int(self.days * DAY_MS)

    @property
    def keys(self) -> list[str]:
        return [f"{symbol}|{timeframe}" for symbol in self.symbols for timeframe in self.timeframes]

    def bars(self, from_ms: int = 0, to_ms: int = 2**62) -> list[KeyedBar]:
        """The bars that open between two times, in the order of their closes: as they arrive."""
        return _bars(self, from_ms, min(to_ms, self.to_ms))

    def signals(self, from_ms: int = 0, to_ms: int = 2**62) -> dict[str, bytes]:
        """What a replay of the recorded files says on those bars, alerts included, by id; earlier ones warm it up."""
        return _replayed(tuple(real_klines_file(*key.split("|")) for key in self.keys), from_ms, min(to_ms, self.to_ms))


@lru_cache(maxsize=16)
def _bars(market: Market, from_ms: int, to_ms: int) -> list[KeyedBar]:
    bars = [KeyedBar(key, bar) for key in market.keys for bar in _first_bars(key, to_ms) if bar.open_time_ms >= from_ms]
    return sorted(bars, key=lambda one: (one.close_ms, one.key))


@lru_cache(maxsize=16)
def _first_bars(key: str, to_ms: int) -> list[Bar]:
    bars = map(itemgetter(1), read_bars([real_klines_file(*key.split("|"))]))
    return list(takewhile(lambda bar: bar.open_time_ms < to_ms, bars))


@lru_cache(maxsize=16)
def _replayed(files: tuple[Path, ...], from_ms: int, to_ms: int) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        cut = [_cut(path, Path(folder), to_ms) for path in files]
        return replay_of(*cut, "--from", format_time(from_ms), "--to", format_time(to_ms))


def _cut(path: Path, folder: Path, to_ms: int) -> Path:
    """The recorded file up to a time, so that the rest of its year need not be read."""
    to_text = format_time(to_ms).replace("T", " ")
    with gzip.open(path, "rt") as recorded:
        rows = takewhile(lambda row: not row[0].isdigit() or row < to_text, recorded)
        cut = folder / path.name.removesuffix(".gz")
        cut.write_text("".join(rows))
    return cut


def replay_of(*arguments: str | Path) -> dict[str, bytes]:
    """The signals of `ta-bot replay`, as it writes them, by id."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "signals.jsonl"
        replayed(*arguments, "--out", out)
        lines = out.read_bytes().splitlines()
    assert lines
    signals = {id_of(line): line for line in lines}
    assert len(signals) == len(lines)
    return signals


def signals_of(signals: dict[str, bytes], bars: Iterable[KeyedBar]) -> dict[str, bytes]:
    """Those of the signals that are of some bars."""
    places = {bar.place for bar in bars}
    return {name: line for name, line in signals.items() if place_of(name) in places}


def place_of(signal_id: str) -> str:
    """What a signal's id says of its bar: see `KeyedBar.place`."""
    return "".join(f"{part}-" for part in signal_id.split("-")[:3])


def id_of(line: bytes) -> str:
    return str(orjson.loads(line)["signal_id"])


def is_alert(line: bytes) -> bool:
    return bool(orjson.loads(line)["action"] == "hold")


def event(one: KeyedBar) -> dict[str, Any]:
    """A bar as the exchange sends it."""
    (symbol, timeframe), open_ms = one.key.split("|"), one.bar.open_time_ms
    fields = {name: repr(value) for name, value in zip("ohlcv", one.bar[1:], strict=True)}
    kline = {"t": open_ms, "T": one.close_ms - 1, "s": symbol, "i": timeframe, "n": 7, "x": True, "q": "1", **fields}
    return {"e": "kline", "E": one.close_ms + 136, "s": symbol, "k": kline}


def as_event(one: KeyedBar) -> Message:
    return "binance.websocket.data", orjson.dumps(event(one))


def as_envelope(one: KeyedBar) -> Message:
    symbol, timeframe = one.key.split("|")
    content = {
        "stream": f"{symbol.lower()}@kline_{timeframe}",
        "data": event(one),
        "timestamp": format_time(one.close_ms + 200),
        "message_id": f"{one.place}x",
        "source": "binance-websocket",
        "version": "1.0",
    }
    return "binance.websocket.data", orjson.dumps(content)


def as_batch(*bars: KeyedBar) -> Message:
    """Bars of one key as a batch of candles, on the key's own subject."""
    symbol, timeframe = bars[0].key.split("|")
    names = ("open", "high", "low", "close", "volume")
    candles = [
        {"timestamp": format_time(one.bar.open_time_ms), **dict(zip(names, one.bar[1:], strict=True))} for one in bars
    ]
    payload = orjson.dumps({"symbol": symbol, "period": timeframe, "candles": candles})
    return f"ta.klines.{symbol}.{timeframe}", payload


def as_notice(*symbols: str, timeframe: str = "15m") -> Message:
    """That bars were written to the history, in the form for one symbol or in that for several."""
    content: dict[str, Any] = {"extraction_type": "klines", "period": timeframe, "success": True}
    if len(symbols) == 1:
        subject = f"binance.extraction.klines.{symbols[0]}.{timeframe}"
        content |= {"event_type": "extraction_completed", "symbol": symbols[0], "metrics": {"records_written": 1}}
    else:
        subject = f"binance.extraction.klines.batch.{timeframe}"
        content |= {"event_type": "batch_extraction_completed", "symbols": symbols}
    return subject, orjson.dumps(content)


class History:
    """The kline history as the data extractor writes it: a table for each key."""

    def __init__(self, database: SqlDatabase, keys: Sequence[str], columns: Columns = PLAIN) -> None:
        self.database = database
        self.columns = columns
        for key in keys:
            make_table(database, _table(key), columns)

    def write(self, bars: Iterable[KeyedBar]) -> None:
        by_key: dict[str, list[Bar]] = {}
        for key, bar in bars:
            by_key.setdefault(key, []).append(bar)
        for key, of_key in by_key.items():
            insert(self.database, _table(key), of_key, self.columns)


def _table(key: str) -> str:
    symbol, timeframe = key.split("|")
    assert timeframe in TIMEFRAMES
    return f"{symbol.lower()}_klines_{timeframe}"
