"""One process of the live flow: everything it is made of, put together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from bytewax.dataflow import Dataflow

from dataflow.config.here import ConfigHere, ConfigLogic
from dataflow.config.looking import StoreLooks
from dataflow.config.source import ConfigSource
from dataflow.flow import ConfigInput, build_flow
from dataflow.lease.instance import Instance
from dataflow.lease.lease import Lease
from dataflow.lease.sink import LeasedSignals
from dataflow.live import counts
from dataflow.live.gauges import KEYS
from dataflow.live.health import HealthServer
from dataflow.live.history import HistoryDesk, HistorySource
from dataflow.live.key_logic import LiveAnalysis, LiveKeyLogic
from dataflow.live.parts import Rooms, parts_of
from dataflow.live.progress import Progress
from dataflow.live.settings import Settings
from dataflow.live.status import Status
from dataflow.nats import counts as nats_counts
from dataflow.nats.connection import Connection
from dataflow.nats.dead_letters import DeadLetters
from dataflow.nats.klines import NatsKlines
from dataflow.nats.publisher import Publisher
from dataflow.nats.reading import ConfigReading
from dataflow.nats.signals import NatsSignals
from dataflow.nats.streams import Streams
from dataflow.routing import Workers
from dataflow.stopping import Stop
from dataflow.tracing.traces import FlowTraces, flow_traces
from operators.backfill import BackfillPolicy
from operators.live import LiveParser, Selection, stamped
from state.snapshot import Snapshot
from state.tls import TlsFiles
from strategies.resolution import Pinned

if TYPE_CHECKING:
    from dataflow.rest.forwarder import RestForwarder

# How long a start waits for NATS, to be able to say that it refuses.
NATS_SECS = 3.0


@contextmanager
def live_flow(
    settings: Settings, pinned: Pinned, stop: Stop, index: int = 0, workers: Workers | None = None
) -> Iterator[Dataflow]:
    """The flow from NATS to NATS as it is in process `index`, with what runs beside it for as long as it is entered.

    `workers` come to be known when Bytewax begins to run it.

    Raises:
        StopProgram: a setting is not usable, or NATS refuses.
    """
    status, here = Status(), ConfigHere(pinned, settings.selection(), workers or Workers())
    parser = LiveParser(here.selection, lambda lacks: nats_counts.MESSAGES_SKIPPED.labels(lacks).inc())
    KEYS.status = status
    with ExitStack() as resources:
        traces = resources.enter_context(flow_traces())
        here.on_taken = traces.applied
        connection = resources.enter_context(Connection(settings.nats_options()))
        streams = Streams(connection, settings.stream_settings())
        publisher = Publisher(connection, streams, stop, on_held_back=lambda error: stop.abandon(str(error)))
        desk = HistoryDesk(settings.open_klines(counts.count_bad_row), status)
        resources.callback(desk.close)
        instance = _instance(settings, publisher, resources)
        rest = _rest(settings, connection, streams, traces, instance, resources)
        looks = StoreLooks(settings.open_configs(), settings.config_refresh_interval_seconds)
        resources.callback(looks.close)
        config = ConfigSource(here, looks, lambda positions: ConfigReading(connection, streams, positions), stop)
        klines = NatsKlines(connection, streams, stop, settings.klines_shards, lambda: config.are_keys_behind)
        progress = Progress(lambda: publisher.holding or not connection.connected)
        rooms = Rooms(status, progress, connection, klines, publisher, desk, config, rest, instance)
        health = HealthServer(parts_of(rooms, settings), rooms.readiness, lambda: progress.trouble)
        port = settings.health_port + index if settings.health_port else 0
        resources.enter_context(health.serving(settings.health_host, port))
        streams.check(NATS_SECS)
        if instance is not None:
            instance.start()
        elif rest is not None:
            rest.start()
        max_age_secs = settings.max_signal_age_seconds
        policy = BackfillPolicy(desk.ask, settings.warm_up_bars, settings.max_signal_age_bars)
        analysis = LiveAnalysis(here, policy, desk.send, status.tell, klines.is_past, traces)

        def select(selection: Selection) -> None:
            parser.selection = selection
            desk.wake(selection, here.workers.analyze)

        here.on_selection = select

        def logic(resume_state: Snapshot | None) -> LiveKeyLogic:
            return LiveKeyLogic(analysis, resume_state)

        yield build_flow(
            klines,
            traces.parsing(stamped(parser)),
            logic,
            LeasedSignals(instance, max_age_secs, traces) if instance else NatsSignals(publisher, max_age_secs, traces),
            DeadLetters(publisher, counts.count_tally),
            HistorySource(desk, here, stop, progress.note),
            ConfigInput(config, here.copies, lambda _: ConfigLogic(here)),
        )


def _instance(settings: Settings, publisher: Publisher, resources: ExitStack) -> Instance | None:
    """This process as one of several, None where it is the only one."""
    options = settings.lease_options()
    if options is None:
        return None
    instance = Instance(publisher, Lease(publisher.connection, options))
    resources.callback(instance.close)
    return instance


def _rest(
    settings: Settings,
    connection: Connection,
    streams: Streams,
    traces: FlowTraces,
    instance: Instance | None,
    resources: ExitStack,
) -> RestForwarder | None:
    if settings.api_endpoint is None:
        return None
    from dataflow.rest.forwarder import RestForwarder  # who has no endpoint need not wait for the HTTP client

    rest = RestForwarder(
        connection,
        streams,
        settings.api_endpoint,
        settings.api_give_up_seconds,
        settings.max_signal_age_seconds,
        tls=TlsFiles("API_ENDPOINT", settings.api_endpoint_ca_file),
    )
    rest.traces = traces
    if instance is not None:
        rest.may_send = lambda: instance.is_active
        instance.on_active, instance.on_standby = rest.start, rest.pause
    resources.callback(rest.close)
    return rest
