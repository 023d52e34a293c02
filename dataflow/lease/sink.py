"""The live sink of one of several instances: only the active one publishes."""

from __future__ import annotations

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from dataflow.lease.hold import Packed
from dataflow.lease.instance import Instance
from dataflow.nats.signals import outgoing
from dataflow.tracing.traces import FlowTraces
from strategies.signal import Signal

# Fixed for ever: what is held is in its snapshot.
PARTITION = "signals"


class LeasedSignals(FixedPartitionedSink[Signal, Packed]):
    """As `NatsSignals` while this instance is active; else signals are held, and not lost by a restart.

    A signal is done when the server has stored it, or when a snapshot has it among those that are held. All of a flow
    go through one partition: an instance is one process.
    """

    def __init__(self, instance: Instance, max_age_secs: float | None = None, traces: FlowTraces | None = None) -> None:
        self.instance = instance
        self.traces = traces or FlowTraces()
        self.max_age_ms = None if max_age_secs is None else int(max_age_secs * 1000)

    def list_parts(self) -> list[str]:
        """One."""
        return [PARTITION]

    def build_part(self, step_id: str, for_part: str, resume_state: Packed | None) -> LeasedPartition:
        """The partition, with what was held when its snapshot was taken."""
        return LeasedPartition(self, resume_state)


class LeasedPartition(StatefulSinkPartition[Signal, Packed]):
    """All that comes out."""

    def __init__(self, sink: LeasedSignals, held: Packed | None) -> None:
        self.instance = sink.instance
        self.max_age_ms = sink.max_age_ms
        self.traces = sink.traces
        if held:
            self.instance.resume(held)

    def write_batch(self, items: list[Signal]) -> None:
        """Publish, and wait until all are stored; or hold them."""
        with self.traces.publishing(items) as traceparents:
            self.instance.publish(
                [outgoing(signal, self.max_age_ms, traceparents.get(signal.signal_id, "")) for signal in items]
            )

    def snapshot(self) -> Packed:
        """What is held."""
        return self.instance.hold.pack()
