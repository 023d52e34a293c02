"""Rows of recorded klines: where their fields stand, what becomes of good and of bad ones."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.layouts import Layout, Naming, RowLayout, hold_to_first, layout_of, message_layout_of
from operators.rows import OVERLONG_ROW, BadInput, Chunk, open_time_of_row, parse_chunk, symbol_of_row
from state.bar import Bar
from state.errors import SkipInput, StopProgram
from state.timeframe import TIMEFRAMES

BTC = Naming("BTCUSDT", "15m")
HEADER = "time,open,high,low,close,volume"
BAR = Bar(1_704_067_200_000, 10.0, 12.0, 9.0, 11.0, 5.0)
ROW = "2024-01-01 00:00:00,10.0,12.0,9.0,11.0,5.0"
DUMP_ROW = "1704067200000,10.0,12.0,9.0,11.0,5.0,1704068099999,55.0,7,2.0,22.0,0"
BATCH = {
    "symbol": "BTCUSDT",
    "period": "15m",
    "candles": [{"timestamp": 1_704_067_200_000, "open": 10, "high": 12, "low": 9, "close": 11, "volume": 5}],
}


def parsed(layout: Layout, *rows: str) -> list[tuple[str, Bar] | BadInput]:
    return parse_chunk(Chunk("k.csv", range(2, 2 + len(rows)), list(rows), layout))


def reason_for(layout: Layout, row: str) -> str:
    (bad,) = parsed(layout, row)
    assert isinstance(bad, BadInput)
    assert bad.where == "k.csv:2"
    return bad.reason


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (HEADER, ROW),
        ("\ttimestamp, Open ,HIGH,low,close,volume\r", ROW + "\r"),
        ("Open time,open,high,low,close,volume", ROW),
        ("volume,close,low,high,open,open_time", "5.0,11.0,9.0,12.0,10.0,1704067200000"),
        ("note,time,open,high,low,close,volume,quote_volume", f"some_note,{ROW},é"),
        ("timestamp,open_time,open,high,low,close,volume", f"whenever,{ROW}"),
        ('"time","open","high","low","close","volume"', '"2024-01-01","10.0","12.0","9.0","11.0","5.0"'),
        ("note,time,open,high,low,close,volume", f'"a, ""b"" c",{ROW}'),
        (HEADER, "1704067200, 10.0, 1.2e1,9,11.,+5"),
        (HEADER, "1704067200000000,10.0,12.0,9.0,11.0,5.0"),
        (DUMP_ROW, DUMP_ROW),
        (
            "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_volume,taker_quote_volume,ignore",
            DUMP_ROW,
        ),
    ],
)
def test_one_bar_in_all_its_layouts(header: str, row: str) -> None:
    assert parsed(layout_of(header, named=BTC), row) == [("BTCUSDT|15m", BAR)]


def test_header_is_told_from_a_first_row() -> None:
    assert layout_of(HEADER, named=BTC).has_header
    assert not layout_of(DUMP_ROW, named=BTC).has_header


@pytest.mark.parametrize(
    ("header", "row", "key"),
    [
        ("symbol," + HEADER, "ethusdt," + ROW, "ETHUSDT|15m"),
        (HEADER + ",interval", ROW + ",1m", "BTCUSDT|1m"),
        (HEADER + ",period", ROW + ",1mo", "BTCUSDT|1M"),
        ("timeframe,symbol," + HEADER, "5m,ETHUSDT," + ROW, "ETHUSDT|5m"),
    ],
)
def test_columns_win_over_names(header: str, row: str, key: str) -> None:
    assert parsed(layout_of(header, named=BTC), row) == [(key, BAR)]


def test_flags_win_over_columns_and_names() -> None:
    layout = layout_of("symbol,timeframe," + HEADER, flags=Naming("adausdt", "1mo"), named=BTC)
    assert parsed(layout, "ETHUSDT,1h," + ROW) == [("ADAUSDT|1M", BAR)]


def test_flags_do_not_merge_what_the_columns_tell_apart() -> None:
    rows = ["BTC/USDT,1h," + ROW, "ETH/USDT,1h," + ROW, "BTC/USDT,5m," + ROW]
    layout = hold_to_first(layout_of("symbol,timeframe," + HEADER, flags=BTC), rows[0])
    good, other_symbol, other_timeframe = parsed(layout, *rows)
    assert good == ("BTCUSDT|15m", BAR)
    assert other_symbol == BadInput(
        "k.csv:3", "--symbol stands for 'BTC/USDT' in this file, and this row is of 'ETH/USDT'"
    )
    assert other_timeframe == BadInput("k.csv:4", "--timeframe stands for '1h' in this file, and this row is of '5m'")


@pytest.mark.parametrize(
    ("first_row", "flags", "named", "expected"),
    [
        ("", BTC, Naming(), "expected a header"),
        ("time,open,high,low,close", BTC, Naming(), "volume missing"),
        ("open,high,low,close,volume", BTC, Naming(), "open_time missing"),
        (ROW, BTC, Naming(), "expected a header"),
        ("\0\x01\udcff,PK", BTC, Naming(), "expected a header"),
        ('"time,open', BTC, Naming(), "bad quotes"),
        (HEADER + ",open", BTC, Naming(), "open stands twice"),
        ("symbol,symbol," + HEADER, Naming(), BTC, "symbol stands twice"),
        (HEADER, Naming(timeframe="15m"), Naming(), "--symbol"),
        (HEADER, Naming(symbol="BTCUSDT"), Naming(), "--timeframe"),
        (HEADER, Naming(), Naming("BTCUSDT", "7m"), "unknown timeframe '7m'"),
        ("symbol," + HEADER, Naming(timeframe="15M"), BTC, "unknown timeframe '15M'"),
        (HEADER, Naming("../BTC", "15m"), Naming(), "bad symbol"),
        (HEADER, Naming("", "15m"), BTC, "bad symbol"),
    ],
)
def test_first_row_that_stops_the_program(first_row: str, flags: Naming, named: Naming, expected: str) -> None:
    with pytest.raises(StopProgram) as caught:
        layout_of(first_row, flags=flags, named=named)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("2024-01-01,10,12,9,11", "expected 6 columns, got 5"),
        ("2024-01-01,10,12,9,11,5,0", "expected 6 columns, got 7"),
        ("2024-01-01,1,5,2,5,1,5,2,5,5", "expected 6 columns, got 10"),
        (HEADER, "open time: expected a time"),
        (",10,12,9,11,5", "open time: expected a time"),
        ("-1704067200,10,12,9,11,5", "open time: expected a time"),
        ("9999-01-01,10,12,9,11,5", "open time: expected a time"),
        ("2024-01-01,ten,12,9,11,5", "open: expected a number, got 'ten'"),
        ("2024-01-01,10,,9,11,5", "high: expected a number, got ''"),
        ("2024-01-01,10,12,0x9,11,5", "low: expected a number, got '0x9'"),
        ("2024-01-01,10,12,9,1_1,5", "close: expected a number, got '1_1'"),
        ("2024-01-01,10,12,9,11,\uff15", "volume: expected a number"),
        ("2024-01-01,10,12,9,11,5\0", "volume: expected a number"),
        ("2024-01-01,10,12,9,\udcff,5", "close: expected a number"),
        ("2024-01-01,nan,12,9,11,5", "open must be a finite number above 0, got nan"),
        ("2024-01-01,10,inf,9,11,5", "high must be a finite number above 0, got inf"),
        ("2024-01-01,10,1e400,9,11,5", "high must be a finite number above 0, got inf"),
        ("2024-01-01,10,12,-9,11,5", "low must be a finite number above 0"),
        ("2024-01-01,10,12,9,0,5", "close must be a finite number above 0"),
        ("2024-01-01,10,12,9,11,-5", "volume must be a finite number of at least 0"),
        ("2024-01-01,10,12,9,11,nan", "volume must be a finite number of at least 0"),
        ("2024-01-01,13,12,9,11,5", "open 13.0 lies outside"),
        ("2024-01-01,10,12,9,8,5", "close 8.0 lies outside"),
        ("2024-01-01,10,9,12,11,5", "low 12.0 is above high 9.0"),
        ("2024-01-01T00:01:00,10,12,9,11,5", "not a multiple of the timeframe 15m"),
        ('"2024-01-01,10,12,9,11,5', "bad quotes"),
        ('"' + "x" * 200_000 + '",10,12,9,11,5', "bad quotes"),
        (OVERLONG_ROW, "line is longer than"),
        ("\0\0\0", "expected 6 columns, got 1"),
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_bad_row_is_reported_with_its_reason(row: str, expected: str) -> None:
    assert expected in reason_for(layout_of(HEADER, named=BTC), row)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (",15m", "bad symbol ''"),
        ("BTC/USDT,15m", "bad symbol 'BTC/USDT'"),
        ("B" * 200_000 + ",15m", "bad symbol"),
        ("BTCUSDT,", "unknown timeframe ''"),
        ("BTCUSDT,15min", "unknown timeframe '15min'"),
    ],
    ids=lambda text: text[:20],
)
def test_row_with_a_bad_label(label: str, expected: str) -> None:
    reason = reason_for(layout_of("symbol,timeframe," + HEADER), f"{label},{ROW}")
    assert expected in reason
    assert len(reason) < 200


def test_bad_row_does_not_lose_its_neighbours_and_blank_rows_are_nothing() -> None:
    layout = layout_of(HEADER, named=BTC)
    assert parsed(layout, ROW, "", " \r", "x", ROW) == [
        ("BTCUSDT|15m", BAR),
        BadInput("k.csv:5", "expected 6 columns, got 1"),
        ("BTCUSDT|15m", BAR),
    ]


def test_lines_are_those_of_the_chunk() -> None:
    chunk = Chunk("k.csv", [7, 19], ["x", "y"], layout_of(HEADER, named=BTC))
    assert [bad.where for bad in parse_chunk(chunk) if isinstance(bad, BadInput)] == ["k.csv:7", "k.csv:19"]


def test_messages_are_rows_too() -> None:
    two = {**BATCH, "candles": [*BATCH["candles"], {}]}
    rows = [json.dumps(BATCH), '{"e":"trade"}', "", "{", json.dumps(two)]
    first, malformed, second, bad_candle = parsed(message_layout_of(Naming()), *rows)
    assert first == second == ("BTCUSDT|15m", BAR)
    assert isinstance(malformed, BadInput)
    assert malformed.where == "k.csv:5"
    assert bad_candle == BadInput("k.csv:6", "candles[1].timestamp: missing")


@pytest.mark.parametrize(
    ("flags", "expected"), [(Naming("ETHUSDT"), "--symbol is ETHUSDT"), (Naming(None, "1h"), "--timeframe is 1h")]
)
def test_message_of_another_key_than_the_flags_say_is_bad(flags: Naming, expected: str) -> None:
    assert expected in reason_for(message_layout_of(flags), json.dumps(BATCH))
    assert parsed(message_layout_of(BTC), json.dumps(BATCH)) == [("BTCUSDT|15m", BAR)]


@pytest.mark.parametrize(
    ("layout", "row", "symbol"),
    [
        (layout_of(HEADER, named=BTC), ROW, "BTCUSDT"),
        (layout_of("symbol," + HEADER, named=BTC), "ethusdt ," + ROW, "ETHUSDT"),
        (layout_of(HEADER + ",symbol", named=BTC), ROW + ",ETHUSDT\r", "ETHUSDT"),
        (layout_of("note,symbol," + HEADER, named=BTC), '"a,b",ETHUSDT,' + ROW, "ETHUSDT"),
        (layout_of("note,symbol," + HEADER, named=BTC), "a", ""),
        (layout_of("note,symbol," + HEADER, named=BTC), '"a', ""),
        (layout_of("symbol," + HEADER, named=BTC), "", ""),
        (message_layout_of(Naming()), json.dumps(BATCH), "BTCUSDT"),
        (message_layout_of(Naming()), '{"e":"kline","s" : "ethusdt","k":{"s":"ETHUSDT"}}', "ETHUSDT"),
        (message_layout_of(Naming()), '{"result":null}', ""),
        (message_layout_of(BTC), "{", "BTCUSDT"),
    ],
)
def test_symbol_of_a_row(layout: Layout, row: str, symbol: str) -> None:
    assert symbol_of_row(row, layout) == symbol


def test_open_time_of_a_row() -> None:
    layout = layout_of(HEADER, named=BTC)
    assert open_time_of_row(ROW, layout) == BAR.open_time_ms
    with pytest.raises(SkipInput):
        open_time_of_row("x", layout)


def test_chunk_travels() -> None:
    layout = layout_of("symbol," + HEADER, named=BTC)
    chunk = Chunk("k.csv", range(2, 4), ["ETHUSDT," + ROW, "\udcff"], layout)
    assert parse_chunk(pickle.loads(pickle.dumps(chunk))) == parse_chunk(chunk)  # noqa: S301


def test_layout_of_a_timeframe() -> None:
    assert layout_of(HEADER, named=Naming("BTCUSDT", "1mo")).timeframe == TIMEFRAMES["1M"]


LAYOUTS: list[Layout] = [
    layout_of(HEADER, named=BTC),
    layout_of(HEADER, named=Naming("BTCUSDT", "1mo")),
    layout_of("symbol,period," + HEADER),
    message_layout_of(Naming()),
]
CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["2024-01-01", "1704067200000", "10", "12", "nan", "1e400", '"', "1_0", "", "BTCUSDT", "15m", "\0"]
    ),
    st.floats().map(str),
    st.integers().map(str),
)


@given(st.sampled_from(LAYOUTS), st.lists(st.one_of(st.text(), st.lists(CELLS, max_size=9).map(",".join)), max_size=5))
def test_any_row_is_a_bar_or_bad_input(layout: Layout, rows: list[str]) -> None:
    for item in parsed(layout, *rows):
        assert isinstance(item, BadInput) or item[1].low > 0.0
    assert all(isinstance(symbol_of_row(row, layout), str) for row in rows)


@given(st.one_of(st.text(), st.lists(CELLS, max_size=13).map(",".join)), st.sampled_from([Naming(), BTC]))
def test_any_first_row_gives_a_layout_or_stops_the_program(first_row: str, flags: Naming) -> None:
    try:
        layout = layout_of(first_row, flags=flags)
    except StopProgram:
        return
    assert isinstance(hold_to_first(layout, first_row), RowLayout)
