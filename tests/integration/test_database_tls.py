"""MySQL and MongoDB by TLS: who does not show or accept the right certificate stays outside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from state.configs.mongo import MongoConfigStore
from state.configs.stores import open_stores
from state.errors import RetryLater, StopProgram
from state.klines import KlineStore
from state.tls import TlsFiles
from tests.certificates import DAY, Authority, Pair
from tests.configs import BTC, change
from tests.databases import some_bars
from tests.mariadb_server import MariaDB, MySQLDatabase, mysql_database, running_mariadb
from tests.mongo_server import MongoDatabase, MongoServer, mongo_database, running_mongod

KEY = "BTCUSDT|15m"
PASSWORD_PART = "p%40ss"


class World(NamedTuple):
    """An authority, a certificate of a server that is there, one of a client, and another authority."""

    authority: Authority
    server: Pair
    client: Pair
    another: Authority

    @property
    def files(self) -> TlsFiles:
        return TlsFiles("MYSQL", self.authority.ca)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority(folder / "authority")
    another = Authority(folder / "another", "others")
    return World(authority, authority.issue("server"), authority.issue("client"), another)


@pytest.fixture(scope="module")
def mariadb(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDB]:
    """A server that demands TLS."""
    with running_mariadb(tmp_path_factory.mktemp("mariadb"), world.server, world.authority.ca) as server:
        yield server


@pytest.fixture
def mysql(mariadb: MariaDB) -> Iterator[MySQLDatabase]:
    with mysql_database(mariadb) as database:
        yield database


@pytest.fixture(scope="module")
def mongod(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """A server that demands TLS, and certificates of its clients."""
    folder = tmp_path_factory.mktemp("mongod")
    with running_mongod(folder, certificate=world.server, trusted=world.authority.ca) as server:
        yield server


@pytest.fixture
def mongo(mongod: MongoServer) -> Iterator[MongoDatabase]:
    with mongo_database(mongod) as database:
        yield database


def used(uri: str, tls: TlsFiles | None = None) -> None:
    """The history in MySQL is written and read."""
    bars = some_bars(3)
    with closing(KlineStore(uri, tls=tls)) as store:
        store.write(KEY, bars)
        assert store.latest(KEY, 3) == bars


def why_not(uri: str, tls: TlsFiles | None = None) -> str:
    """Why MySQL is away for the history; it is waited for."""
    with closing(KlineStore(uri, tls=tls)) as store, pytest.raises(RetryLater) as refused:
        store.check()
    assert PASSWORD_PART not in str(refused.value)
    assert MySQLDatabase.password not in str(refused.value)
    return str(refused.value)


def test_mysql_by_tls(mysql: MySQLDatabase, world: World) -> None:
    used(mysql.uri, world.files)
    used(mysql.uri.replace("127.0.0.1", "localhost"), world.files)
    used(f"{mysql.uri}?ssl_ca={world.authority.ca}")
    with closing(open_stores(None, "", mysql.uri, "", mysql_tls=world.files)) as stores:
        stores.write(change(BTC, {"trend_period": 21}, 0))
        assert stores.read().source == "mysql"


def test_the_systems_authorities_are_trusted_where_no_file_is_named(
    mysql: MySQLDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in why_not(mysql.uri, TlsFiles("MYSQL"))
    monkeypatch.setenv("SSL_CERT_FILE", str(mysql.server.trusted))
    used(mysql.uri, TlsFiles("MYSQL"))


def test_mysql_of_another_authority_is_refused(mysql: MySQLDatabase, world: World) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in why_not(mysql.uri, TlsFiles("MYSQL", world.another.ca))
    assert "CERTIFICATE_VERIFY_FAILED" in why_not(f"{mysql.uri}?ssl_ca={world.another.ca}")


@pytest.fixture
def swapped(world: World) -> Iterator[Callable[[Pair], None]]:
    """Puts another certificate in the place of the server's."""
    kept = {path: path.read_bytes() for path in world.server}

    def swap(other: Pair) -> None:
        for path, own in zip(other, world.server, strict=True):
            shutil.copy(path, own)

    yield swap
    for path, content in kept.items():
        path.write_bytes(content)


def test_a_wrong_host_and_an_old_certificate_are_refused_until_there_is_a_right_one(
    mysql: MySQLDatabase, mongo: MongoDatabase, world: World, swapped: Callable[[Pair], None]
) -> None:
    right = world.authority.issue("right")
    stranger = world.authority.issue("stranger", hosts=("db.example",))
    old = world.authority.issue("old", lasts=-DAY)
    files = TlsFiles("MONGODB", world.authority.ca, world.client.both, world.client.both)
    with (
        closing(KlineStore(mysql.uri, tls=world.files)) as store,
        closing(MongoConfigStore(mongo.uri, mongo.name, tls=files)) as configs,
    ):
        for pair, why in ((stranger, "IP address mismatch"), (old, "certificate has expired")):
            swapped(pair)
            mysql.server.renew()
            with pytest.raises(RetryLater, match=why):
                store.check()
            if pair is stranger:  # an expired one it does not start with
                mongo.server.renew()
                with pytest.raises(RetryLater, match=why):
                    configs.check()
        swapped(right)
        mysql.server.renew()
        mongo.server.renew()
        store.check()
        configs.check()


