"""Serving the API from a thread of its own, with everything behind it."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import uvicorn

from config_api.app import create_app
from config_api.desk import Desk
from config_api.history import LatestBars
from config_api.live.feed import Feed
from config_api.live.heard import Heard
from config_api.live.market import Market
from config_api.live.stream import UNREAD_SECS
from config_api.routes.parts import Parts
from config_api.trials import Trials
from dataflow.api.ear import NatsEar
from dataflow.api.flow_health import FlowHealth
from dataflow.api.renewal import renewed
from dataflow.api.settings import ApiSettings
from dataflow.nats.announcer import Announcer
from dataflow.nats.connection import Connection
from dataflow.nats.streams import CONFIG, Streams, StreamSettings
from dataflow.nats.subjects import subjects_of
from dataflow.tracing.traces import sidecar_traces
from dataflow.watching import watch_nats, watch_store, watch_stores
from state.configs.cache import CachedConfigs
from state.errors import StopProgram
from state.klines import KlineStore

log = logging.getLogger(__name__)

# How long requests that are being served have to end.
GRACE_SECS = 3

# More are answered with 503, so that a machine's file descriptors do not run out.
MOST_CONNECTIONS = 512


@dataclass(frozen=True)
class Serving:
    """The API while it is served."""

    url: str
    thread: threading.Thread


@contextmanager
def serving(settings: ApiSettings) -> Iterator[Serving]:
    """Serve while entered, whatever of the stores and NATS is away.

    Raises:
        StopProgram: a setting is not usable, or the address is not.
    """
    tokens = settings.tokens()
    with ExitStack() as resources:
        traces = resources.enter_context(sidecar_traces())
        stores = settings.open_configs(fallback_takes_writes=settings.config_fallback_writes)
        resources.callback(stores.close)
        klines = settings.open_klines()
        resources.callback(klines.close)
        listener = resources.enter_context(_listener(settings.fastapi_host, settings.fastapi_port))
        connection = resources.enter_context(Connection(settings.nats_options("ta-bot api")))
        streams = Streams(connection, StreamSettings(replicas=settings.nats_replicas), outputs=[CONFIG], klines=False)
        cache = CachedConfigs(stores, settings.config_cache_ttl_seconds)
        desk = Desk(stores, cache, traces.announcing(Announcer(connection, streams)), traces.changing)
        watches = {
            "nats": watch_nats(connection, CONFIG),
            "history": watch_store("history", klines.check),
            **watch_stores(stores),
        }
        market = resources.enter_context(_market(settings, connection, klines))
        parts = Parts(desk, Trials(market.latest), watches, market)
        app = create_app(parts, tokens, settings.api_changes_per_minute, version("petrosa-ta-bot"))
        stores.start()
        for watch in watches.values():
            watch.start()
            resources.callback(watch.close)
        tls = settings.tls()
        context = resources.enter_context(renewed(tls)) if tls else None
        config = uvicorn.Config(
            traces.serving(app),
            ssl_context_factory=(lambda _config, _default: context) if context else None,
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=GRACE_SECS,
            limit_concurrency=MOST_CONNECTIONS,
        )
        with _running(uvicorn.Server(config), listener) as thread:
            url = _url(listener, "https" if context else "http")
            log.info("the configuration API serves on %s", url)
            try:
                yield Serving(url, thread)
            finally:
                market.feed.close()  # its streams would go on until they are cut off


@contextmanager
def _market(settings: ApiSettings, connection: Connection, klines: KlineStore) -> Iterator[Market]:
    heard, feed, flow = Heard(), Feed(), FlowHealth(settings.flow_health_url)
    with closing(flow), NatsEar(connection, subjects_of(settings.klines_subjects), klines, heard, feed) as ear:
        yield Market(heard, feed, LatestBars(klines, heard), ear, flow.ask)


@contextmanager
def _running(server: uvicorn.Server, listener: socket.socket) -> Iterator[threading.Thread]:
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="config-api", daemon=True)
    thread.start()
    try:
        yield thread
    finally:
        server.should_exit = True
        thread.join(GRACE_SECS + 2.0)


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StopProgram(f"FASTAPI_PORT: {host}:{port} cannot be used: {reason}") from error
    # Accepted sockets inherit both. Without the first, answers would wait for the client's acknowledgement of their
    # heads; with the second, a client that does not read is cut off, though it still acknowledges that it lives.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(UNREAD_SECS * 1000))
    return listener


def _url(listener: socket.socket, scheme: str) -> str:
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
