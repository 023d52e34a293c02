"""Traces of the live flow: bar → analyze → signal → POST, and a change of the configuration → config applied.

A bar continues the trace of its message. It takes its trace along to the process that analyzes it, signals find theirs
in a table of that process, and whoever reads the published message continues it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import time_ns
from typing import TYPE_CHECKING, Any

from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.util.types import Attributes

from dataflow.tracing.parents import below, context_of, traceparent_of
from dataflow.tracing.traces import FlowTraces, Parse, Take
from operators.times import format_time, parse_time_ms
from state.bar import Bar

if TYPE_CHECKING:
    from dataflow.config.here import ConfigUpdate
    from operators.backfill import Backfill
    from operators.live import RawMessage
    from strategies.signal import Signal

# Bars that one key may hold while it waits for history, and signals between the step that makes them and the next.
MOST_WAITING = 2048
MOST_SIGNALS = 16_384


class TracedFlow(FlowTraces):
    """Makes the spans.

    Bars that come from history, or from a snapshot, have no message: what is analyzed of them begins a trace.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._waiting: dict[str, dict[int, Context]] = {}
        """By key and open time (ms), what bars continue that are not analyzed yet."""
        self._signals: dict[str, Context] = {}
        """By id, what signals continue."""

    def parsing(self, parse: Parse) -> Parse:
        """Begin a span `bar` for each."""

        def parse_traced(message: RawMessage) -> Iterator[Any]:
            began_ns = time_ns()
            for item in parse(message):
                is_bar = type(item) is tuple and type(item[1]) is Bar
                yield (*item, self._bar(message, item[0], item[1], began_ns)) if is_bar else item

        return parse_traced

    def _bar(self, message: RawMessage, key: str, bar: Bar, began_ns: int) -> str:
        attributes: Attributes = {
            **_of_key(key),
            "bar.open_time": format_time(bar.open_time_ms),
            "messaging.system": "nats",
            "messaging.destination.name": message.subject,
            "messaging.nats.stream": message.stream,
            "messaging.nats.sequence": message.seq,
            "messaging.nats.stored": format_time(message.time_ns // 1_000_000),
        }
        parent = context_of(message.traceparent)
        span = self._tracer.start_span("bar", parent, SpanKind.CONSUMER, attributes, start_time=began_ns)
        span.end()
        return traceparent_of(span)

    def taking(self, take: Take) -> Take:
        """Make a span `analyze` for each bar that was analyzed, be it one that waited for history."""

        def take_traced(backfill: Backfill, value: Any) -> list[Signal]:
            if len(value) == 4:
                self._expect(value[0], value[1].open_time_ms, value[3])
                value = value[:3]
            began_ns = time_ns()
            signals = take(backfill, value)
            if signals or not backfill.waiting:
                self._analyzed(value[0], signals, began_ns)
            return signals

        return take_traced

    def _expect(self, key: str, open_time_ms: int, traceparent: str) -> None:
        waiting = self._waiting.setdefault(key, {})
        waiting[open_time_ms] = context_of(traceparent)
        while len(waiting) > MOST_WAITING:
            del waiting[next(iter(waiting))]

    def _analyzed(self, key: str, signals: list[Signal], began_ns: int) -> None:
        found: dict[int, list[Signal]] = {open_time_ms: [] for open_time_ms in self._waiting.get(key, ())}
        for signal in signals:
            found.setdefault(parse_time_ms(signal.metadata.bar_open_time), []).append(signal)
        waiting = self._waiting.pop(key, {})
        for open_time_ms, of_bar in found.items():
            attributes: Attributes = {
                **_of_key(key),
                "bar.open_time": format_time(open_time_ms),
                "signals": len(of_bar),
            }
            parent = waiting.get(open_time_ms, Context())
            span = self._tracer.start_span("analyze", parent, attributes=attributes, start_time=began_ns)
            span.end()
            self._signals.update({signal.signal_id: below(span) for signal in of_bar})
        while len(self._signals) > MOST_SIGNALS:
            self._signals.pop(next(iter(self._signals)), None)

    @contextmanager
    def publishing(self, signals: Sequence[Signal]) -> Iterator[Mapping[str, str]]:
        """Make a span `signal` for each, which ends when all are stored."""
        spans = {}
        for signal in signals:
            attributes: Attributes = {
                "signal.id": signal.signal_id,
                "strategy": signal.strategy_id,
                "symbol": signal.symbol,
                "timeframe": signal.timeframe,
                "action": signal.action,
                "confidence": signal.confidence,
                "messaging.system": "nats",
            }
            parent = self._signals.pop(signal.signal_id, Context())
            spans[signal.signal_id] = self._tracer.start_span("signal", parent, SpanKind.PRODUCER, attributes)
        try:
            yield {signal_id: traceparent_of(span) for signal_id, span in spans.items()}
        except BaseException:
            for span in spans.values():
                span.set_status(Status(StatusCode.ERROR, "not stored"))
            raise
        finally:
            for span in spans.values():
                span.end()

    @contextmanager
    def posting(self, message: RawMessage) -> Iterator[str]:
        """Make a span `post`, with all attempts."""
        attributes: Attributes = {"messaging.nats.stream": message.stream, "messaging.nats.sequence": message.seq}
        span = self._tracer.start_span("post", context_of(message.traceparent), SpanKind.CLIENT, attributes)
        try:
            yield traceparent_of(span)
        finally:
            span.end()

    def applied(self, update: ConfigUpdate, keys: int) -> None:
        """Make a span `config applied` for what was announced within a trace."""
        if update.traceparent:
            attributes: Attributes = {"keys": keys, "config.records": len(update.known)}
            parent = context_of(update.traceparent)
            self._tracer.start_span("config applied", parent, SpanKind.CONSUMER, attributes).end()


def _of_key(key: str) -> dict[str, str]:
    symbol, _, timeframe = key.partition("|")
    return {"symbol": symbol, "timeframe": timeframe}
