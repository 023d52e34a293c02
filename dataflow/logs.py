"""What a program says of itself while it runs: short lines for people, or JSON for those who collect it."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import Any

from dataflow.redaction import hide_secrets_of, redacted
from state.errors import StopProgram

log = logging.getLogger(__name__)

FORMATS = ("text", "json")


class _Stderr(logging.StreamHandler[Any]):
    """Writes what can be written; of a record that cannot, where it came from and not what is in it."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        broken = f"a message of {record.name}, line {record.lineno}, could not be written"
        substitute = logging.LogRecord(record.name, logging.ERROR, "", 0, broken, None, None)
        try:
            self.stream.write(self.format(substitute) + self.terminator)
            self.flush()
        except (OSError, ValueError):
            return  # stderr is gone


class _Text(logging.Formatter):
    """Short lines, without secrets; the structured fields are in the message already."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class _Output:
    """How this process writes."""

    is_json = False


def log_to_stderr() -> None:
    """Write what is logged to stderr, from the level in `LOG_LEVEL` on (`INFO`), as `LOG_FORMAT` says (`text`).

    In JSON every event is one line with the fields `timestamp` (UTC), `level`, `event`, `logger`, what it is about, and
    `exception`. Secrets of the settings are in neither.

    Raises:
        StopProgram: there is no such level or format.
    """
    hide_secrets_of(os.environ)
    level = os.environ.get("LOG_LEVEL", "").strip().upper() or "INFO"
    if level not in logging.getLevelNamesMapping():
        raise StopProgram(f"LOG_LEVEL: expected DEBUG, INFO, WARNING, ERROR or CRITICAL, got {level!r:.40}")
    form = os.environ.get("LOG_FORMAT", "").strip().lower() or FORMATS[0]
    if form not in FORMATS:
        raise StopProgram(f"LOG_FORMAT: expected {' or '.join(FORMATS)}, got {form!r:.40}")
    _Output.is_json = form == "json"
    handler = _Stderr()
    handler.setFormatter(_json_formatter() if _Output.is_json else _Text("%(levelname)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler])
    logging.captureWarnings(capture=_Output.is_json)
    threading.excepthook = _log_of_thread


def writes_json() -> bool:
    """Whether programs read what this process writes, not people."""
    return _Output.is_json


def tell_end(reason: str) -> None:
    """Say on stderr, as the last line, why this program ends."""
    line = " ".join(reason.split())
    if _Output.is_json:
        log.critical("%s", line)
    else:
        sys.stderr.write(f"ta-bot: {redacted(line)}\n")
    sys.stderr.flush()


def _json_formatter() -> logging.Formatter:
    # It takes longer to load than all else that most commands need.
    from dataflow.json_logs import json_formatter

    return json_formatter()


def _log_of_thread(failed: threading.ExceptHookArgs) -> None:
    """What Python would write to stderr itself, secrets and all, when a thread ends by an error."""
    if failed.exc_value is None or failed.exc_type is SystemExit:
        return
    name = failed.thread.name if failed.thread else "?"
    log.error("thread %s ended by an error", name, exc_info=(failed.exc_type, failed.exc_value, failed.exc_traceback))
