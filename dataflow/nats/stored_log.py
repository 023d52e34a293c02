"""Each signal that NATS stores, as an event in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson

from dataflow.logs import writes_json

if TYPE_CHECKING:
    from dataflow.nats.outgoing import Outgoing

log = logging.getLogger(__name__)

_SUBJECTS = ("ta.signals.", "ta.alerts.")

_FIELDS = ("signal_id", "strategy", "symbol", "timeframe", "action", "confidence", "price")


def log_stored(message: Outgoing, answer: dict[str, Any]) -> None:
    """Tell of a signal or alert, with JetStream's answer to it.

    Programs that read the log as JSON get each at INFO. People, who would look for other lines among hundreds of them,
    get them at DEBUG.
    """
    level = logging.INFO if writes_json() else logging.DEBUG
    if not log.isEnabledFor(level) or not message.subject.startswith(_SUBJECTS):
        return
    signal = orjson.loads(message.payload)
    about = {name: signal[name] for name in _FIELDS}
    about["bar_open_time"] = signal["metadata"]["bar_open_time"]
    about["stream"], about["repeated"] = answer["stream"], bool(answer.get("duplicate"))
    if message.traceparent:
        about["trace_id"] = message.traceparent.split("-")[1]
    log.log(level, "signal stored: %s", message.message_id, extra=about)
