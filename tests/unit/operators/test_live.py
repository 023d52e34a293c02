"""Live messages: what they become, what is skipped, and that nothing makes the parser fail."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators import live
from operators.live import BadMessage, LiveItem, LiveParser, RawMessage, Selection, selection_of
from operators.messages import Notice
from state.bar import Bar
from state.errors import StopProgram
from state.key import split_key
from state.timeframe import TIMEFRAMES

BTC_ONLY = selection_of("BTCUSDT", "15m")


STORED_NS = 1_800_000_000 * 10**9


def raw(payload: bytes | dict[str, Any]) -> RawMessage:
    data = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    return RawMessage("binance.websocket.data", 17, data, STORED_NS, "KLINES")


def parsed(payload: bytes | dict[str, Any], selection: Selection = BTC_ONLY) -> tuple[list[LiveItem], Counter[str]]:
    skipped: Counter[str] = Counter()
    items = LiveParser(selection, lambda lacks: skipped.update([lacks]))(raw(payload))
    return items, skipped


def batch(*opens: float, symbol: str = "BTCUSDT", period: str = "15m") -> dict[str, Any]:
    fields = {"high": 3.0, "low": 1.0, "close": 2.0, "volume": 5.0}
    candles = [{"timestamp": number * 900_000, "open": open_, **fields} for number, open_ in enumerate(opens)]
    return {"symbol": symbol, "period": period, "candles": candles}


def notice(*symbols: str, period: str = "15m") -> dict[str, Any]:
    return {"event_type": "batch_extraction_completed", "symbols": list(symbols), "period": period}


def test_bars_come_with_their_key() -> None:
    assert parsed(batch(2.0, 2.5)) == (
        [("BTCUSDT|15m", Bar(0, 2.0, 3.0, 1.0, 2.0, 5.0)), ("BTCUSDT|15m", Bar(900_000, 2.5, 3.0, 1.0, 2.0, 5.0))],
        {},
    )


def test_a_bad_candle_is_told_beside_the_good_ones() -> None:
    items, skipped = parsed(batch(2.0, 9.0))
    assert items[0] == ("BTCUSDT|15m", Bar(0, 2.0, 3.0, 1.0, 2.0, 5.0))
    bad = items[1]
    assert isinstance(bad, BadMessage)
    assert (bad.where, bad.reason) == ("KLINES:17", "candles[1]: open 9.0 lies outside low 1.0 .. high 3.0")
    assert not skipped


def test_many_bad_candles_are_told_in_short() -> None:
    (item,) = parsed(batch(*[9.0] * 1000))[0]
    assert isinstance(item, BadMessage)
    assert item.reason.endswith("; and 995 more")
    assert len(item.reason) < 1000


@pytest.mark.parametrize(
    ("payload", "lacks"),
    [
        (batch(2.0, 9.0, symbol="ETHUSDT"), "symbol"),
        (batch(2.0, period="5m"), "timeframe"),
        ({"e": "trade", "s": "BTCUSDT"}, "kline"),
        (notice("ETHUSDT"), "symbol"),
        (notice("BTCUSDT", period="1h"), "timeframe"),
    ],
)
def test_what_is_not_for_us_is_skipped_and_counted(payload: dict[str, Any], lacks: str) -> None:
    assert parsed(payload) == ([], {lacks: 1})


def test_a_notice_goes_to_each_of_its_keys() -> None:
    items, skipped = parsed(notice("BTCUSDT", "ETHUSDT", "ADAUSDT"), selection_of("ADAUSDT,BTCUSDT", "*"))
    quarter = TIMEFRAMES["15m"]
    assert items == [
        ("BTCUSDT|15m", Notice(("BTCUSDT",), quarter)),
        ("ADAUSDT|15m", Notice(("ADAUSDT",), quarter)),
    ]
    assert skipped == {"symbol": 1}


def test_everything_is_taken_where_a_star_says_so() -> None:
    items, skipped = parsed(batch(2.0, symbol="ANYTHING", period="1m"), selection_of("*", "*"))
    assert [item[0] for item in items] == ["ANYTHING|1m"]
    assert not skipped


@pytest.mark.parametrize(("symbols", "timeframes"), [("", "*"), ("*", " , "), ("BTC-USDT", "*"), ("*", "16m")])
def test_settings_that_are_not_possible_are_refused(symbols: str, timeframes: str) -> None:
    with pytest.raises(StopProgram):
        selection_of(symbols, timeframes)


def test_an_error_in_the_parser_costs_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(live, "parse_message", fail)
    (item,) = parsed(b"{}")[0]
    assert isinstance(item, BadMessage)
    assert item.reason == "the parser failed: ZeroDivisionError: oh"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = ["e", "k", "s", "stream", "data", "symbol", "symbols", "period", "candles", "event_type", "t", "i", "x", "o"]
like_ours = st.recursive(
    st.sampled_from(["kline", "BTCUSDT", "15m", "extraction_completed", 0, 900_000, "1.5", True, None, 2.0]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(fields), inner, max_size=6),
    max_leaves=12,
)


@given(st.binary() | (json_values | like_ours).map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_it_fail(payload: bytes) -> None:
    items, _ = parsed(payload, Selection())
    for item in items:
        if isinstance(item, BadMessage):
            assert item.message.payload == payload
            assert len(item.reason) < 1000
        else:
            assert split_key(item[0])
