"""The live sink: signals and alerts into JetStream, each once."""

from __future__ import annotations

from bytewax.outputs import DynamicSink, StatelessSinkPartition

from dataflow.nats.outgoing import Outgoing
from dataflow.nats.publisher import Publisher
from dataflow.tracing.traces import FlowTraces
from operators.times import parse_time_ms
from strategies.signal import Signal


class NatsSignals(DynamicSink[tuple[str, Signal]]):
    """Signals to `ta.signals.SYMBOL.TIMEFRAME`, alerts to `ta.alerts.SYMBOL.TIMEFRAME`, one partition per worker.

    A signal is done when the server has stored it: a batch returns only then, so that no epoch closes over a signal
    that is not stored. After a restart the signals since the last snapshot are published again under the same ids,
    and the server drops those it has. While NATS is away the flow is held back; when it is to stop meanwhile, the
    publisher gives up, the epoch stays open, and its signals are made again after the restart. Within a subject,
    signals are stored in order unless NATS fails in between.

    With `max_age_secs`, signals and alerts that come out later than that after their bar's close go to
    `ta.late.SYMBOL.TIMEFRAME`, unless they had been stored in time before.
    """

    def __init__(
        self, publisher: Publisher, max_age_secs: float | None = None, traces: FlowTraces | None = None
    ) -> None:
        self.publisher = publisher
        self.traces = traces or FlowTraces()
        self.max_age_ms = None if max_age_secs is None else int(max_age_secs * 1000)

    def build(self, step_id: str, worker_index: int, worker_count: int) -> SignalPublisher:
        """The sink of one worker; they share the connection."""
        return SignalPublisher(self.publisher, self.max_age_ms, self.traces)


class SignalPublisher(StatelessSinkPartition[tuple[str, Signal]]):
    """What comes out of one worker."""

    def __init__(self, publisher: Publisher, max_age_ms: int | None, traces: FlowTraces) -> None:
        self.publisher = publisher
        self.traces = traces
        self.max_age_ms = max_age_ms

    def write_batch(self, items: list[tuple[str, Signal]]) -> None:
        """Publish, and wait until all are stored."""
        signals = [signal for _, signal in items]
        with self.traces.publishing(signals) as traceparents:
            self.publisher.publish(
                [outgoing(signal, self.max_age_ms, traceparents.get(signal.signal_id, "")) for signal in signals]
            )


def outgoing(signal: Signal, max_age_ms: int | None, traceparent: str) -> Outgoing:
    """What is published of a signal: that comes out later than `max_age_ms` after its bar's close, as a late one."""
    place = f"{signal.symbol}.{signal.timeframe}"
    subject = f"ta.alerts.{place}" if signal.is_alert else f"ta.signals.{place}"
    if max_age_ms is None:
        return Outgoing(subject, signal.signal_id, signal.to_json(), traceparent=traceparent)
    late_from_ms = parse_time_ms(signal.timestamp) + max_age_ms + 1
    return Outgoing(subject, signal.signal_id, signal.to_json(), f"ta.late.{place}", late_from_ms, traceparent)
