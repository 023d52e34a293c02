"""Operator, account and users of NATS for tests: keys as its tools write them, and the tokens that they sign."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# The first letter of what is written: O for operators, A for accounts, U for users.
_LETTERS = {"operator": 14, "account": 0, "user": 20}
_SEED = 18

NO_LIMITS = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1) | {"wildcards": True}
JETSTREAM = dict.fromkeys(("mem_storage", "disk_storage", "streams", "consumer"), -1)


class Identity:
    """A key: `public` is how others name it, `seed` what it is made of."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._key = Ed25519PrivateKey.generate()
        letter = _LETTERS[kind]
        self.public = text_of(bytes([letter << 3]), self._key.public_key().public_bytes_raw())
        self.seed = text_of(bytes([(_SEED << 3) | (letter >> 2), (letter & 3) << 6]), self._key.private_bytes_raw())

    def signature(self, nonce: str) -> bytes:
        """What shows a server that one has the key."""
        return base64.b64encode(self._key.sign(nonce.encode()))

    def sign(self, subject: Identity, name: str, claims: dict[str, Any], lasts_secs: float | None = None) -> str:
        """A token for somebody."""
        now = int(time.time())
        body = {"iat": now, "iss": self.public, "sub": subject.public, "name": name}
        if lasts_secs is not None:
            body["exp"] = int(now + lasts_secs)
        body["nats"] = {**claims, "type": subject.kind, "version": 2}
        body["jti"] = _base32(hashlib.sha256(json.dumps(body).encode()).digest())
        signed = ".".join(_base64(part) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body))
        return f"{signed}.{base64.urlsafe_b64encode(self._key.sign(signed.encode())).decode().rstrip('=')}"


class Accounts:
    """An operator with an account that has JetStream, and one that the server is watched with."""

    def __init__(self) -> None:
        self._operator, self._account, self._system = map(Identity, ("operator", "account", "account"))

    def settings(self) -> str:
        """What a server is told of them."""
        operator = self._operator.sign(self._operator, "O", {"system_account": self._system.public})
        system = self._operator.sign(self._system, "SYS", {"limits": NO_LIMITS})
        account = self._operator.sign(self._account, "A", {"limits": NO_LIMITS | JETSTREAM})
        return (
            f"operator: {operator}\nsystem_account: {self._system.public}\nresolver: MEMORY\n"
            f"resolver_preload: {{ {self._system.public}: {system}, {self._account.public}: {account} }}\n"
        )

    def credentials(self, path: Path, name: str = "bot", lasts_secs: float | None = None) -> Path:
        """A new user's `.creds` file."""
        user = Identity("user")
        jwt = self._account.sign(user, name, {"subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}}, lasts_secs)
        path.write_text(creds_text(jwt, user.seed))
        return path

    def options(self) -> dict[str, Any]:
        """What a client of the library is told to come in as another user."""
        user = Identity("user")
        jwt = self._account.sign(user, "peer", {"subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}})
        return {"user_jwt_cb": jwt.encode, "signature_cb": user.signature}


def creds_text(jwt: str, seed: str) -> str:
    """A `.creds` file, with the words around it that NATS's own tools write."""
    return (
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        "************************* IMPORTANT *************************\n"
        "NKEY Seed printed below can be used to sign and prove identity.\n"
        "NKEYs are sensitive and should be treated as secrets.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n\n"
        "*************************************************************\n"
    )


def text_of(prefix: bytes, key: bytes) -> str:
    """A key as it is written: in base 32, with a checksum."""
    return _base32(prefix + key + crc16(prefix + key).to_bytes(2, "little"))


def crc16(data: bytes) -> int:
    """The checksum that NATS uses, bit by bit: CRC-16/XMODEM."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
        crc &= 0xFFFF
    return crc


def _base32(data: bytes) -> str:
    return base64.b32encode(data).decode().rstrip("=")


def _base64(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
