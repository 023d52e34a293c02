"""Kline messages in their four shapes, what else is on the same subjects, and malformed ones."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.messages import MAX_CANDLES, MAX_MESSAGE_BYTES, Ignored, Klines, Notice, parse_message, symbol_in
from state.bar import Bar
from state.errors import SkipInput
from state.timeframe import TIMEFRAMES

Json = dict[str, Any]

EVENT: Json = {
    "e": "kline",
    "E": 1672515782136,
    "s": "BTCUSDT",
    "k": {
        "t": 1672515000000,
        "T": 1672515899999,
        "s": "BTCUSDT",
        "i": "15m",
        "o": "16500.1",
        "c": "16510.0",
        "h": "16520.0",
        "l": "16490.0",
        "v": "1000.5",
        "n": 100,
        "x": True,
        "q": "...",
        "V": "...",
        "Q": "...",
    },
}
EVENT_BAR = ("BTCUSDT|15m", Bar(1672515000000, 16500.1, 16520.0, 16490.0, 16510.0, 1000.5))
BATCH: Json = {
    "symbol": "BTCUSDT",
    "period": "15m",
    "candles": [
        {
            "timestamp": "2024-01-01T00:00:00Z",
            "open": 50000.0,
            "high": 50100.0,
            "low": 49900.0,
            "close": 50050.0,
            "volume": 1000.0,
        }
    ],
}
BATCH_BAR = ("BTCUSDT|15m", Bar(1704067200000, 50000.0, 50100.0, 49900.0, 50050.0, 1000.0))
NOTICE: Json = {
    "event_type": "extraction_completed",
    "extraction_type": "klines",
    "symbol": "BTCUSDT",
    "period": "15m",
    "timestamp": "2024-01-01T00:15:02Z",
    "success": True,
    "metrics": {"records_written": 1},
}
BATCH_NOTICE: Json = {
    "event_type": "batch_extraction_completed",
    "symbols": ["BTCUSDT", "ETHUSDT"],
    "period": "1h",
    "success": True,
}


def changed(message: Json, path: str, value: Any = ...) -> Json:
    """`message` with the field at `path` set to `value`, or without it."""
    copy = deepcopy(message)
    *parents, name = [int(part) if part.isdigit() else part for part in path.split(".")]
    at: Any = copy
    for parent in parents:
        at = at[parent]
    if value is ...:
        del at[name]
    else:
        at[name] = value
    return copy


def enveloped(data: Any, stream: str = "btcusdt@kline_15m") -> Json:
    return {
        "stream": stream,
        "data": data,
        "timestamp": "2024-01-01T00:15:00.123Z",
        "message_id": "f0e1",
        "source": "binance-websocket",
        "version": "1.0",
    }


def parse(message: Any) -> Klines | Notice | Ignored:
    payload = orjson.dumps(message)
    assert parse_message(payload) == parse_message(payload.decode())
    return parse_message(payload)


@pytest.mark.parametrize(
    "message",
    [
        EVENT,
        enveloped(EVENT),
        {"stream": "btcusdt@kline_15m", "data": EVENT},
        enveloped(EVENT, "another name"),
        changed(EVENT, "s", "btcusdt"),
        changed(EVENT, "k.s"),
        changed(EVENT, "k.o", 16500.1),
        changed(EVENT, "k.t", "1672515000000"),
        changed(EVENT, "k.T"),
        changed(EVENT, "unknown", {"a": [None]}),
    ],
)
def test_kline_event(message: Json) -> None:
    assert parse(message) == Klines([EVENT_BAR], [])


@pytest.mark.parametrize(
    "message",
    [
        BATCH,
        changed({**BATCH, "timeframe": "15m"}, "period"),
        changed(BATCH, "candles.0.timestamp", 1704067200000),
        changed(BATCH, "candles.0.timestamp", "1704067200000"),
        changed(BATCH, "candles.0.timestamp", "2024-01-01 00:00:00"),
        changed(BATCH, "candles.0.open", "50000"),
        changed(BATCH, "candles.0.open", 50000),
    ],
)
def test_candle_batch(message: Json) -> None:
    assert parse(message) == Klines([BATCH_BAR], [])


def test_bad_candle_does_not_lose_the_others() -> None:
    good = BATCH["candles"][0]
    later = {**good, "timestamp": 1704068100000}
    message = {**BATCH, "candles": [good, {**good, "low": 60000}, None, later]}
    klines = parse(message)
    assert isinstance(klines, Klines)
    assert klines.bars == [BATCH_BAR, ("BTCUSDT|15m", BATCH_BAR[1]._replace(open_time_ms=1704068100000))]
    assert klines.bad == [
        "candles[1]: low 60000.0 is above high 50100.0",
        "candles[2]: expected an object, got None",
    ]


def test_empty_batch_holds_nothing() -> None:
    assert parse({**BATCH, "candles": []}) == Klines([], [])


def test_notices() -> None:
    assert parse(NOTICE) == Notice(("BTCUSDT",), TIMEFRAMES["15m"])
    assert parse(changed(NOTICE, "success")) == Notice(("BTCUSDT",), TIMEFRAMES["15m"])
    assert parse(BATCH_NOTICE) == Notice(("BTCUSDT", "ETHUSDT"), TIMEFRAMES["1h"])


@pytest.mark.parametrize(
    "message",
    [
        changed(EVENT, "k.x", value=False),
        enveloped(changed(EVENT, "k.x", value=False)),
        changed(NOTICE, "success", value=False),
        changed(BATCH_NOTICE, "success", value=False),
        changed(NOTICE, "extraction_type", "trades"),
        changed(NOTICE, "event_type", "extraction_started"),
        changed(EVENT, "e", "continuous_kline"),
        {"e": "trade", "s": "BTCUSDT", "p": "1"},
        {"e": "depthUpdate", "s": "BTCUSDT", "b": [], "a": []},
        {"e": "24hrTicker", "s": "BTCUSDT", "c": "1"},
        {"result": None, "id": 1},
        {"error": {"code": 2, "msg": "Invalid request"}, "id": 1},
        {"lastUpdateId": 160, "bids": [], "asks": []},
        {"u": 400900217, "s": "BNBUSDT", "b": "25.35", "B": "31.21", "a": "25.36", "A": "40.66"},
        enveloped({"e": "trade", "s": "BTCUSDT"}, "btcusdt@trade"),
        enveloped({"lastUpdateId": 160}, "btcusdt@depth20"),
        enveloped([{"e": "24hrTicker"}], "!ticker@arr"),
        enveloped(None, "btcusdt@trade"),
    ],
)
def test_what_is_not_for_us_is_not_bad(message: Json) -> None:
    assert isinstance(parse(message), Ignored)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not JSON"),
        (b"\0\xff\xfe", "not JSON"),
        (b'{"e":"kline"', "not JSON"),
        (b'{"e":"\xff"}', "not JSON"),
        (b'{"a":NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
        ('{"e":"\udcff"}', "not JSON"),
        (b"null", "expected a JSON object, got None"),
        (b"[]", "expected a JSON object, got a list"),
        (b'"kline"', "expected a JSON object, got 'kline'"),
        (b"{}", "none of the fields e, candles, event_type"),
        (b" " * (MAX_MESSAGE_BYTES + 1), "longer than"),
    ],
    ids=lambda text: ascii(text)[:30],
)
def test_payload_that_is_no_message(payload: bytes | str, reason: str) -> None:
    with pytest.raises(SkipInput) as caught:
        parse_message(payload)
    assert reason in str(caught.value)


MALFORMED = [
    (EVENT, "e", ..., "e: expected 'kline', got None"),
    (EVENT, "e", 5, "e: expected 'kline', got 5"),
    (EVENT, "s", ..., "s: missing"),
    (EVENT, "s", 5, "s: expected a text, got 5"),
    (EVENT, "s", "BTC/USDT", "s: bad symbol"),
    (EVENT, "s", "ta.>", "s: bad symbol"),
    (EVENT, "s", "", "s: bad symbol"),
    (EVENT, "k", ..., "k: missing"),
    (EVENT, "k", [], "k: expected an object, got a list"),
    (EVENT, "k.x", ..., "k.x: missing"),
    (EVENT, "k.x", "true", "k.x: expected true or false, got 'true'"),
    (EVENT, "k.x", 1, "k.x: expected true or false, got 1"),
    (EVENT, "k.s", "ETHUSDT", "k.s: expected BTCUSDT as in s, got 'ETHUSDT'"),
    (EVENT, "k.s", None, "k.s: expected a text"),
    (EVENT, "k.i", ..., "k.i: missing"),
    (EVENT, "k.i", "7m", "k.i: unknown timeframe '7m'"),
    (EVENT, "k.i", ["15m"], "k.i: expected a text, got a list"),
    (EVENT, "k.t", ..., "k.t: missing"),
    (EVENT, "k.t", True, "k.t: expected a time"),
    (EVENT, "k.t", -900000, "k.t: expected a time"),
    (EVENT, "k.t", 1672515000001, "k: open time 1672515000001 ms is not a multiple"),
    (EVENT, "k.o", ..., "k.o: missing"),
    (EVENT, "k.o", "abc", "k.o: expected a number, got 'abc'"),
    (EVENT, "k.o", True, "k.o: expected a number, got True"),
    (EVENT, "k.o", None, "k.o: expected a number, got None"),
    (EVENT, "k.o", {}, "k.o: expected a number, got an object"),
    (EVENT, "k.o", "16_500.1", "k.o: expected a number, got '16_500.1'"),
    (EVENT, "k.o", "NaN", "k: open must be a finite number above 0"),
    (EVENT, "k.h", "1e400", "k: high must be a finite number above 0"),
    (EVENT, "k.l", 0, "k: low must be a finite number above 0"),
    (EVENT, "k.c", "16600", "k: close 16600.0 lies outside"),
    (EVENT, "k.v", ..., "k.v: missing"),
    (EVENT, "k.v", "-1", "k: volume must be a finite number of at least 0"),
    (BATCH, "symbol", ..., "symbol: missing"),
    (BATCH, "symbol", None, "symbol: expected a text, got None"),
    (BATCH, "period", ..., "period: missing"),
    (BATCH, "period", "1y", "period: unknown timeframe '1y'"),
    (BATCH, "period", "x" * 10_000, "period: unknown timeframe"),
    (BATCH, "candles", ..., "none of the fields e, candles, event_type"),
    (BATCH, "candles", {}, "candles: expected a list, got an object"),
    (BATCH, "candles", [0] * (MAX_CANDLES + 1), "candles: expected at most"),
    (NOTICE, "event_type", 5, "event_type: expected a text, got 5"),
    (NOTICE, "symbol", ..., "symbol: missing"),
    (NOTICE, "period", ..., "period: missing"),
    (NOTICE, "period", "15min", "period: unknown timeframe '15min'"),
    (NOTICE, "success", "false", "success: expected true or false, got 'false'"),
    (BATCH_NOTICE, "symbols", "BTCUSDT", "symbols: expected a list, got 'BTCUSDT'"),
    (BATCH_NOTICE, "symbols", ["BTCUSDT", 5], "symbols[1]: expected a text, got 5"),
]


@pytest.mark.parametrize(("message", "path", "value", "reason"), MALFORMED)
def test_malformed_message_is_refused_with_the_field(message: Json, path: str, value: Any, reason: str) -> None:
    with pytest.raises(SkipInput) as caught:
        parse(changed(message, path, value))
    assert str(caught.value).removeprefix("message: ").startswith(reason)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (changed(EVENT, "k.o"), "data.k.o: missing"),
        (changed(EVENT, "s", ""), "data.s: bad symbol"),
        (changed(EVENT, "k.l", 20000), "data.k: low 20000.0 is above high"),
        (None, "data: expected an object, got None"),
        ([EVENT], "data: expected an object, got a list"),
        ({}, "data: none of the fields"),
    ],
)
def test_malformed_kline_in_an_envelope(data: Any, reason: str) -> None:
    with pytest.raises(SkipInput) as caught:
        parse(enveloped(data))
    assert str(caught.value).startswith(reason)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("timestamp", "soon", "candles[0].timestamp: expected a time"),
        ("open", False, "candles[0].open: expected a number, got False"),
        ("volume", [], "candles[0].volume: expected a number, got a list"),
        ("timestamp", "2024-01-01T00:01:00Z", "candles[0]: open time"),
    ],
)
def test_reason_of_a_bad_candle(field: str, value: Any, reason: str) -> None:
    klines = parse(changed(BATCH, f"candles.0.{field}", value))
    assert isinstance(klines, Klines)
    assert klines.bars == []
    assert [bad[: len(reason)] for bad in klines.bad] == [reason]


@pytest.mark.parametrize(
    ("payload", "symbol"),
    [(orjson.dumps(EVENT), "BTCUSDT"), (orjson.dumps(BATCH), "BTCUSDT"), (b'{"symbol" :\t"eth"}', "ETH"), (b"{", "")],
)
def test_symbol_seen_without_parsing(payload: bytes, symbol: str) -> None:
    assert symbol_in(payload.decode()) == symbol


ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(), st.text(max_size=8)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
SOUND: list[tuple[Json, str]] = [
    *[(message, name) for message in (EVENT, BATCH, NOTICE, BATCH_NOTICE) for name in message],
    *[(EVENT, f"k.{name}") for name in EVENT["k"]],
    *[(BATCH, f"candles.0.{name}") for name in BATCH["candles"][0]],
    *[(enveloped(EVENT), name) for name in ("stream", "data", "data.k.t", "data.k.i")],
]


@given(st.sampled_from(SOUND), ANY_JSON)
def test_any_value_in_any_field_is_parsed_or_refused(place: tuple[Json, str], value: Any) -> None:
    try:
        message = parse_message(orjson.dumps(changed(*place, value)))
    except SkipInput:
        return
    assert isinstance(message, Klines | Notice | Ignored)


@given(st.one_of(st.binary(), st.text(), ANY_JSON.map(orjson.dumps)))
def test_any_payload_is_parsed_or_refused(payload: bytes | str) -> None:
    try:
        message = parse_message(payload)
    except SkipInput:
        return
    assert isinstance(message, Klines | Notice | Ignored)
