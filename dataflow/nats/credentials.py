"""A `.creds` file of NATS: a user's token (JWT), and the seed of the key that proves that it is theirs."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import orjson

from state.errors import StopProgram

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VARIABLE = "NATS_CREDS_FILE"

# What stands before a key, which makes its text begin with a letter: S for a seed and then U for a user's.
_SEED, _USER = 18 << 3, 20 << 3
_SEED_PREFIX = bytes([_SEED | _USER >> 5, (_USER & 31) << 3])
_SEED_BYTES, _CRC_BYTES = 32, 2

_MOST_BYTES = 1 << 20

_SECTION = re.compile(r"-{3,} *BEGIN (?P<name>[A-Z ]+?) *-{3,}\s+(?P<text>[\w\-.=]+)\s+-{3,} *END (?P=name) *-{3,}")
_JWT, _NKEY = "NATS USER JWT", "USER NKEY SEED"


@dataclass(frozen=True)
class Credentials:
    """A user's token, and the key that signs what a server asks to have signed."""

    jwt: str = field(repr=False)
    key: Ed25519PrivateKey = field(repr=False)

    def token(self) -> bytes:
        """The JWT, as the client sends it."""
        return self.jwt.encode()

    def sign(self, nonce: str) -> bytes:
        """What proves to a server that the token is ours, as the client sends it."""
        return base64.b64encode(self.key.sign(nonce.encode()))


def read_credentials(path: Path) -> Credentials:
    """The credentials in a file.

    Raises:
        StopProgram: there are none. The message names the variable and the path, and quotes nothing of the file.
    """
    sections = _sections(path)
    for name in (_JWT, _NKEY):
        if name not in sections:
            _refuse(path, f"expected a section BEGIN {name}")
    jwt = sections[_JWT]
    key = _key_of(sections[_NKEY], path)
    if _subject_of(jwt, path) != _public_text(key):
        _refuse(path, "the seed is not that of the user of the JWT")
    return Credentials(jwt, key)


def _sections(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES).decode("ascii")
    except OSError as error:
        _refuse(path, f"cannot be read: {error.strerror or error}")
    except UnicodeDecodeError:
        _refuse(path, "expected a .creds file, got something that is no ASCII")
    found = [(section["name"], section["text"]) for section in _SECTION.finditer(text)]
    if len(dict(found)) != len(found):
        _refuse(path, "has a section twice")
    return dict(found)


def _key_of(seed: str, path: Path) -> Ed25519PrivateKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # only for who has such a file

    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error:
        _refuse(path, "the seed is not in base 32")
    if len(raw) != len(_SEED_PREFIX) + _SEED_BYTES + _CRC_BYTES:
        _refuse(path, f"expected a seed of 58 characters, got {len(seed)}")
    if not raw.startswith(_SEED_PREFIX):
        _refuse(path, "the seed is not a user's, which begins with SU")
    if _crc(raw[:-_CRC_BYTES]) != raw[-_CRC_BYTES:]:
        _refuse(path, "the seed is damaged: its checksum does not fit")
    return Ed25519PrivateKey.from_private_bytes(raw[len(_SEED_PREFIX) : -_CRC_BYTES])


def _subject_of(jwt: str, path: Path) -> str:
    """Whose token it is, as it says; the server is who checks that it is true."""
    try:
        _, body, _ = jwt.split(".")
        claims = orjson.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return str(claims["sub"])
    except (ValueError, KeyError, TypeError):
        _refuse(path, "the JWT is not one")


def _public_text(key: Ed25519PrivateKey) -> str:
    raw = bytes([_USER]) + key.public_key().public_bytes_raw()
    return base64.b32encode(raw + _crc(raw)).decode().rstrip("=")


def _crc(data: bytes) -> bytes:
    return binascii.crc_hqx(data, 0).to_bytes(_CRC_BYTES, "little")


def _refuse(path: Path, why: str) -> NoReturn:
    raise StopProgram(f"{VARIABLE}: {path}: {why}") from None
