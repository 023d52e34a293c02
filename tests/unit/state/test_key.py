"""Keys and the symbols in them."""

from __future__ import annotations

import pytest

from state.errors import SkipInput
from state.key import check_symbol, key_of, split_key
from state.timeframe import TIMEFRAMES


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("BTCUSDT", "BTCUSDT"),
        (" btcusdt\n", "BTCUSDT"),
        ("1000SHIBUSDT", "1000SHIBUSDT"),
        ("BTCUSDT_250926", "BTCUSDT_250926"),
        ("A", "A"),
        ("A" * 40, "A" * 40),
    ],
)
def test_a_symbol_is_taken_in_upper_case(text: str, symbol: str) -> None:
    assert check_symbol(text) == symbol


@pytest.mark.parametrize(
    "text",
    ["", " ", "_BTC", "BTC-USDT", "BTC/USDT", "BTC.USDT", "BTC USDT", "BTC*", ">", "A" * 41, "BTC|15m", "БТЦ", "`; --"],
)
def test_what_would_not_fit_into_subjects_and_table_names_is_to_be_skipped(text: str) -> None:
    with pytest.raises(SkipInput, match="expected 1 to 40 letters, digits or underscores"):
        check_symbol(text)


def test_a_long_text_is_not_repeated_as_a_whole() -> None:
    with pytest.raises(SkipInput) as error:
        check_symbol("x" * 100_000)

    assert len(str(error.value)) < 200


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_a_key_is_made_of_symbol_and_timeframe_and_split_again(timeframe: str) -> None:
    key = key_of("BTCUSDT", TIMEFRAMES[timeframe])

    assert key == "BTCUSDT|" + timeframe
    assert split_key(key) == ("BTCUSDT", TIMEFRAMES[timeframe])


def test_keys_of_different_timeframes_differ() -> None:
    """A minute and a month differ in case only."""
    assert len({key_of("BTCUSDT", timeframe).casefold() for timeframe in TIMEFRAMES.values()}) == len(TIMEFRAMES) - 1
    assert len({key_of("BTCUSDT", timeframe) for timeframe in TIMEFRAMES.values()}) == len(TIMEFRAMES)


@pytest.mark.parametrize("key", ["BTCUSDT", "BTCUSDT|", "BTCUSDT|7m", "BTCUSDT|15m|15m"])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(SkipInput, match="unknown timeframe"):
        split_key(key)
