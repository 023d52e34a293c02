"""Tokens, what they are for, and who is let in without."""

from __future__ import annotations

import hmac

import pytest

from config_api.auth import Right, Tokens, allow, check_binding, is_local_name, is_loopback, tokens_of
from config_api.errors import ApiError
from state.errors import StopProgram

WRITE, READ = "w" * 16, "r" * 40


@pytest.fixture
def tokens() -> Tokens:
    return tokens_of(f"write:{WRITE}, read:{READ}")


def test_tokens_have_rights(tokens: Tokens) -> None:
    assert tokens.client_of(f"Bearer {WRITE}").right is Right.WRITE
    assert tokens.client_of(f"bearer  {READ} ").right is Right.READ
    assert tokens.client_of(f"Bearer {WRITE}").name != tokens.client_of(f"Bearer {READ}").name


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", WRITE, f"Basic {WRITE}", f"Bearer {WRITE[:-1]}", f"Bearer {WRITE}{WRITE}", "Bearer \ud800"],
)
def test_what_names_no_known_token_is_nobody(tokens: Tokens, header: str | None) -> None:
    with pytest.raises(ApiError) as refused:
        tokens.client_of(header)
    assert (refused.value.status, refused.value.headers) == (401, {"WWW-Authenticate": "Bearer"})


def test_all_tokens_are_compared_whichever_it_is(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that time tells nothing: each as often, in constant time."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def counting(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    tokens.client_of(f"Bearer {WRITE}")
    tokens.client_of(f"Bearer {READ}")
    with pytest.raises(ApiError):
        tokens.client_of("Bearer x")
    assert len(compared) == 3 * 2
    assert {len(digest) for pair in compared for digest in pair} == {32}


def test_a_token_with_both_rights_has_the_higher_one() -> None:
    for text in (f"write:{WRITE},read:{WRITE}", f"read:{WRITE},write:{WRITE}"):
        assert tokens_of(text).client_of(f"Bearer {WRITE}").right is Right.WRITE


def test_without_tokens_everybody_may_everything() -> None:
    assert not Tokens()
    assert Tokens().client_of(None).right is Right.WRITE


def test_a_read_right_does_not_write(tokens: Tokens) -> None:
    reader, writer = tokens.client_of(f"Bearer {READ}"), tokens.client_of(f"Bearer {WRITE}")
    allow(reader, Right.READ)
    allow(writer, Right.READ)
    allow(writer, Right.WRITE)
    with pytest.raises(ApiError) as refused:
        allow(reader, Right.WRITE)
    assert refused.value.status == 403


def test_tokens_are_never_shown(tokens: Tokens) -> None:
    client = tokens.client_of(f"Bearer {WRITE}")
    shown = f"{tokens!r} {tokens} {client!r} {tokens._known!r}"
    assert WRITE not in shown
    assert "digest" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ",",
        f"write:{WRITE},",
        f"write:{WRITE},,read:{READ}",
        WRITE,
        f"admin:{WRITE}",
        f":{WRITE}",
        "write:",
        f"write:{WRITE[:-1]}",
        f"write:{WRITE[:8]} {WRITE[:8]}",
        f"write:{WRITE}\t{WRITE}",
        f"write:{WRITE}ü",
        f"write {WRITE}",
    ],
)
def test_tokens_that_are_not_usable_are_told_without_quoting_them(text: str) -> None:
    with pytest.raises(StopProgram, match="expected write:TOKEN or read:TOKEN") as refused:
        tokens_of(text)
    assert WRITE[:8] not in str(refused.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_needs_no_tokens(host: str) -> None:
    assert is_loopback(host)
    check_binding(host, Tokens())


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "192.168.0.7", "localhost.example", "127.0.0.1.example"])  # noqa: S104
def test_other_addresses_do(tokens: Tokens, host: str) -> None:
    assert not is_loopback(host)
    with pytest.raises(StopProgram, match="API_TOKENS"):
        check_binding(host, Tokens())
    check_binding(host, tokens)


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080"])
def test_names_of_this_machine(host: str) -> None:
    assert is_local_name(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ":",
        "example.com",
        "localhost.example.com",
        "127.0.0.2",
        "::1",
        "[::1",
        "[::2]",
        "localhost:8080@e.com",
        "[::1]e.com",
        "localhost:e",
    ],
)
def test_names_of_others(host: str | None) -> None:
    assert not is_local_name(host)
