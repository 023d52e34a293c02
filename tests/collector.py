"""A collector of traces for tests: takes OTLP over HTTP, and has the spans."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tests.http_server import HttpServer, running_http_server


class Span(NamedTuple):
    """A span as it arrived; ids in hexadecimal, `parent` empty where there is none."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    attributes: dict[str, str]


class Collector:
    """What `http` took."""

    def __init__(self, http: HttpServer) -> None:
        self.http = http
        self.url = f"http://127.0.0.1:{http.port}"

    def settings(self) -> dict[str, str]:
        """Variables of a program that is to send its spans here, soon."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}

    def spans(self) -> list[Span]:
        found = []
        for posted in list(self.http.posted):
            assert posted.path == "/v1/traces"
            request = ExportTraceServiceRequest.FromString(posted.body)
            for resource in request.resource_spans:
                service = _values(resource.resource.attributes)["service.name"]
                found += [
                    Span(
                        service,
                        one.name,
                        one.trace_id.hex(),
                        one.span_id.hex(),
                        one.parent_span_id.hex(),
                        _values(one.attributes),
                    )
                    for scope in resource.scope_spans
                    for one in scope.spans
                ]
        return found


def _values(attributes: list[KeyValue]) -> dict[str, str]:
    return {one.key: one.value.string_value for one in attributes}


@contextmanager
def running_collector() -> Iterator[Collector]:
    with running_http_server() as http:
        yield Collector(http)
