"""The live flow as Bytewax's own command runs it; tests of the manifests' cluster run whole clusters so."""

from __future__ import annotations

import os
import subprocess
import sys


def test_a_variable_that_cannot_be_ends_in_one_line() -> None:
    command = [sys.executable, "-m", "bytewax.run", "dataflow.live.worker:flow"]
    variables = {**os.environ, "HEALTH_PORT": "0", "KLINES_SHARDS": "many"}
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert (
        ended.stdout + ended.stderr
        == "ta-bot: KLINES_SHARDS: Input should be a valid integer, unable to parse string as an integer, got 'many'\n"
    )
