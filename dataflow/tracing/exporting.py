"""Spans to a collector by OTLP over HTTP: from a thread of its own, and never in the way of what is traced."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from state.errors import StopProgram

log = logging.getLogger(__name__)

PROTOCOL = "http/protobuf"

# How long the end of a program waits for its last spans: where the collector is there, and where it is not.
_CLOSE_SECS, _CLOSE_AWAY_SECS = 3.0, 0.2


class _Said(logging.Handler):
    """What the library says of itself: each of its messages once, until the collector takes spans again."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: set[tuple[str, object]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, unless it was said before."""
        message = (record.name, record.msg)
        if message not in self._said:
            self._said.add(message)
            log.warning("traces: %s", " ".join(record.getMessage().split()))

    def forget(self) -> None:
        """Let all be said once more."""
        self._said.clear()


class _Collector(SpanExporter):
    """Hands spans to the exporter, and knows whether the collector took the last ones."""

    def __init__(self, exporter: SpanExporter, said: _Said) -> None:
        self.is_away = False
        self._exporter = exporter
        self._said = said

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Hand some over; those that the collector does not take are lost."""
        result = self._exporter.export(spans)
        was_away, self.is_away = self.is_away, result is not SpanExportResult.SUCCESS
        if was_away and not self.is_away:
            self._said.forget()
            log.info("traces: the collector takes spans again")
        return result

    def shutdown(self) -> None:
        """End."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing is kept here."""
        return True


@contextmanager
def exported(service: str) -> Iterator[Tracer]:
    """A tracer whose spans are exported while entered, as OpenTelemetry's variables say; `OTEL_SERVICE_NAME` first.

    Spans wait in a queue of bounded size. What does not fit in, because the collector is slow or away, is lost, and
    that is said once. At the end is waited for a few seconds at most.

    Raises:
        StopProgram: a variable is not usable.
    """
    _check()
    said = _Said()
    library = logging.getLogger("opentelemetry")
    library.propagate = False
    library.addHandler(said)
    logging.getLogger("urllib3").setLevel(logging.WARNING)  # it says that it connects, over and over
    try:
        collector = _Collector(OTLPSpanExporter(), said)
        provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(collector))
    except ValueError as error:
        raise StopProgram(f"OTEL_* variables: {error}") from error
    try:
        yield provider.get_tracer("ta_bot")
    finally:
        ending = threading.Thread(target=provider.shutdown, name="traces-end", daemon=True)
        ending.start()
        ending.join(_CLOSE_AWAY_SECS if collector.is_away else _CLOSE_SECS)
        library.removeHandler(said)
        library.addHandler(logging.NullHandler())


def _resource(service: str) -> Resource:
    named = SERVICE_NAME in OTELResourceDetector().detect().attributes
    return Resource.create({} if named else {SERVICE_NAME: service})


def _check() -> None:
    """Refuse what the library would fail on for ever, in the background."""
    for name in ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        url = os.environ.get(name, "").strip()
        if url and not _is_http(url):
            raise StopProgram(f"{name}: expected a URL such as http://collector:4318")  # it may hold secrets
    for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = os.environ.get(name, "").strip()
        if protocol:
            if protocol != PROTOCOL:
                raise StopProgram(f"{name}: expected {PROTOCOL}, got {protocol!r:.40}")
            return


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
