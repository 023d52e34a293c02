"""`ta-bot demo` and `ta-bot strategies`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from strategies.registry import STRATEGIES
from strategies.schema import schema_of
from tests.e2e.command import TA_BOT, Argument, refusal, replayed, signals_in, ta_bot, without_rate


def _demo(*options: Argument) -> list[list[str]]:
    """What a short demo prints, but for its speed."""
    ended = ta_bot("demo", "--days", "5", *options)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return without_rate(ended.stdout)


def test_a_demo_says_that_it_is_made_up_and_depends_on_nothing_but_its_seed(tmp_path: Path) -> None:
    first = _demo("--seed", "3", "--out", tmp_path / "first.jsonl")
    again = _demo("--seed", "3", "--out", tmp_path / "again.jsonl")
    other = _demo("--seed", "4", "--out", tmp_path / "other.jsonl")
    assert first[0][0] == "Synthetic"
    assert first[0][-3:] == ["Not", "real", "prices."]
    assert first == again
    assert first[1:] != other[1:]
    contents = [(tmp_path / f"{name}.jsonl").read_bytes() for name in ("first", "again", "other")]
    assert contents[0] == contents[1] != contents[2]
    assert {signal["symbol"] for signal in signals_in(tmp_path / "first.jsonl")} == {
        *("SYNTHAUSDT", "SYNTHBUSDT", "SYNTHCUSDT"),
    }


def test_the_klines_of_a_demo_can_be_kept_and_replayed(tmp_path: Path) -> None:
    _demo("--out", tmp_path / "demo.jsonl", "--keep", tmp_path / "klines")
    replayed(tmp_path / "klines", "--out", tmp_path / "replay.jsonl")
    assert (tmp_path / "demo.jsonl").read_bytes() == (tmp_path / "replay.jsonl").read_bytes() != b""


def test_a_demo_on_stdout_leaves_tables_to_stderr(tmp_path: Path) -> None:
    _demo("--out", tmp_path / "demo.jsonl")
    ended = ta_bot("demo", "--days", "5", "--out", "-")
    assert ended.stdout.encode() == (tmp_path / "demo.jsonl").read_bytes()
    assert "Not real prices" in ended.stderr


@pytest.mark.parametrize("target", ["nowhere/out.jsonl", "."])
def test_a_demo_that_cannot_write_says_so(tmp_path: Path, target: str) -> None:
    ended = ta_bot("demo", "--days", "1", "--out", target, cwd=tmp_path)
    assert ended.returncode == 2
    assert re.fullmatch(r"ta-bot: \S+: cannot be written: [^\n]+\n", ended.stderr)


def test_all_strategies_are_listed_with_all_parameters() -> None:
    ended = ta_bot("strategies")
    assert ended.returncode == 0
    listed = _listed(ended.stdout)
    assert len(listed) == 28
    for strategy_id, strategy in STRATEGIES.items():
        expected = [f"{parameter.name}{parameter.default}" for parameter in schema_of(strategy)]
        assert listed[strategy_id] == ",".join(expected)


def _listed(table: str) -> dict[str, str]:
    """The first and the last column of the table of strategies; long cells go on below, and are joined."""
    header = next(line for line in table.splitlines() if "parameters" in line)
    middle, last = header.index("what it"), header.index("parameters")
    rows: dict[str, str] = {}
    for block in re.split(r"\n[ ─]*\n", table.partition(header)[2]):
        lines = block.splitlines()
        first = "".join(line[:middle].strip() for line in lines)
        if first.strip("─"):
            rows[first] = re.sub(r"\s", "", "".join(line[last:] for line in lines))
    return rows


@pytest.mark.parametrize("strategy_id", ["momentum_pulse", "ichimoku_cloud_momentum", "bollinger_squeeze_alert"])
def test_one_strategy_is_shown_with_ranges_and_descriptions(strategy_id: str) -> None:
    ended = ta_bot("strategies", strategy_id)
    assert ended.returncode == 0
    assert STRATEGIES[strategy_id].name in ended.stdout
    words = set(ended.stdout.split())
    for parameter in schema_of(STRATEGIES[strategy_id]):
        row = re.search(rf"^ *{parameter.name} +(\S+) +(\S+) +(\S+) ", ended.stdout, re.MULTILINE)
        assert row, parameter.name
        assert [float(cell) for cell in row.groups()] == [parameter.default, parameter.minimum, parameter.maximum]
        assert parameter.description
        assert set(parameter.description.split()) <= words


def test_an_unknown_strategy_is_told_in_one_line() -> None:
    assert "unknown strategy 'astrology'" in refusal("strategies", "astrology")


def test_help_names_every_command_and_option() -> None:
    assert all(name in ta_bot("--help").stdout for name in ("replay", "demo", "strategies"))
    shown = ta_bot("replay", "--help").stdout
    options = "symbol timeframe out alerts-out strategies set min-confidence cooldown-bars from to processes recovery"
    assert [name for name in (*options.split(), "strict") if f"--{name}" not in shown] == []
    assert TA_BOT.exists()
