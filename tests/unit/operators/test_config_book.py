"""What keys run with because of what is stored, parameter by parameter."""

from __future__ import annotations

from typing import Any

import pytest

from operators.config_book import ConfigBook, Known, pack_known, unpack_known
from operators.live import Selection
from state.configs.records import APPLICATION, ConfigRecord, Scope
from strategies.configuration import configuration_of, unpack_configuration
from strategies.resolution import Pinned
from strategies.signal import AppliedConfig

RSI = "rsi_extreme_reversal"
GLOBAL, BTC = Scope(RSI), Scope(RSI, "BTCUSDT")


def record(scope: Scope, version: int = 1, source: str = "mongodb", **parameters: Any) -> ConfigRecord:
    return ConfigRecord(scope, parameters, version, 1_000, 2_000, "somebody", source)


def deleted(scope: Scope, version: int) -> ConfigRecord:
    return ConfigRecord(scope, None, version, 1_000, 2_000, "somebody", "mongodb")


def book_of(*records: ConfigRecord, pinned: Pinned | None = None) -> ConfigBook:
    book = ConfigBook(pinned or Pinned())
    for number, one in enumerate(records, 1):
        book.put(Known(one, 10 * number))
    return book


def applied(book: ConfigBook, symbol: str, strategy_id: str = RSI) -> AppliedConfig:
    return book.for_symbol(symbol).configuration.strategies[strategy_id].applied


def test_nothing_stored_is_the_defaults() -> None:
    found = book_of().for_symbol("BTCUSDT")

    assert found.configuration == configuration_of()
    assert found.stored_ns == 0


def test_a_symbol_inherits_what_it_does_not_say_itself() -> None:
    book = book_of(
        record(GLOBAL, 3, oversold_threshold=30.0, extreme_threshold=5.0), record(BTC, 7, oversold_threshold=20.0)
    )

    assert applied(book, "BTCUSDT") == AppliedConfig(
        7, {"oversold_threshold": 20.0, "extreme_threshold": 5.0}, "mongodb", is_override=True
    )
    assert applied(book, "ETHUSDT") == AppliedConfig(
        3, {"oversold_threshold": 30.0, "extreme_threshold": 5.0}, "mongodb", is_override=False
    )
    assert applied(book, "BTCUSDT", "doji_reversal") == AppliedConfig()


def test_what_was_deleted_does_not_count() -> None:
    book = book_of(record(GLOBAL, 3, oversold_threshold=30.0), record(BTC, 1, oversold_threshold=20.0), deleted(BTC, 2))
    assert applied(book, "BTCUSDT") == AppliedConfig(3, {"oversold_threshold": 30.0}, "mongodb", is_override=False)
    book.put(Known(deleted(GLOBAL, 4)))

    assert applied(book, "BTCUSDT") == AppliedConfig()


def test_what_is_pinned_holds_whatever_is_stored() -> None:
    pinned = Pinned({"cooldown_bars": 3}, {RSI: {"oversold_threshold": 35.0}})
    book = book_of(record(GLOBAL, 3, oversold_threshold=30.0, extreme_threshold=5.0), pinned=pinned)
    book.put(Known(record(APPLICATION, cooldown_bars=9, min_confidence=0.7)))

    assert applied(book, "BTCUSDT").parameters == {"oversold_threshold": 35.0, "extreme_threshold": 5.0}
    assert book.for_symbol("BTCUSDT").configuration.engine.cooldown_bars == 3
    assert book.for_symbol("BTCUSDT").configuration.engine.min_confidence == 0.7
    assert applied(book_of(pinned=pinned), "BTCUSDT") == AppliedConfig(0, {"oversold_threshold": 35.0}, "command_line")


