"""Kline messages as they arrive: parsed into bars or notices, told apart by content.

The four shapes are the exchange's kline event, the same inside an envelope, a batch of candles, and a notice that
bars were written to the history.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import orjson

from operators.times import parse_message_time_ms
from state.bar import Bar, check_bar
from state.errors import SkipInput
from state.key import check_symbol, key_of
from state.timeframe import Timeframe, timeframe_named

MAX_MESSAGE_BYTES = 2**20

# More candles than this cannot be sound in so many bytes: no list of reasons grows past it.
MAX_CANDLES = 20_000

Record = dict[str, object]

_KLINE_FIELDS = ("t", "o", "h", "l", "c", "v")
_CANDLE_FIELDS = ("timestamp", "open", "high", "low", "close", "volume")

# What the exchange sends without naming an event: answers to requests, partial depth, best prices.
_OTHER_TRAFFIC = frozenset({"result", "error", "lastUpdateId", "u"})

# Few symbols come again and again. Texts that are too long for one are kept out.
_checked_symbol = lru_cache(maxsize=4096)(check_symbol)

_SYMBOL_FIELD = re.compile(r'"(?:s|symbol)"\s*:\s*"([^"]*)"')


class Klines(NamedTuple):
    """Closed bars by key, in the message's order, and why its other candles are unusable."""

    bars: list[tuple[str, Bar]]
    bad: list[str]


class Notice(NamedTuple):
    """Bars of these symbols and this timeframe were written to the history."""

    symbols: tuple[str, ...]
    timeframe: Timeframe


class Ignored(NamedTuple):
    """A sound message that is not for us."""

    why: str


Message = Klines | Notice | Ignored


def parse_message(payload: bytes | str) -> Message:
    """The message that `payload` (JSON, at most 1 MiB) holds.

    A bad candle in a batch does not lose the others: it is listed in `Klines.bad`.

    Raises:
        SkipInput: it is malformed; the reason names the field, such as `k.o`.

    >>> parse_message('{"e":"trade","s":"BTCUSDT"}')
    Ignored(why='event trade')
    """
    if len(payload) > MAX_MESSAGE_BYTES:
        raise SkipInput(f"message is longer than {MAX_MESSAGE_BYTES} bytes")
    try:
        message = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise SkipInput(f"not JSON: {error}") from error
    if not isinstance(message, dict):
        raise _expected("", "a JSON object", message)
    if "stream" in message and "data" in message:
        return _parse_envelope(message)
    return _parse_bare(message, "")


def symbol_in(payload: str) -> str:
    """The first symbol that `payload` names, found without parsing it: unchecked, in upper case, "" for none."""
    found = _SYMBOL_FIELD.search(payload)
    return found[1].strip().upper() if found else ""


