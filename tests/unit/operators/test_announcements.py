"""Announcements: what is written is read, and whatever else arrives is skipped with a reason."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.announcements import MAX_BYTES, announced, announcement, announcement_id, subject_of
from state.configs.records import APPLICATION, AuditEntry, ConfigRecord, Scope
from state.errors import SkipInput
from strategies.registry import STRATEGIES

MESSAGE: dict[str, Any] = {
    "strategy_id": "doji_reversal",
    "symbol": "BTCUSDT",
    "parameters": {"trend_period": 21},
    "version": 3,
    "source": "mongodb",
    "created_ms": 1_700_000_000_000,
    "updated_ms": 1_700_000_001_000,
    "created_by": "alice",
    "changed_by": "bob",
    "reason": None,
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
symbols = st.from_regex(r"[A-Z0-9][A-Z0-9_]{0,39}", fullmatch=True)
scopes = st.builds(Scope, st.sampled_from(sorted(STRATEGIES)), st.none() | symbols) | st.just(APPLICATION)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
names = st.text(st.characters(codec="utf-8"), max_size=100)
values = st.dictionaries(names, st.none() | numbers | st.lists(names, max_size=5), max_size=20)
records = st.builds(
    ConfigRecord,
    scope=scopes,
    parameters=st.none() | values,
    version=st.integers(1, 2**53),
    created_ms=st.integers(0, 10**14),
    updated_ms=st.integers(0, 10**14),
    created_by=names,
    source=st.sampled_from(["mongodb", "mysql", "sqlite"]),
)


def entry_of(record: ConfigRecord, by: str = "bob", reason: str | None = "why") -> AuditEntry:
    return AuditEntry(
        "an id", record.scope, "UPDATE", record.version, None, record.parameters, by, record.updated_ms, reason
    )


@given(records, names, st.none() | names)
def test_what_is_written_is_read(record: ConfigRecord, by: str, reason: str | None) -> None:
    payload = announcement(record, entry_of(record, by, reason))
    assert announced(payload) == record
    assert orjson.loads(payload)["changed_by"] == by
    assert orjson.loads(payload)["reason"] == reason


@given(st.binary(max_size=200))
def test_bytes_are_skipped(payload: bytes) -> None:
    with pytest.raises(SkipInput):
        announced(payload)


@given(st.dictionaries(st.sampled_from(sorted(MESSAGE)), json_values))
def test_fields_of_any_kind_are_read_or_skipped(fields: dict[str, object]) -> None:
    """And what is read, can be written again."""
    try:
        record = announced(orjson.dumps({**MESSAGE, **fields}))
    except SkipInput as error:
        reason = str(error)
    else:
        reason = ""
        assert announced(announcement(record, entry_of(record))) == record
    assert len(reason) < 500


@pytest.mark.parametrize("name", sorted(set(MESSAGE) - {"changed_by", "reason"}))
def test_a_field_that_is_missing_is_named(name: str) -> None:
    message = {field: value for field, value in MESSAGE.items() if field != name}
    with pytest.raises(SkipInput, match=name):
        announced(orjson.dumps(message))


WRONG: list[tuple[str, object]] = [
    ("strategy_id", "astrology"),
    ("strategy_id", 7),
    ("strategy_id", ["doji_reversal"]),
    ("symbol", "btcusdt"),
    ("symbol", "B/T"),
    ("symbol", ""),
    ("symbol", 7),
    ("parameters", []),
    ("parameters", {"a": "text"}),
    ("parameters", {"a": True}),
    ("parameters", {"a": {}}),
    ("parameters", {"a": [1]}),
    ("parameters", {"x" * 201: 1}),
    ("version", 0),
    ("version", 1.0),
    ("version", True),
    ("version", "1"),
    ("version", 2**53 + 1),
    ("created_ms", -1),
    ("updated_ms", 10**14 + 1),
    ("created_by", None),
    ("created_by", "x" * 201),
    ("source", "redis"),
    ("source", ["mongodb"]),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_field_that_is_wrong_is_named(name: str, value: object) -> None:
    with pytest.raises(SkipInput, match="symbol" if name == "symbol" else name):
        announced(orjson.dumps({**MESSAGE, name: value}))


def test_the_application_has_no_symbols() -> None:
    with pytest.raises(SkipInput, match="symbol"):
        announced(orjson.dumps({**MESSAGE, "strategy_id": None}))
    assert announced(orjson.dumps({**MESSAGE, "strategy_id": None, "symbol": None})).scope == APPLICATION


def test_an_endless_message_is_skipped() -> None:
    with pytest.raises(SkipInput, match="longer"):
        announced(orjson.dumps(MESSAGE) + b" " * MAX_BYTES)


def test_fields_that_are_new_are_ignored() -> None:
    assert announced(orjson.dumps({**MESSAGE, "colour": "red"})) == announced(orjson.dumps(MESSAGE))


def test_each_scope_has_its_subject() -> None:
    assert subject_of(APPLICATION) == "ta.config.application"
    assert subject_of(Scope("doji_reversal")) == "ta.config.strategies.doji_reversal"
    assert subject_of(Scope("doji_reversal", "BTCUSDT")) == "ta.config.strategies.doji_reversal.BTCUSDT"


def test_a_change_has_an_id_of_its_own() -> None:
    """Also when a version is made twice, by two stores that did not know of each other."""
    record = announced(orjson.dumps(MESSAGE))
    later = announced(orjson.dumps({**MESSAGE, "updated_ms": MESSAGE["updated_ms"] + 1}))
    assert announcement_id(record) == "ta.config.strategies.doji_reversal.BTCUSDT-3-1700000001000"
    assert announcement_id(later) != announcement_id(record)