def test_mysql_asks_for_a_certificate(mysql: MySQLDatabase, world: World, tmp_path: Path) -> None:
    """Another one takes its place without a restart."""
    mysql.server.execute(f"ALTER USER {mysql.user}@'127.0.0.1' REQUIRE ISSUER '/CN=Authority of Tests'")
    own = TlsFiles("MYSQL", world.authority.ca, tmp_path / "cert.pem", tmp_path / "key.pem")
    stranger = world.another.issue("client")
    shutil.copy(stranger.cert, tmp_path / "cert.pem")
    shutil.copy(stranger.key, tmp_path / "key.pem")
    with closing(KlineStore(mysql.uri, tls=own)) as store:
        with pytest.raises((RetryLater, StopProgram)):
            store.check()
        shutil.copy(world.client.cert, tmp_path / "cert.pem")
        shutil.copy(world.client.key, tmp_path / "key.pem")
        store.check()
        shutil.copy(stranger.key, tmp_path / "key.pem")
    with pytest.raises(StopProgram, match=r"MYSQL_KEY_FILE: .*key.pem: is not the key of the certificate"):
        KlineStore(mysql.uri, tls=own)
    with closing(KlineStore(mysql.uri, tls=world.files)) as store, pytest.raises(StopProgram, match="Access denied"):
        store.check()


def test_a_mysql_without_tls_is_refused(tmp_path: Path, world: World) -> None:
    with running_mariadb(tmp_path) as server, mysql_database(server) as database:
        assert "SSL" in why_not(database.uri, world.files)
        used(database.uri)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("ssl=true", "expected MYSQL_TLS=true"),
        ("ssl_disabled=false", "expected MYSQL_TLS=true"),
        ("ssl_verify_identity=true", "expected MYSQL_TLS=true"),
        ("ssl_verify_cert=true&ssl_ca=/x", "expected MYSQL_TLS=true"),
        ("ssl_check_hostname=true", "without ssl_ca"),
        ("ssl_cert=/x&ssl_key=/x", "without ssl_ca"),
    ],
)
def test_options_that_would_not_do_what_they_say_are_refused(options: str, expected: str) -> None:
    with pytest.raises(StopProgram, match=expected) as refused:
        KlineStore(f"mysql://olga:sesame@127.0.0.1/klines?{options}")
    assert "sesame" not in str(refused.value)


def test_files_are_named_in_one_place(tmp_path: Path, world: World) -> None:
    missing = f"{tmp_path}/no.pem"
    with pytest.raises(StopProgram, match="one of both"):
        KlineStore(f"mysql://olga:sesame@127.0.0.1/klines?ssl_ca={missing}", tls=world.files)
    with pytest.raises(StopProgram, match="one of both"):
        MongoConfigStore(f"mongodb://olga:sesame@127.0.0.1/?tlsCAFile={missing}", "petrosa", tls=world.files)
    uri = f"mysql://olga:sesame@127.0.0.1/klines?ssl_ca={missing}"
    with closing(KlineStore(uri)) as store, pytest.raises(StopProgram, match="a file that the URI's options name"):
        store.check()
    with pytest.raises(StopProgram, match=rf"MongoDB URI: {missing}: cannot be read"):
        MongoConfigStore(f"mongodb://olga:sesame@127.0.0.1/?tlsCAFile={missing}", "petrosa")


def test_mongodb_by_tls(mongo: MongoDatabase, world: World) -> None:
    own = world.client.both
    files = TlsFiles("MONGODB", world.authority.ca, own, own)
    options = f"tls=true&tlsCAFile={world.authority.ca}&tlsCertificateKeyFile={own}"
    for uri, tls in ((mongo.uri, files), (f"{mongo.uri}/?tls=true", files), (f"{mongo.uri}/?{options}", None)):
        with closing(MongoConfigStore(uri, mongo.name, tls=tls)) as configs:
            configs.check()


def test_mongodb_refuses_and_is_refused(mongo: MongoDatabase, world: World) -> None:
    own = world.client.both
    wrong = {
        "CERTIFICATE_VERIFY_FAILED": TlsFiles("MONGODB", world.another.ca, own, own),
        "connection closed|reset|SSL": TlsFiles("MONGODB", world.authority.ca),
        "closed|reset": None,
    }
    for why, tls in wrong.items():
        with (
            closing(MongoConfigStore(mongo.uri, mongo.name, tls=tls)) as configs,
            pytest.raises(RetryLater, match=why),
        ):
            configs.check()
