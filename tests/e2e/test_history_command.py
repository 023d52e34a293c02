"""`ta-bot history`: recorded klines into SQLite and MariaDB, and out again."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from dataflow.cli import main
from dataflow.recorded import read_bars
from state.bar import Bar
from tests.databases import START_MS, SqlDatabase, insert, make_table, some_bars
from tests.kit import real_klines_file
from tests.mariadb_server import MariaDB, MySQLDatabase

TA_BOT = Path(sys.executable).parent / "ta-bot"
HEADER = "symbol,time,open,high,low,close,volume\n"


def history(
    *arguments: str | Path, uri: str | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MYSQL_URI"}
    environment |= {} if uri is None else {"MYSQL_URI": uri}
    return subprocess.run(
        [TA_BOT, "history", *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def done(*arguments: str | Path, uri: str | None = None, cwd: Path | None = None) -> str:
    process = history(*arguments, uri=uri, cwd=cwd)
    assert (process.returncode, process.stderr) == (0, "")
    return process.stdout


Refused = Callable[..., str]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The one line that a command ends with which the user must mend something for. Runs in this process, quickly."""

    def run(*arguments: str | Path, uri: str = "") -> str:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("MYSQL_URI", uri)
        monkeypatch.setattr(sys, "argv", ["ta-bot", "history", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert (ended.value.code, said.out) == (2, "")
        assert said.err.startswith("ta-bot: ")
        assert said.err.count("\n") == 1
        return said.err

    return run


def counts(summary: str) -> dict[str, int]:
    rows = [line.rsplit(maxsplit=1) for line in summary.splitlines() if line.strip() and line.split()[-1][0].isdigit()]
    return {name.strip(): int(count.replace(",", "")) for name, count in rows}


def rows_of(bars: list[Bar], symbol: str = "BTCUSDT") -> str:
    return "".join(f"{symbol},{','.join(map(repr, bar))}\n" for bar in bars)


def exported(path: Path) -> list[tuple[str, Bar]]:
    return list(read_bars([path]))


def test_a_year_of_klines_goes_in_and_comes_out_the_same(database: SqlDatabase, tmp_path: Path) -> None:
    recorded, out = real_klines_file("BTCUSDT", "1h"), tmp_path / "out.csv"
    bars = list(read_bars([recorded]))
    first = counts(done("import", recorded, uri=database.uri))
    assert first == {
        "keys": 1, "bars new": len(bars), "bars corrected": 0, "bars there already": 0, "bad rows skipped": 0
    }  # fmt: skip
    again = counts(done("import", recorded, "--uri", database.uri, uri="mysql://nobody@127.0.0.1:1/nothing"))
    assert (again["bars new"], again["bars there already"]) == (0, len(bars))
    done("export", "--symbol", "btcusdt", "--timeframe", "1h", "--out", out, uri=database.uri)
    assert exported(out) == bars
    assert counts(done("import", out, uri=database.uri)) == again


def test_numbers_come_out_to_the_last_bit(database: SqlDatabase, tmp_path: Path) -> None:
    random = Random(3)
    bars = []
    for bar in some_bars(500):
        low, open_, close, high = sorted(random.random() * 10 ** random.uniform(-9, 9) for _ in range(4))
        bars.append(Bar(bar.open_time_ms, open_, high, low, close, random.random() * 10 ** random.uniform(-20, 20)))
    recorded, out = tmp_path / "BTCUSDT-15m.csv", tmp_path / "out.csv"
    recorded.write_text(HEADER + rows_of(bars))
    done("import", recorded, uri=database.uri)
    done("export", "--symbol", "BTCUSDT", "--timeframe", "15m", "--out", out, uri=database.uri)
    assert exported(out) == [("BTCUSDT|15m", bar) for bar in bars]


def test_without_a_uri_it_is_a_file_in_the_working_folder(tmp_path: Path) -> None:
    bars = some_bars(3)
    (tmp_path / "BTCUSDT-15m.csv").write_text(HEADER + rows_of(bars))
    for uri in (None, ""):
        assert "sqlite:///ta-bot.sqlite3" in done("import", "BTCUSDT-15m.csv", cwd=tmp_path, uri=uri)
    assert (tmp_path / "ta-bot.sqlite3").exists()
    assert done("export", "--symbol", "BTCUSDT", "--timeframe", "15m", cwd=tmp_path).splitlines() == [
        "symbol,timeframe,time,open,high,low,close,volume",
        "BTCUSDT,15m,2024-01-01T00:00:00.000Z,100.0,100.75,99.99999999,100.5,1000.0",
        "BTCUSDT,15m,2024-01-01T00:15:00.000Z,100.25,101.0,100.24999999,100.75,1000.125",
        "BTCUSDT,15m,2024-01-01T00:30:00.000Z,100.5,101.25,100.49999999,101.0,1000.25",
    ]


def test_bad_rows_are_shown_and_skipped(database: SqlDatabase, tmp_path: Path) -> None:
    bars = some_bars(3)
    recorded = tmp_path / "klines-15m.csv"
    recorded.write_text(
        HEADER + rows_of(bars) + f"BTCUSDT,{START_MS},1,2,3,4,5\n" + "much\n" + rows_of(bars[:2], "ETHUSDT")
    )
    process = history("import", recorded, "--timeframe", "15m", uri=database.uri)
    assert process.returncode == 0
    assert [line.split(": ")[:2] for line in process.stderr.splitlines()] == [
        ["bad row", f"{recorded}:5"],
        ["bad row", f"{recorded}:6"],
    ]
    assert counts(process.stdout) == {
        "keys": 2, "bars new": 5, "bars corrected": 0, "bars there already": 0, "bad rows skipped": 2
    }  # fmt: skip


def test_more_bad_rows_than_are_shown_are_counted(tmp_path: Path) -> None:
    recorded = tmp_path / "BTCUSDT-15m.csv.gz"
    recorded.write_bytes(gzip.compress((HEADER + rows_of(some_bars(1)) + "much\n" * 500).encode()))
    process = history("import", recorded, cwd=tmp_path)
    assert counts(process.stdout)["bad rows skipped"] == 500
    assert len(process.stderr.splitlines()) == 20


def test_bad_rows_of_the_history_are_shown_and_left_out(database: SqlDatabase, tmp_path: Path) -> None:
    bars = some_bars(3)
    make_table(database, "klines_m15")
    insert(database, "klines_m15", [bars[0], bars[1]._replace(high=1.0), bars[2]], symbol="BTCUSDT")
    out = tmp_path / "out.csv"
    process = history("export", "--symbol", "BTCUSDT", "--timeframe", "15m", "--out", out, uri=database.uri)
    assert process.returncode == 0
    assert process.stderr.startswith(f"bad row: klines_m15, BTCUSDT, {bars[1].open_time_ms}: ")
    assert [bar for _, bar in exported(out)] == [bars[0], bars[2]]


def test_times_bound_what_is_exported(refused: Refused, database: SqlDatabase, tmp_path: Path) -> None:
    bars = some_bars(8)
    recorded, out = tmp_path / "BTCUSDT-15m.csv", tmp_path / "out.csv"
    recorded.write_text(HEADER + rows_of(bars))
    done("import", recorded, uri=database.uri)
    bounds = ("--from", "2024-01-01T00:30", "--to", str(bars[5].open_time_ms))
    done("export", "--symbol", "BTCUSDT", "--timeframe", "15m", *bounds, "--out", out, uri=database.uri)
    assert [bar for _, bar in exported(out)] == bars[2:5]
    assert "no bars of BTCUSDT|15m" in refused(
        *("export", "--symbol", "BTCUSDT", "--timeframe", "15m", "--from", "2030-01-01"), uri=database.uri
    )


def test_more_than_a_page_is_exported_whole(tmp_path: Path) -> None:
    recorded, out = real_klines_file("ETHUSDT", "15m"), tmp_path / "out.csv"
    done("import", recorded, cwd=tmp_path)
    done("export", "--symbol", "ETHUSDT", "--timeframe", "15m", "--out", out, cwd=tmp_path)
    assert exported(out) == list(read_bars([recorded]))


def test_what_the_user_must_mend_is_one_line(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "BTCUSDT-15m.csv").write_text(HEADER + rows_of(some_bars(1)))
    (tmp_path / "text.sqlite3").write_text("This is no database, but it is long enough to look like one. " * 20)
    wanted = ("export", "--symbol", "BTCUSDT", "--timeframe", "15m")
    assert "no bars of BTCUSDT|15m" in refused(*wanted)
    assert not (tmp_path / "ta-bot.sqlite3").exists()
    assert "missing.csv" in refused("import", "missing.csv")
    assert "unknown timeframe" in refused("export", "--symbol", "X", "--timeframe", "7m")
    assert "bad symbol" in refused("export", "--symbol", "x'; --", "--timeframe", "15m")
    assert "time" in refused(*wanted, "--from", "yesterday")
    assert "expected mysql" in refused("import", "BTCUSDT-15m.csv", "--uri", "postgresql://a:b@c/d")
    assert "not a database" in refused(*wanted, "--uri", "sqlite:///text.sqlite3")
    done("import", "BTCUSDT-15m.csv", cwd=tmp_path)
    assert "cannot be written" in refused(*wanted, "--out", "no/such/folder/out.csv")
    assert "cannot be written" in refused(*wanted, "--out", ".")


def test_servers_that_are_away_or_refuse_are_one_line_without_secrets(
    refused: Refused, mariadb: MariaDB, mysql: MySQLDatabase, tmp_path: Path
) -> None:
    recorded = tmp_path / "BTCUSDT-15m.csv"
    recorded.write_text(HEADER + rows_of(some_bars(1)))
    shown = f"mysql://***@127.0.0.1:{mariadb.port}/{mysql.name}"
    wrong = mysql.uri.replace(mysql.user, "sesame")
    refusals = [refused("import", recorded, uri=wrong)]
    with mariadb.down():
        refusals += [refused("import", recorded, uri=mysql.uri), refused("import", recorded, "--uri", mysql.uri)]
    for refusal in refusals:
        assert shown in refusal
        assert not [secret for secret in ("sesame", mysql.user, mysql.password) if secret in refusal]
