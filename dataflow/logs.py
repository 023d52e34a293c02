"""What a program says of itself while it runs."""

from __future__ import annotations

import logging
import os

from state.errors import StopProgram


def log_to_stderr() -> None:
    """Write what is logged to stderr, from the level in `LOG_LEVEL` on; `INFO` where it is empty or unset.

    Raises:
        StopProgram: there is no such level.
    """
    level = os.environ.get("LOG_LEVEL", "").strip().upper() or "INFO"
    if level not in logging.getLevelNamesMapping():
        raise StopProgram(f"LOG_LEVEL: expected DEBUG, INFO, WARNING, ERROR or CRITICAL, got {level!r:.40}")
    logging.basicConfig(level=level, format="%(levelname)s %(message)s")
