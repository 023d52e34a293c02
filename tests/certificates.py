"""Certificates for tests: an authority, and what it signs."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = ("127.0.0.1", "localhost")
DAY = timedelta(days=1)


class Pair(NamedTuple):
    """A certificate and its key, and both in one file."""

    cert: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates; `ca` is the file that has it trusted. Each has a folder of its own."""

    def __init__(self, folder: Path, name: str = "Tests") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"Authority of {name}")
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        certificate = (
            _begun(self._name, self._name, self._key, DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca.write_bytes(_pem(certificate))

    def issue(self, name: str, *, hosts: tuple[str, ...] = HERE, lasts: timedelta = DAY) -> Pair:
        """A certificate for servers at `hosts` and for clients; one that lasts less than nothing has expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName(list(map(_general, hosts)))
        uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        certificate = (
            _begun(_named(name), self._name, key, lasts)
            .add_extension(names, critical=False)
            .add_extension(uses, critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pair = Pair(*(self.folder / f"{name}{ending}" for ending in (".cert.pem", ".key.pem", ".pem")))
        pair.cert.write_bytes(_pem(certificate))
        pair.key.write_bytes(_key_pem(key))
        pair.both.write_bytes(_pem(certificate) + _key_pem(key))
        return pair

    def context(self, own: Pair | None = None) -> ssl.SSLContext:
        """What a client that trusts it connects with."""
        context = ssl.create_default_context(cafile=self.ca)
        if own is not None:
            context.load_cert_chain(own.cert, own.key)
        return context


class World(NamedTuple):
    """An authority, a certificate of a server here and one of a client, and another authority."""

    authority: Authority
    server: Pair
    client: Pair
    another: Authority


def new_world(folder: Path) -> World:
    authority = Authority(folder / "authority")
    another = Authority(folder / "another", "others")
    return World(authority, authority.issue("server"), authority.issue("client"), another)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
