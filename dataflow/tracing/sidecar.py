"""Traces of the sidecar: request → store write → announce, which the bots' config applied continues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.util.types import Attributes

from dataflow.tracing.parents import context_of, traceparent_of
from dataflow.tracing.traces import SidecarTraces

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as Request

    from dataflow.nats.announcer import Announcer
    from state.configs.records import AuditEntry, ConfigRecord, Scope

# What looks whether the sidecar lives is not worth a trace.
_TRACED_PATHS = "/api/"


class TracedSidecar(SidecarTraces):
    """Makes the spans. None holds what an error said, which nobody has read for secrets."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def serving(self, app: ASGIApp) -> ASGIApp:
        """`app`, with a span for each request, which continues the client's trace."""

        async def traced(request: Request, receive: Receive, send: Send) -> None:
            if request["type"] != "http" or not request["path"].startswith(_TRACED_PATHS):
                await app(request, receive, send)
                return
            with self._request(request) as span:

                async def send_traced(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        span.set_attribute("http.response.status_code", message["status"])
                        if message["status"] >= 500:
                            span.set_status(Status(StatusCode.ERROR))
                    await send(message)

                await app(request, receive, send_traced)
                _name(span, request)

        return traced

    @contextmanager
    def _request(self, request: Request) -> Iterator[Span]:
        headers = dict(request["headers"])
        parent = context_of(headers.get(b"traceparent", b"").decode("latin-1"))
        attributes: Attributes = {"http.request.method": request["method"], "url.path": request["path"]}
        with self._tracer.start_as_current_span(
            request["method"], parent, SpanKind.SERVER, attributes, record_exception=False
        ) as span:
            yield span

    @contextmanager
    def changing(self, scope: Scope) -> Iterator[None]:
        """A span `store write`."""
        with self._tracer.start_as_current_span("store write", attributes=_of_scope(scope), record_exception=False):
            yield

    def announcing(self, announcer: Announcer) -> TracedAnnouncer:
        """`announcer`, whose messages carry the trace."""
        return TracedAnnouncer(announcer, self._tracer)


class TracedAnnouncer:
    """Announces each change within a span `announce`."""

    def __init__(self, announcer: Announcer, tracer: Tracer) -> None:
        self.announcer = announcer
        self._tracer = tracer

    @property
    def connected(self) -> bool:
        """Whether NATS is there, as far as is known."""
        return self.announcer.connected

    def announce(self, record: ConfigRecord, entry: AuditEntry) -> bool:
        """Announce; whether NATS has stored it."""
        attributes: Attributes = {**_of_scope(record.scope), "version": record.version, "messaging.system": "nats"}
        with self._tracer.start_as_current_span(
            "announce", kind=SpanKind.PRODUCER, attributes=attributes, record_exception=False
        ) as span:
            done = self.announcer.announce(record, entry, traceparent_of(span))
            span.set_attribute("announced", done)
            return done


def _name(span: Span, request: Request) -> None:
    """Name a span by its route, so that those of all strategies are told from others together."""
    if "route" not in request:
        return
    names = {str(value): f"{{{name}}}" for name, value in request["path_params"].items()}
    route = "/".join(names.get(part, part) for part in request["path"].split("/"))
    span.update_name(f"{request['method']} {route}")
    span.set_attribute("http.route", route)


def _of_scope(scope: Scope) -> dict[str, str]:
    found = {"strategy": scope.strategy_id or "", "symbol": scope.symbol or ""}
    return {name: value for name, value in found.items() if value}
