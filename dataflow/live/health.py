"""What a live process says of itself over HTTP: `/health`, `/ready`, `/live` and `/metrics`."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, disable_created_metrics, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dataflow.finding import Part, worst
from state.errors import StopProgram

# They are a second series for each one, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]


class HealthServer:
    """Answers from a thread of its own, whatever the flow is doing, and has threads that watch what `parts` need.

    - `/health` tells how every part is, always with 200: `healthy`, `degraded` where something is amiss, `unhealthy`
      where something vital is. It is for people and dashboards.
    - `/ready` is 200 while `readiness` says so, else 503.
    - `/live` is 200 unless `stuck` says why only a new start would help: the flow's worker has not come around for a
      minute, though nothing outside holds it back. Whatever is away does not make it 503, since a restart mends none
      of that.
    - `/metrics` has everything that is counted, as Prometheus reads it.
    """

    def __init__(
        self, parts: Mapping[str, Part], readiness: Callable[[], dict[str, Any]], stuck: Callable[[], str | None]
    ) -> None:
        self.parts = parts
        self.readiness = readiness
        self.stuck = stuck

    def health(self) -> dict[str, Any]:
        """How everything is."""
        findings = {name: part.probe() for name, part in self.parts.items()}
        return {
            "status": worst(findings),
            "ready": self.readiness()["ready"],
            **{name: finding.as_dict() for name, finding in findings.items()},
        }

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
            with self._watching():
                yield
        finally:
            server.should_exit = True
            thread.join(2.0)
            listener.close()

    @contextmanager
    def _watching(self) -> Iterator[None]:
        with ExitStack() as watches:
            for part in self.parts.values():
                if part.watch is not None:
                    part.watch.start()
                    watches.callback(part.watch.close)
            yield

    def _app(self) -> Starlette:  # FastAPI would import OpenTelemetry, and take its time
        async def health(_: Request) -> JSONResponse:
            return JSONResponse(self.health())

        async def ready(_: Request) -> JSONResponse:
            state = self.readiness()
            return JSONResponse(state, 200 if state["ready"] else 503)

        async def live(_: Request) -> JSONResponse:
            trouble = self.stuck()
            return JSONResponse({"live": trouble is None, "trouble": trouble}, 503 if trouble else 200)

        async def metrics(_: Request) -> Response:
            return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

        return Starlette(routes=[Route(f"/{answer.__name__}", answer) for answer in (health, ready, live, metrics)])