@pytest.mark.parametrize(
    ("stored", "changed", "said"),
    [
        (
            {"oversold_threshold": 99.0, "extreme_threshold": 5.0},
            {"extreme_threshold": 5.0},
            "less than or equal to 40",
        ),
        ({"golden": 1, "extreme_threshold": 5.0}, {"extreme_threshold": 5.0}, "golden: there is no such parameter"),
        ({"extreme_threshold": "5"}, {}, "extreme_threshold: Input should be a valid number, got '5'"),
        ({"rsi_period": 3.0}, {"rsi_period": 3}, None),  # as programs write that know floats only
        ({"rsi_period": 3.5}, {}, "rsi_period: Input should be a valid integer"),
    ],
)
def test_stored_values_that_cannot_be_used_are_left_out_and_told(
    stored: dict[str, Any], changed: dict[str, Any], said: str | None
) -> None:
    book = book_of(record(GLOBAL, 3, **stored))

    assert applied(book, "BTCUSDT").parameters == changed
    assert [said in reason for reason in book.unusable if said] == [True] * (said is not None)
    assert len(book.unusable) == (said is not None)


def test_two_changes_that_contradict_each_other_leave_the_first() -> None:
    book = book_of(
        record(Scope("momentum_pulse"), 1, rsi_min=60.0), record(Scope("momentum_pulse", "BTCUSDT"), 1, rsi_max=58.0)
    )

    assert applied(book, "BTCUSDT", "momentum_pulse").parameters == {"rsi_min": 60.0}
    assert "rsi_min < rsi_max must hold, got 60.0, 58.0" in book.unusable[0]


def test_when_the_last_record_that_concerns_a_symbol_was_announced() -> None:
    book = book_of(record(GLOBAL), record(BTC))

    assert (book.for_symbol("BTCUSDT").stored_ns, book.for_symbol("ETHUSDT").stored_ns) == (20, 10)


def test_the_newest_counts_by_version_then_by_time() -> None:
    book = book_of(record(GLOBAL, 3))

    assert book.is_news(record(GLOBAL, 4))
    assert not book.is_news(record(GLOBAL, 3))
    assert not book.is_news(record(GLOBAL, 2))
    assert book.is_news(ConfigRecord(GLOBAL, {}, 3, 1_000, 2_001, "somebody", "mysql"))
    assert book.is_news(record(BTC, 1))


def test_the_application_says_which_keys_are_analyzed() -> None:
    configured = Selection(frozenset({"BTCUSDT"}), frozenset({"15m", "1h"}))

    assert book_of().selection(configured) == configured
    assert book_of(record(APPLICATION, symbols=["ethusdt"])).selection(configured) == Selection(
        frozenset({"ETHUSDT"}), configured.timeframes
    )
    assert book_of(record(APPLICATION, symbols=["*"], timeframes=["1d"])).selection(configured) == Selection(
        None, frozenset({"1d"})
    )
    assert book_of(record(APPLICATION, symbols=["E/T"])).selection(configured) == configured


def test_strategies_can_be_disabled() -> None:
    book = book_of(record(APPLICATION, enabled_strategies=["doji_reversal", RSI]))
    assert list(book.for_symbol("BTCUSDT").configuration.strategies) == ["doji_reversal", RSI]
    book.put(Known(record(APPLICATION, 2, enabled_strategies=[])))

    assert book.for_symbol("BTCUSDT").configuration.strategies == {}


def test_it_goes_on_from_what_was_packed() -> None:
    book = book_of(record(GLOBAL, 3, oversold_threshold=30.0), deleted(BTC, 2), record(APPLICATION, cooldown_bars=9))
    again = ConfigBook()
    for known in unpack_known(pack_known(book.known.values())):
        again.put(known)

    assert again.known == book.known
    assert again.for_symbol("BTCUSDT") == book.for_symbol("BTCUSDT")
    book.drop(GLOBAL)
    assert applied(book, "BTCUSDT") == AppliedConfig()


def test_a_configuration_survives_being_packed_to_the_last_digit() -> None:
    book = book_of(record(GLOBAL, 3, oversold_threshold=30.1, rsi_period=3), record(APPLICATION, min_confidence=0.1))
    configuration = book.for_symbol("BTCUSDT").configuration

    assert unpack_configuration(configuration.packed) == configuration
    assert unpack_configuration(configuration.packed).packed == configuration.packed
