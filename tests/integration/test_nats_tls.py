"""The connection to NATS by TLS, with certificates and credentials that others may replace."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from dataflow.nats.connection import Connection, NatsOptions
from dataflow.nats.streams import Streams, StreamSettings
from state.errors import StopProgram
from state.tls import TlsFiles
from tests.certificates import DAY, Authority, Pair
from tests.nats_accounts import Accounts
from tests.nats_server import running_server, wait_until


def tls_settings(pair: Pair, trusted: Path | None = None) -> str:
    """What a server is told that shows a certificate and, with `trusted`, wants to see one."""
    clients = f'ca_file: "{trusted}", verify: true' if trusted else ""
    return f'tls {{ cert_file: "{pair.cert}", key_file: "{pair.key}", {clients} }}\n'


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def another(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "another", "others")


def is_refused(options: NatsOptions, why: str) -> None:
    """It does not get in, and says why."""
    with Connection(options) as connection:
        wait_until(lambda: why in (connection.trouble or ""), why)
        assert connection.generation == 0


def test_only_who_has_all_that_is_asked_for_gets_in(
    tmp_path: Path, authority: Authority, another: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    accounts, own = Accounts(), authority.issue("bot")
    creds = accounts.credentials(tmp_path / "bot.creds")
    settings = tls_settings(authority.issue("server"), authority.ca) + accounts.settings()
    full = TlsFiles("NATS", authority.ca, own.cert, own.key)
    with running_server(tmp_path / "nats", settings) as server:
        for scheme in ("nats", "tls"):  # with files, both mean the same
            url = server.url.replace("nats://", f"{scheme}://")
            with Connection(NatsOptions(url, tls=full, creds_file=creds)) as connection:
                assert Streams(connection, StreamSettings()).check(60)
                assert connection.trouble is None
        strange = another.issue("bot")
        refused = {
            "certificate required": NatsOptions(server.url, tls=TlsFiles("NATS", authority.ca), creds_file=creds),
            "unknown ca": NatsOptions(
                server.url, tls=TlsFiles("NATS", authority.ca, strange.cert, strange.key), creds_file=creds
            ),
            "CERTIFICATE_VERIFY_FAILED": NatsOptions(
                server.url, tls=TlsFiles("NATS", another.ca, own.cert, own.key), creds_file=creds
            ),
            "Authorization Violation": NatsOptions(server.url, tls=full),
            "'Authorization Violation'": NatsOptions(
                server.url, tls=full, creds_file=Accounts().credentials(tmp_path / "another.creds")
            ),
            "unable to get local issuer": NatsOptions(server.url),  # the server demands TLS: the system's authorities
        }
        for why, options in refused.items():
            is_refused(options, why)
            assert why in caplog.text
    [seed] = [line for line in creds.read_text().splitlines() if line.startswith("SU")]
    assert seed not in caplog.text
    assert "eof_received" not in caplog.text


def test_another_hosts_and_an_expired_certificate_are_refused_until_the_right_one_is_there(
    tmp_path: Path, authority: Authority
) -> None:
    stranger, old = authority.issue("stranger", hosts=("nats.example",)), authority.issue("old", lasts=-DAY)
    with (
        running_server(tmp_path / "nats", tls_settings(stranger)) as server,
        Connection(NatsOptions(server.url, tls=TlsFiles("NATS", authority.ca))) as connection,
    ):
        wait_until(lambda: "IP address mismatch" in (connection.trouble or ""), "the name to be refused")
        server.set(tls_settings(old))
        server.restart()
        wait_until(lambda: "has expired" in (connection.trouble or ""), "the old one to be refused")
        assert connection.generation == 0
        server.set(tls_settings(authority.issue("right")))
        server.restart()
        assert connection.wait_connected(60)


def test_the_systems_authorities_are_trusted_where_no_file_is_named(
    tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_server(tmp_path / "nats", tls_settings(authority.issue("server"))) as server:
        options = NatsOptions(server.url.replace("nats://", "tls://"))
        is_refused(options, "unable to get local issuer certificate")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))  # OpenSSL's own way to name them
        with Connection(options) as connection:
            assert connection.wait_connected(60)


def test_files_for_tls_make_it_a_must_whatever_the_url_says(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("bot")
    with running_server(tmp_path / "nats") as server:
        for files in (TlsFiles("NATS", authority.ca), TlsFiles("NATS", cert=own.cert, key=own.key)):
            is_refused(NatsOptions(server.url, tls=files), "the server does not ask for TLS")


def test_new_certificates_are_used_without_a_restart(
    tmp_path: Path, authority: Authority, another: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    """Everything changes: the authority, the server's certificate and the client's."""
    own, new = authority.issue("bot"), another.issue("bot")
    files = TlsFiles("NATS", tmp_path / "ca.pem", tmp_path / "cert.pem", tmp_path / "key.pem")
    shutil.copy(authority.ca, tmp_path / "ca.pem")
    shutil.copy(own.cert, tmp_path / "cert.pem")
    shutil.copy(own.key, tmp_path / "key.pem")
    caplog.set_level(logging.INFO, "dataflow.nats.connection")
    with (
        running_server(tmp_path / "nats", tls_settings(authority.issue("server"), authority.ca)) as server,
        Connection(NatsOptions(server.url, tls=files)) as connection,
    ):
        assert connection.wait_connected(60)
        server.set(tls_settings(another.issue("server"), another.ca))
        server.restart()
        wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in (connection.trouble or ""), "it to be refused")
        (tmp_path / "ca.pem").write_text("half a certifica")
        wait_until(lambda: "NATS_CA_FILE" in (connection.trouble or ""), "the file to be refused")
        shutil.copy(new.cert, tmp_path / "cert.pem")
        shutil.copy(new.key, tmp_path / "key.pem")
        shutil.copy(another.ca, tmp_path / "ca.pem")
        assert connection.wait_connected(60)
        assert connection.generation == 2
    said = [record.getMessage() for record in caplog.records if "away" in record.getMessage()]
    for why in ("CERTIFICATE_VERIFY_FAILED", "NATS_CA_FILE"):
        assert len([line for line in said if why in line]) == 1, "each reason is told once"


def test_credentials_that_end_are_replaced_without_a_restart(tmp_path: Path) -> None:
    accounts = Accounts()
    creds = accounts.credentials(tmp_path / "bot.creds", lasts_secs=2)
    with (
        running_server(tmp_path / "nats", accounts.settings()) as server,
        Connection(NatsOptions(server.url, creds_file=creds)) as connection,
    ):
        assert connection.wait_connected(60)
        wait_until(lambda: "Auth" in (connection.trouble or ""), "the credentials to end")
        accounts.credentials(creds)
        assert connection.wait_connected(60)
        others = Accounts()
        server.set(others.settings())
        server.restart()
        wait_until(lambda: "Authorization Violation" in (connection.trouble or ""), "it to be refused")
        creds.unlink()
        wait_until(lambda: "NATS_CREDS_FILE" in (connection.trouble or ""), "the file to be missed")
        others.credentials(creds)
        assert connection.wait_connected(60)


def test_a_file_that_is_not_usable_is_refused_at_once(tmp_path: Path) -> None:
    for options in ({"tls": TlsFiles("NATS", tmp_path / "no.pem")}, {"creds_file": tmp_path / "no.pem"}):
        with pytest.raises(StopProgram, match=r"^NATS_C\w+_FILE: .*no.pem: cannot be read: No such file"):
            NatsOptions(**options)
