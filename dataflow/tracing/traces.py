"""Where the flow and the sidecar can be traced; off, which they are unless the standard variables say otherwise.

OpenTelemetry is imported only when traces are on, and then by the other modules of this package.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from config_api.desk import Announcer as Announces
    from dataflow.config.here import ConfigUpdate
    from dataflow.nats.announcer import Announcer
    from operators.backfill import Backfill
    from operators.live import RawMessage
    from state.configs.records import Scope
    from strategies.signal import Signal

Parse = Callable[["RawMessage"], Iterable[Any]]
Take = Callable[["Backfill", Any], "list[Signal]"]

NO_HEADERS: Mapping[str, str] = {}

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


class FlowTraces:
    """The steps of the live flow that a trace goes through. This one traces nothing, and costs nothing per bar."""

    def parsing(self, parse: Parse) -> Parse:
        """`parse`, which gives each bar the trace that it belongs to, behind its other items."""
        return parse

    def taking(self, take: Take) -> Take:
        """`take` of a key, which is given what `parsing` gives."""
        return take

    def publishing(self, signals: Sequence[Signal]) -> AbstractContextManager[Mapping[str, str]]:
        """Entered while signals are published: the `traceparent` of each, by its id."""
        return nullcontext(NO_HEADERS)

    def posting(self, message: RawMessage) -> AbstractContextManager[str]:
        """Entered while a signal is POSTed: the `traceparent` for it."""
        return nullcontext(message.traceparent)

    def applied(self, update: ConfigUpdate, keys: int) -> None:
        """So many keys were told of a change of the configuration."""


class SidecarTraces:
    """The steps of the sidecar that a trace goes through. This one traces nothing."""

    def serving(self, app: ASGIApp) -> ASGIApp:
        """`app`, with a span for each request."""
        return app

    def changing(self, scope: Scope) -> AbstractContextManager[object]:
        """Entered while a change is written into the stores."""
        return nullcontext()

    def announcing(self, announcer: Announcer) -> Announces:
        """`announcer`, with a span for each change."""
        return announcer


def are_on(variables: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables ask for traces: an endpoint is set, and nothing switches them off.

    >>> are_on({}), are_on({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"})
    (False, True)
    >>> are_on({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_SDK_DISABLED": "true"})
    False
    """
    if variables.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    if variables.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return False
    return any(variables.get(name, "").strip() for name in _ENDPOINTS)


@contextmanager
def flow_traces() -> Iterator[FlowTraces]:
    """The traces of the live flow, exported while entered if they are on.

    Raises:
        StopProgram: they are on, and cannot be exported as the variables say.
    """
    if not are_on(os.environ):
        yield FlowTraces()
        return
    from dataflow.tracing.exporting import exported
    from dataflow.tracing.flow import TracedFlow

    with exported("ta-bot") as tracer:
        yield TracedFlow(tracer)


@contextmanager
def sidecar_traces() -> Iterator[SidecarTraces]:
    """The traces of the sidecar. Raises as above."""
    if not are_on(os.environ):
        yield SidecarTraces()
        return
    from dataflow.tracing.exporting import exported
    from dataflow.tracing.sidecar import TracedSidecar

    with exported("ta-bot-api") as tracer:
        yield TracedSidecar(tracer)
