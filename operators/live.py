"""Live messages: from the bytes that arrived to what the flow works on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from operators.messages import Klines, Notice, parse_message
from operators.times import format_time
from state.bar import Bar
from state.errors import SkipInput, StopProgram
from state.key import check_symbol, key_of, split_key
from state.timeframe import timeframe_named

log = logging.getLogger(__name__)

# What a setting says to take everything.
EVERYTHING = "*"

# A batch may hold thousands of bad candles: so many of them are told.
REASONS_TOLD = 5


class RawMessage(NamedTuple):
    """A message as a stream holds it: the subject it was published on, where and when (ns) it was stored, its bytes."""

    subject: str
    seq: int
    payload: bytes
    time_ns: int
    stream: str
    traceparent: str = ""
    """The trace that whoever published it says it belongs to, as W3C Trace Context writes it."""

    def place(self) -> dict[str, object]:
        """Where it is, for the log."""
        return {"stream": self.stream, "sequence": self.seq}


class BadMessage(NamedTuple):
    """A message that is unusable, in whole or in part: where it is, such as `KLINES:17`, and why."""

    where: str
    reason: str
    message: RawMessage


# How far ahead of the server's clock an exchange's may be.
AHEAD_MS = 60_000

LiveItem = tuple[str, Bar] | tuple[str, Notice] | BadMessage


@dataclass(frozen=True)
class Selection:
    """The keys that are analyzed; None takes every symbol, or every timeframe."""

    symbols: frozenset[str] | None = None
    timeframes: frozenset[str] | None = None

    def lacks(self, key: str) -> str:
        """What makes `key` none of these: `symbol`, `timeframe`, or nothing."""
        symbol, _, timeframe = key.partition("|")
        if self.symbols is not None and symbol not in self.symbols:
            return "symbol"
        return "timeframe" if self.timeframes is not None and timeframe not in self.timeframes else ""

    def takes(self, key: str) -> bool:
        """Whether `key` is one of these."""
        return not self.lacks(key)


def selection_of(symbols: str, timeframes: str) -> Selection:
    """The selection that two settings name: lists with commas, or `*`.

    Raises:
        StopProgram: a symbol or a timeframe is not possible, or there is none.

    >>> sorted(selection_of("btcusdt, ETHUSDT", "*").symbols)
    ['BTCUSDT', 'ETHUSDT']
    """
    return Selection(
        _names(symbols, "symbols", check_symbol),
        _names(timeframes, "timeframes", lambda text: timeframe_named(text).name),
    )


def _names(text: str, what: str, check: Callable[[str], str]) -> frozenset[str] | None:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if names == [EVERYTHING]:
        return None
    if not names:
        raise StopProgram(f"no {what}: expected names with commas between them, or {EVERYTHING}")
    try:
        return frozenset(map(check, names))
    except SkipInput as error:
        raise StopProgram(f"{what}: {error}") from error


def _nothing(_: str) -> None:
    return None


class LiveParser:
    """Parses one message at a time.

    Each message, and each symbol of a notice, that is not for us is told to `on_skipped`, by what it lacks: `kline`
    (other traffic, open bars), `symbol` or `timeframe`.
    """

    def __init__(self, selection: Selection, on_skipped: Callable[[str], None] = _nothing) -> None:
        self.selection = selection
        self.on_skipped = on_skipped

    def __call__(self, message: RawMessage) -> list[LiveItem]:
        """Bars and notices with their keys, and whatever is malformed, in order; never an error."""
        try:
            return self._parse(message)
        except SkipInput as error:
            return [_bad(message, str(error))]
        except Exception as error:  # a message that always fails would stop the flow again at every restart
            log.exception("%s:%d: the parser failed", message.stream, message.seq, extra=message.place())
            return [_bad(message, f"the parser failed: {type(error).__name__}: {error}"[:200])]

    def _parse(self, message: RawMessage) -> list[LiveItem]:
        content = parse_message(message.payload)
        if isinstance(content, Klines):
            return self._klines(content, message)
        if isinstance(content, Notice):
            return self._notices(content)
        self.on_skipped("kline")
        return []

    def _klines(self, klines: Klines, message: RawMessage) -> list[LiveItem]:
        bars, bad = klines
        if bars and not self._is_wanted(bars[0][0]):  # all bars of a message have one key
            return []
        items: list[LiveItem] = []
        latest_ms = message.time_ns // 1_000_000 + AHEAD_MS
        for key, bar in bars:
            if split_key(key)[1].close_ms(bar.open_time_ms) > latest_ms:
                # Taken for true, it would make everything before it out of order.
                bad.append(f"the bar that opens at {format_time(bar.open_time_ms)} was not closed when it was stored")
            else:
                items.append((key, bar))
        if bad:
            more = f"; and {len(bad) - REASONS_TOLD} more" if len(bad) > REASONS_TOLD else ""
            items.append(_bad(message, "; ".join(bad[:REASONS_TOLD]) + more))
        return items

    def _notices(self, notice: Notice) -> list[LiveItem]:
        keys = ((symbol, key_of(symbol, notice.timeframe)) for symbol in notice.symbols)
        return [(key, Notice((symbol,), notice.timeframe)) for symbol, key in keys if self._is_wanted(key)]

    def _is_wanted(self, key: str) -> bool:
        lacking = self.selection.lacks(key)
        if lacking:
            self.on_skipped(lacking)
        return not lacking


def stamped(
    parse: Callable[[RawMessage], list[LiveItem]],
) -> Callable[[RawMessage], Iterator[tuple[str, Bar | Notice, int] | BadMessage]]:
    """`parse`, with when a message was stored (ns) behind every item for a key."""

    def parse_stamped(message: RawMessage) -> Iterator[tuple[str, Bar | Notice, int] | BadMessage]:
        for item in parse(message):
            yield item if isinstance(item, BadMessage) else (*item, message.time_ns)

    return parse_stamped


def _bad(message: RawMessage, reason: str) -> BadMessage:
    return BadMessage(f"{message.stream}:{message.seq}", reason, message)
