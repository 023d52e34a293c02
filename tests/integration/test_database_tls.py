"""MySQL and MongoDB by TLS: who does not show or accept the right certificate stays outside."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from state.configs.mongo import MongoConfigStore
from state.configs.stores import open_stores
from state.errors import RetryLater, StopProgram
from state.klines import KlineStore
from state.tls import TlsFiles
from tests.certificates import DAY, Pair, World
from tests.configs import BTC, change
from tests.databases import some_bars
from tests.mariadb_server import MariaDB, MySQLDatabase, mysql_database
from tests.mongo_server import MongoDatabase, MongoServer, mongo_database

KEY = "BTCUSDT|15m"
MYSQL, MONGODB = partial(TlsFiles, "MYSQL"), partial(TlsFiles, "MONGODB")

PASSWORD_PART = "p%40ss"


@pytest.fixture
def mysql(tls_mariadb: MariaDB) -> Iterator[MySQLDatabase]:
    """A database on a server that demands TLS."""
    with mysql_database(tls_mariadb) as database:
        yield database


@pytest.fixture
def mongo(tls_mongod: MongoServer) -> Iterator[MongoDatabase]:
    """A database on a server that demands TLS, and certificates of its clients."""
    with mongo_database(tls_mongod) as database:
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
    used(mysql.uri, MYSQL(world.authority.ca))
    used(mysql.uri.replace("127.0.0.1", "localhost"), MYSQL(world.authority.ca))
    used(f"{mysql.uri}?ssl_ca={world.authority.ca}")
    with closing(open_stores(None, "", mysql.uri, "", mysql_tls=MYSQL(world.authority.ca))) as stores:
        stores.write(change(BTC, {"trend_period": 21}, 0))
        assert stores.read().source == "mysql"


def test_the_systems_authorities_are_trusted_where_no_file_is_named(
    mysql: MySQLDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in why_not(mysql.uri, MYSQL())
    monkeypatch.setenv("SSL_CERT_FILE", str(mysql.server.trusted))
    used(mysql.uri, MYSQL())


def test_mysql_of_another_authority_is_refused(mysql: MySQLDatabase, world: World) -> None:
    assert "CERTIFICATE_VERIFY_FAILED" in why_not(mysql.uri, MYSQL(world.another.ca))
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
    files = MONGODB(world.authority.ca, world.client.both, world.client.both)
    with (
        closing(KlineStore(mysql.uri, tls=MYSQL(world.authority.ca))) as store,
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
    own = MYSQL(world.authority.ca, tmp_path / "cert.pem", tmp_path / "key.pem")
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
    without = MYSQL(world.authority.ca)
    with closing(KlineStore(mysql.uri, tls=without)) as store, pytest.raises(StopProgram, match="Access denied"):
        store.check()


def test_a_mysql_without_tls_is_refused(mariadb: MariaDB, world: World) -> None:
    with mysql_database(mariadb) as database:
        assert "SSL" in why_not(database.uri, MYSQL(world.authority.ca))
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
        KlineStore(f"mysql://olga:sesame@127.0.0.1/klines?ssl_ca={missing}", tls=MYSQL(world.authority.ca))
    with pytest.raises(StopProgram, match="one of both"):
        MongoConfigStore(
            f"mongodb://olga:sesame@127.0.0.1/?tlsCAFile={missing}", "petrosa", tls=MYSQL(world.authority.ca)
        )
    uri = f"mysql://olga:sesame@127.0.0.1/klines?ssl_ca={missing}"
    with closing(KlineStore(uri)) as store, pytest.raises(StopProgram, match="a file that the URI's options name"):
        store.check()
    with pytest.raises(StopProgram, match=rf"MongoDB URI: {missing}: cannot be read"):
        MongoConfigStore(f"mongodb://olga:sesame@127.0.0.1/?tlsCAFile={missing}", "petrosa")


def test_mongodb_by_tls(mongo: MongoDatabase, world: World) -> None:
    own = world.client.both
    files = MONGODB(world.authority.ca, own, own)
    options = f"tls=true&tlsCAFile={world.authority.ca}&tlsCertificateKeyFile={own}"
    for uri, tls in ((mongo.uri, files), (f"{mongo.uri}/?tls=true", files), (f"{mongo.uri}/?{options}", None)):
        with closing(MongoConfigStore(uri, mongo.name, tls=tls)) as configs:
            configs.check()


def test_mongodb_refuses_and_is_refused(mongo: MongoDatabase, world: World) -> None:
    own = world.client.both
    wrong = {
        "CERTIFICATE_VERIFY_FAILED": MONGODB(world.another.ca, own, own),
        "connection closed|reset|SSL": MONGODB(world.authority.ca),
        "closed|reset": None,
    }
    for why, tls in wrong.items():
        with (
            closing(MongoConfigStore(mongo.uri, mongo.name, tls=tls)) as configs,
            pytest.raises(RetryLater, match=why),
        ):
            configs.check()
