"""Credentials of NATS: what is taken, what is refused, and that nothing of it is ever shown."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dataflow.nats.credentials import read_credentials
from state.errors import StopProgram
from tests.nats_accounts import Identity, creds_text

ACCOUNT, USER = Identity("account"), Identity("user")
JWT = ACCOUNT.sign(USER, "bot", {})


def written(folder: Path, text: str) -> Path:
    path = folder / "bot.creds"
    path.write_text(text)
    return path


@pytest.mark.parametrize("change", [str, lambda text: text.replace("\n", "\r\n"), lambda text: text.replace("--", "-")])
def test_what_nats_tools_write_is_read(tmp_path: Path, change: Callable[[str], str]) -> None:
    found = read_credentials(written(tmp_path, change(creds_text(JWT, USER.seed))))
    assert found.token() == JWT.encode()
    public = Ed25519PublicKey.from_public_bytes(base64.b32decode(USER.public)[1:-2])
    public.verify(base64.b64decode(found.sign("a nonce")), b"a nonce")
    assert USER.seed not in repr(found)
    assert JWT not in repr(found)


def test_a_known_key(tmp_path: Path) -> None:
    """The pair with which the documentation of NATS shows how it is done."""
    seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
    known = Identity("user")
    known.public = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"
    jwt = ACCOUNT.sign(known, "bot", {})
    assert read_credentials(written(tmp_path, creds_text(jwt, seed))).token() == jwt.encode()


def flipped(seed: str, place: int) -> str:
    return f"{seed[:place]}{'A' if seed[place] != 'A' else 'B'}{seed[place + 1 :]}"


BAD: dict[str, tuple[str, str]] = {
    "empty": ("", "expected a section BEGIN NATS USER JWT"),
    "a seed alone": (creds_text(JWT, USER.seed).partition("*")[2], "expected a section BEGIN NATS USER JWT"),
    "a token alone": (creds_text(JWT, USER.seed).partition("*")[0], "expected a section BEGIN USER NKEY SEED"),
    "cut": (creds_text(JWT, USER.seed)[:-90], "expected a section BEGIN USER NKEY SEED"),
    "twice": (creds_text(JWT, USER.seed) * 2, "has a section twice"),
    "an account's seed": (creds_text(JWT, ACCOUNT.seed), "the seed is not a user's"),
    "a public key": (creds_text(JWT, USER.public), "expected a seed of 58 characters, got 56"),
    "a seed with a typing error": (creds_text(JWT, flipped(USER.seed, 20)), "its checksum does not fit"),
    "no base 32": (creds_text(JWT, USER.seed.lower()), "not in base 32"),
    "another's seed": (creds_text(JWT, Identity("user").seed), "not that of the user of the JWT"),
    "no token": (creds_text("e30", USER.seed), "the JWT is not one"),
    "no JSON": (creds_text("a.b.c", USER.seed), "the JWT is not one"),
    "no object": (creds_text("a.W10.c", USER.seed), "the JWT is not one"),
    "no ASCII": (creds_text(f"{JWT}ß", USER.seed), "no ASCII"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_and_not_shown(tmp_path: Path, case: str) -> None:
    text, expected = BAD[case]
    path = written(tmp_path, text)
    with pytest.raises(StopProgram) as refused:
        read_credentials(path)
    assert str(refused.value).startswith(f"NATS_CREDS_FILE: {path}: ")
    assert expected in str(refused.value)
    for secret in (USER.seed[2:12], JWT[:20]):
        assert secret not in str(refused.value)
