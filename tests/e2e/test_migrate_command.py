"""`ta-bot migrate` on MariaDB and MongoDB: made once, left alone ever after, and what is away is no riddle."""

from __future__ import annotations

import socket
import subprocess

from tests.configs import TABLES
from tests.e2e.command import HANGS_SECS, TA_BOT, environment, one_line
from tests.mariadb_server import MySQLDatabase
from tests.mongo_server import MongoDatabase

NOBODY = "mysql+pymysql://bot:s3cret@127.0.0.1:1/klines"


def migrate(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TA_BOT, "migrate", *options],
        capture_output=True,
        text=True,
        env=environment(**variables),
        timeout=HANGS_SECS,
        check=False,
    )


def indexes(mongo: MongoDatabase) -> set[str]:
    return {
        name
        for collection in mongo.behind.list_collection_names()
        for name, index in mongo.behind[collection].index_information().items()
        if index.get("unique")
    }


def test_tables_and_indexes_are_made_once(mysql: MySQLDatabase, mongo: MongoDatabase) -> None:
    variables = {"MYSQL_URI": mysql.uri, "MONGODB_URI": mongo.uri, "MONGODB_DATABASE": mongo.name}
    first = migrate(**variables)
    made = {table: mysql.execute(f"SHOW CREATE TABLE {table}") for table in TABLES}
    assert {f"unique_{name}" for name in TABLES if "audit" not in name} <= indexes(mongo)
    again = migrate(**variables)
    assert {table: mysql.execute(f"SHOW CREATE TABLE {table}") for table in TABLES} == made
    for ended in (first, again):
        assert (ended.returncode, ended.stderr) == (0, "")
        assert [line.partition("://")[0] for line in ended.stdout.splitlines()] == ["mongodb", "mysql"]
        assert mysql.password not in ended.stdout


def test_what_somebody_must_mend_is_an_error_whatever_may_be_away(mysql: MySQLDatabase) -> None:
    mysql.execute("CREATE TABLE strategy_configs_global (id INT, strategy_id VARCHAR(64), parameters TEXT)")
    mysql.execute("INSERT INTO strategy_configs_global VALUES (?, ?, ?)", (1, "a", "{}"), (2, "a", "{}"))
    ended = migrate("--allow-away", "--wait-secs", "60", MYSQL_URI=mysql.uri)
    assert ended.returncode == 2
    assert "strategy_configs_global has more than one row of a: keep one of them" in one_line(ended.stderr)


def test_a_database_that_is_away_is_an_error_unless_it_may_be() -> None:
    strict, lenient = migrate(MYSQL_URI=NOBODY), migrate("--allow-away", MYSQL_URI=NOBODY)
    assert (strict.returncode, lenient.returncode) == (2, 0)
    assert "goes on without mysql://***@127.0.0.1:1/klines" in one_line(lenient.stderr)
    assert "s3cret" not in strict.stderr + lenient.stderr


def test_a_database_that_is_away_is_tried_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        uri = f"mysql+pymysql://bot@127.0.0.1:{nobody.getsockname()[1]}/klines"
        command = [str(TA_BOT), "migrate", "--wait-secs", "600"]
        waiting = subprocess.Popen(command, env=environment(MYSQL_URI=uri), stderr=subprocess.DEVNULL)
        nobody.settimeout(HANGS_SECS)
        for _ in range(3):
            nobody.accept()[0].close()
        assert waiting.poll() is None
        waiting.kill()
        waiting.wait()
