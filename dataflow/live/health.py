"""What a live process says of itself over HTTP: `/ready`, `/live` and `/metrics`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dataflow.config.source import ConfigSource
from dataflow.lease.instance import Instance
from dataflow.live.status import Status
from dataflow.nats.connection import Connection
from dataflow.nats.klines import NatsKlines
from dataflow.nats.publisher import Publisher
from dataflow.rest.forwarder import RestForwarder
from state.errors import StopProgram


class HealthServer:
    """Answers from a thread of its own, whatever the flow is doing."""

    def __init__(
        self,
        status: Status,
        connection: Connection,
        klines: NatsKlines,
        publisher: Publisher,
        rest: RestForwarder | None,
        config: ConfigSource,
        instance: Instance | None,
    ) -> None:
        self.status = status
        self.connection = connection
        self.klines = klines
        self.publisher = publisher
        self.rest = rest
        self.config = config
        self.instance = instance

    def readiness(self) -> dict[str, Any]:
        """How things are.

        Ready is who has NATS, which gives klines and takes signals, and has started every key, with history or, while
        it is away, cold; REST does not count.
        """
        keys, trouble = self.status.keys(), self.status.history_trouble
        nats = {
            "connected": self.connection.connected,
            "gives_klines": self.klines.reads,
            "takes_messages": not self.publisher.holding,
        }
        found = {
            "ready": all(nats.values()) and not self.status.starting,
            "nats": {**nats, "trouble": self.connection.trouble},
            "history": {"reachable": trouble is None, "trouble": trouble},
            "configuration": {"known": self.config.here.is_known, "trouble": self.config.looks.trouble},
            "keys": keys,
        }
        if self.instance is not None:
            found["lease"] = self.instance.health()
        if self.rest is not None:
            found["rest"] = {"takes_signals": not (self.rest.away or self.rest.refused)}
        return found

    @contextmanager
    def serving(self, host: str, port: int) -> Iterator[None]:
        """Serve while entered; not at all on port 0.

        Raises:
            StopProgram: the address cannot be used.
        """
        if not port:
            yield
            return
        try:
            listener = socket.create_server((host, port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StopProgram(f"HEALTH_PORT: {host}:{port} cannot be used: {reason}") from error
        server = uvicorn.Server(uvicorn.Config(self._app(), log_config=None, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="health", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(2.0)
            listener.close()

    def _app(self) -> Starlette:  # FastAPI would import OpenTelemetry, and take its time
        async def ready(_: Request) -> JSONResponse:
            state = self.readiness()
            return JSONResponse(state, 200 if state["ready"] else 503)

        async def live(_: Request) -> JSONResponse:
            return JSONResponse({"live": True})

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return Starlette(routes=[Route(f"/{answer.__name__}", answer) for answer in (ready, live, metrics)])
