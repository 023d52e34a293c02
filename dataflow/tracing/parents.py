"""What a span continues, as messages and requests carry it: the header `traceparent` of W3C Trace Context."""

from __future__ import annotations

from opentelemetry.context import Context
from opentelemetry.trace import Span, format_span_id, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_FORMAT = TraceContextTextMapPropagator()


def context_of(traceparent: str) -> Context:
    """What a span is to continue; a new trace where that is not said, or not as the standard does."""
    return _FORMAT.extract({"traceparent": traceparent}, Context()) if traceparent else Context()


def below(span: Span) -> Context:
    """What a span below another one is to continue."""
    return set_span_in_context(span, Context())


def traceparent_of(span: Span) -> str:
    """How others are told of a span."""
    context = span.get_span_context()
    return f"00-{format_trace_id(context.trace_id)}-{format_span_id(context.span_id)}-{context.trace_flags:02x}"
