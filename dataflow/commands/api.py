"""The command `ta-bot api`."""

from __future__ import annotations

from dataflow.stopping import Stop
from state.errors import StopProgram

# How often is looked whether to stop.
_LOOK_SECS = 0.1


def api() -> None:
    """Serve the API that reads and changes the configuration at run time. Settings are variables."""
    from dataflow.api.serving import serving
    from dataflow.api.settings import api_settings_of

    stop = Stop()
    with stop.on_signals(), serving(api_settings_of()) as served:
        while served.thread.is_alive() and not stop.requested:
            served.thread.join(_LOOK_SECS)
        if not stop.requested:
            raise StopProgram("the API ended by itself")
