"""What is logged, as text and as JSON: in a process of its own, since a process logs in one way."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).resolve().parents[3]

# A password with characters that are written otherwise in a URI, in a repr and in JSON.
PASSWORD = 'pa"ss\\w@rd-marker'
URI = "mysql+pymysql://bot:pa%22ss%5Cw%40rd-marker@db:3306/klines"

PROGRAM = """
import logging, sys, threading, warnings
from dataflow.logs import log_to_stderr, tell_end
from state.configs.records import Scope

log_to_stderr()
log = logging.getLogger("somebody.elses")
password = {password!r}
log.debug("not shown")
log.info("%s: warmed up\\non two lines", "BTCUSDT|15m", extra={{"key": "BTCUSDT|15m"}})
log.info("changed", extra={{"scope": Scope("doji_reversal", "ETHUSDT"), "version": 3}})
log.warning("it said %s and %r", password, password, extra={{"given": [password, {{"deep": password}}], "odd": object}})
try:
    raise ValueError(f"cannot reach {uri} with {{password}}")
except ValueError:
    log.exception("failed")
thread = threading.Thread(target=lambda: int(password), name="side")
thread.start()
thread.join()
warnings.warn("a library warns", stacklevel=1)
log.info("%d bars", "many")
log.info("a half of a character: \\ud800")
tell_end(f"cannot go on\\nwith {{password}}")
"""


def said(**settings: str) -> list[str]:
    program = PROGRAM.format(password=PASSWORD, uri=URI)
    environment = {"PYTHONPATH": str(ROOT), "MYSQL_URI": URI, **settings}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment, cwd=ROOT
    )
    assert not ended.stdout
    assert "rd-marker" not in ended.stderr
    return ended.stderr.splitlines()


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in said(LOG_FORMAT="json")]


def test_json_is_one_object_a_line_with_time_level_event_and_logger(events: list[dict[str, Any]]) -> None:
    for event in events:
        assert {"timestamp", "level", "event", "logger"} <= event.keys()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["timestamp"])
        assert abs((datetime.now(UTC) - datetime.fromisoformat(event["timestamp"])).total_seconds()) < 3600
    levels = ["info", "info", "warning", "error", "error", "warning", "error", "info", "critical"]
    assert [event["level"] for event in events] == levels


def test_json_has_what_an_event_is_about_in_fields(events: list[dict[str, Any]]) -> None:
    warmed_up, changed, *_ = events
    assert warmed_up["event"] == "BTCUSDT|15m: warmed up\non two lines"
    assert [warmed_up[name] for name in ("key", "symbol", "timeframe")] == ["BTCUSDT|15m", "BTCUSDT", "15m"]
    assert [changed[name] for name in ("strategy", "symbol", "version")] == ["doji_reversal", "ETHUSDT", 3]


def test_json_has_errors_in_a_field_wherever_they_come_from(events: list[dict[str, Any]]) -> None:
    failed, thread = events[3], events[4]
    assert (
        failed["exception"].splitlines()[-1] == "ValueError: cannot reach mysql+pymysql://***@db:3306/klines with ***"
    )
    assert failed["exception"].startswith("Traceback")
    assert thread["event"] == "thread side ended by an error"
    assert "ValueError: invalid literal" in thread["exception"]
    assert "a library warns" in events[5]["event"]


def test_json_has_secrets_nowhere(events: list[dict[str, Any]]) -> None:
    quoting = events[2]
    assert quoting["event"] == "it said *** and '***'"
    assert quoting["given"] == ["***", {"deep": "***"}]
    assert events[-1]["event"] == "cannot go on with ***"


def test_a_message_that_cannot_be_written_says_where_it_is(events: list[dict[str, Any]]) -> None:
    assert "a message of somebody.elses, line " in events[6]["event"]


def test_text_is_short_lines_for_people() -> None:
    lines = said()
    assert lines[:4] == [
        "INFO BTCUSDT|15m: warmed up",
        "on two lines",
        "INFO changed",
        "WARNING it said *** and '***'",
    ]
    assert "ValueError: cannot reach mysql+pymysql://***@db:3306/klines with ***" in lines
    assert lines[-1] == "ta-bot: cannot go on with ***"