def parse_number(value: object, name: str, at: str = "") -> float:
    """`value`, a number or a decimal text, as a float that may still be infinite or NaN; `at` and `name` say where.

    Raises:
        SkipInput: it is something else. Booleans are not numbers, nor are texts such as `1_000` that only Python reads.
    """
    if isinstance(value, float):
        return value
    try:
        if isinstance(value, str) and value.isascii() and "_" not in value:
            return float(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return float(value)
    except (ValueError, OverflowError) as error:
        raise _expected(f"{at}{name}", "a number", value) from error
    raise _expected(f"{at}{name}", "a number", value)


def _parse_envelope(message: Record) -> Message:
    stream, data = message["stream"], message["data"]
    if isinstance(stream, str) and "@kline_" not in stream and not _is_kline(data):
        return Ignored(f"stream {stream[:60]}")
    if not isinstance(data, dict):
        raise _expected("data", "an object", data)
    return _parse_bare(data, "data.")


def _is_kline(data: object) -> bool:
    return isinstance(data, dict) and data.get("e") == "kline"


def _parse_bare(message: Record, at: str) -> Message:
    event = message.get("e")
    if isinstance(event, str) and event != "kline":
        return Ignored(f"event {event[:60]}")
    if event is not None or "k" in message:
        return _parse_kline(message, at)
    if "candles" in message:
        return _parse_candles(message, at)
    if "event_type" in message:
        return _parse_notice(message, at)
    if not _OTHER_TRAFFIC.isdisjoint(message):
        return Ignored("no kline in it")
    raise SkipInput(f"{at or 'message'}: none of the fields e, candles, event_type".replace(".:", ":"))


def _parse_kline(message: Record, at: str) -> Message:
    if message.get("e") != "kline":
        raise _expected(f"{at}e", "'kline'", message.get("e"))
    kline = _field(message, "k", at)
    if not isinstance(kline, dict):
        raise _expected(f"{at}k", "an object", kline)
    closed = _field(kline, "x", f"{at}k.")
    if not isinstance(closed, bool):
        raise _expected(f"{at}k.x", "true or false", closed)
    if not closed:
        return Ignored("open bar")
    symbol = _symbol(message, "s", at)
    if kline.get("s", message["s"]) != message["s"] and _symbol(kline, "s", f"{at}k.") != symbol:
        raise _expected(f"{at}k.s", f"{symbol} as in {at}s", kline["s"])
    timeframe = _timeframe(kline, "i", f"{at}k.")
    return Klines([(key_of(symbol, timeframe), _bar(kline, _KLINE_FIELDS, f"{at}k", timeframe))], [])


def _parse_candles(message: Record, at: str) -> Klines:
    symbol = _symbol(message, "symbol", at)
    timeframe = _period(message, at)
    candles = message["candles"]
    if not isinstance(candles, list):
        raise _expected(f"{at}candles", "a list", candles)
    if len(candles) > MAX_CANDLES:
        raise SkipInput(f"{at}candles: expected at most {MAX_CANDLES}, got {len(candles)}")
    klines = Klines([], [])
    key = key_of(symbol, timeframe)
    for index, candle in enumerate(candles):
        try:
            klines.bars.append((key, _bar(candle, _CANDLE_FIELDS, f"{at}candles[{index}]", timeframe)))
        except SkipInput as error:
            klines.bad.append(str(error))
    return klines


def _parse_notice(message: Record, at: str) -> Notice | Ignored:
    event = _text(message, "event_type", at)
    if event not in ("extraction_completed", "batch_extraction_completed"):
        return Ignored(f"event {event[:60]}")
    if message.get("extraction_type", "klines") != "klines":
        return Ignored("extraction of something else")
    success = message.get("success", True)
    if not isinstance(success, bool):
        raise _expected(f"{at}success", "true or false", success)
    if not success:
        return Ignored("extraction failed")
    return Notice(_notice_symbols(message, at), _period(message, at))


def _notice_symbols(message: Record, at: str) -> tuple[str, ...]:
    if "symbols" not in message:
        return (_symbol(message, "symbol", at),)
    symbols = message["symbols"]
    if not isinstance(symbols, list):
        raise _expected(f"{at}symbols", "a list", symbols)
    named = {f"symbols[{index}]": symbol for index, symbol in enumerate(symbols)}
    return tuple(_symbol(named, name, at) for name in named)


def _bar(record: object, fields: tuple[str, ...], at: str, timeframe: Timeframe) -> Bar:
    if not isinstance(record, dict):
        raise _expected(at, "an object", record)
    path = f"{at}."
    time = _field(record, fields[0], path)
    try:
        open_time_ms = parse_message_time_ms(time)
    except SkipInput as error:
        raise SkipInput(f"{path}{fields[0]}: {error}") from error
    bar = Bar(open_time_ms, *[parse_number(_field(record, name, path), name, path) for name in fields[1:]])
    try:
        check_bar(bar, timeframe)
    except SkipInput as error:
        raise SkipInput(f"{at}: {error}") from error
    return bar


def _period(message: Record, at: str) -> Timeframe:
    return _timeframe(message, "period" if "period" in message or "timeframe" not in message else "timeframe", at)


def _timeframe(record: Record, name: str, at: str) -> Timeframe:
    text = _text(record, name, at)
    try:
        return timeframe_named(text)
    except SkipInput as error:
        raise SkipInput(f"{at}{name}: {error if len(text) < 60 else 'unknown timeframe'}") from error


def _symbol(record: Record, name: str, at: str) -> str:
    text = _text(record, name, at)
    try:
        return _checked_symbol(text) if len(text) <= 40 else check_symbol(text)
    except SkipInput as error:
        raise SkipInput(f"{at}{name}: {error}") from error


def _text(record: Record, name: str, at: str) -> str:
    value = _field(record, name, at)
    if not isinstance(value, str):
        raise _expected(f"{at}{name}", "a text", value)
    return value


def _field(record: Record, name: str, at: str) -> object:
    if name not in record:
        raise SkipInput(f"{at}{name}: missing")
    return record[name]


def _expected(name: str, expected: str, value: object) -> SkipInput:
    kinds = {"dict": "an object", "list": "a list"}
    got = kinds.get(type(value).__name__) or repr(value)[:60]
    return SkipInput(f"{name}{': ' if name else ''}expected {expected}, got {got}")
