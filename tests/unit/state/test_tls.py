"""What files for TLS must hold."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from state.errors import StopProgram
from state.tls import TlsFiles
from tests.certificates import World


def _garbage(folder: Path) -> Path:
    path = folder / "garbage.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return path


def _empty(folder: Path) -> Path:
    (folder / "empty.pem").touch()
    return folder / "empty.pem"


def _locked(key: Path, folder: Path) -> Path:
    """The same key behind a password."""
    path = folder / "locked.pem"
    encryption = serialization.BestAvailableEncryption(b"sesame")
    loaded = load_pem_private_key(key.read_bytes(), None)
    path.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    return path


Make = Callable[[World, Path], TlsFiles]

BAD: dict[str, tuple[Make, str]] = {
    "no file": (lambda _, folder: TlsFiles("X", folder / "no.pem"), "X_CA_FILE: .*no.pem: cannot be read: No such"),
    "a folder": (lambda _, folder: TlsFiles("X", folder), "X_CA_FILE: .*: cannot be read: Is a directory"),
    "empty": (lambda _, folder: TlsFiles("X", _empty(folder)), "X_CA_FILE: .*: expected certificates in PEM"),
    "garbage": (lambda _, folder: TlsFiles("X", _garbage(folder)), "X_CA_FILE: .*: expected certificates in PEM"),
    "no key": (lambda world, _: TlsFiles("X", cert=world.client.cert), "X_CERT_FILE: is of no use without X_KEY_FILE"),
    "key alone": (lambda world, _: TlsFiles("X", key=world.client.key), "X_KEY_FILE: is of no use without X_CERT_FILE"),
    "another's key": (
        lambda world, _: TlsFiles("X", cert=world.client.cert, key=world.server.key),
        "X_KEY_FILE: .*server.key.pem: is not the key of the certificate in .*client.cert.pem",
    ),
    "a key for a certificate": (
        lambda world, _: TlsFiles("X", cert=world.client.key, key=world.client.key.with_name("client.cert.pem")),
        "X_CERT_FILE: .*client.key.pem: expected a certificate in PEM",
    ),
    "a certificate for a key": (
        lambda world, _: TlsFiles("X", cert=world.client.cert, key=world.another.ca),
        "X_KEY_FILE: .*ca.pem: expected a key in PEM",
    ),
    "a password": (
        lambda world, folder: TlsFiles("X", cert=world.client.cert, key=_locked(world.client.key, folder)),
        "X_KEY_FILE: .*locked.pem: expected a key without a password",
    ),
    "one file without its key": (
        lambda world, _: TlsFiles("X", cert=world.client.cert, key=world.client.cert),
        "X_CERT_FILE: .*client.cert.pem: expected a certificate and its key in PEM",
    ),
    "one file that is missing": (
        lambda _, folder: TlsFiles("X", cert=folder / "no.pem", key=folder / "no.pem"),
        "X_CERT_FILE: .*no.pem: cannot be read",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_not_usable_is_named_with_its_variable(case: str, world: World, tmp_path: Path) -> None:
    make, expected = BAD[case]
    with pytest.raises(StopProgram, match=f"^{expected}") as refused:
        make(world, tmp_path).for_client()
    assert "\n" not in str(refused.value)


def test_what_is_made_verifies_and_knows_no_old_protocols(world: World) -> None:
    files = TlsFiles("X", world.authority.ca, world.client.both, world.client.both)
    for made in (files.for_client(), TlsFiles("X").for_client()):
        assert made.verify_mode is ssl.CERT_REQUIRED
        assert made.check_hostname
        assert made.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert len(files.for_client().get_ca_certs()) == 1, "the system's authorities are trusted beside the named one"
    served = TlsFiles("X", cert=world.server.cert, key=world.server.key).for_server()
    assert served.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_only_named_files_count() -> None:
    assert not TlsFiles("X")
    assert TlsFiles("X", Path("ca.pem"))


def test_a_replaced_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    files = TlsFiles("X", path)
    stamps = [files.stamp()]
    path.write_text("one")
    stamps.append(files.stamp())
    (tmp_path / "new.pem").write_text("two")
    (tmp_path / "new.pem").replace(path)
    stamps.append(files.stamp())
    path.unlink()
    stamps.append(files.stamp())
    assert stamps[0] == stamps[3]
    assert len(set(stamps)) == 3
