"""What is counted about requests, for `/metrics`."""

from __future__ import annotations

from time import perf_counter

from prometheus_client import Counter, Histogram, disable_created_metrics
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# They are a second series for each one, which nobody reads.
disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("ta_api_requests", "Requests that were answered", ["method", "route", "status"])
SECONDS = Histogram(
    "ta_api_request_seconds",
    "Time from a request's arrival until the end of its answer, but for streams of events",
    ["method", "route"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

# Whatever clients come up with, series are few.
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
OTHER_METHOD, NO_ROUTE = "other", "none"

_GONE = 499
"""What web servers say of a client that went away before it had an answer."""


class Counted:
    """Counts requests by method, by the route's template and by the status they were answered with.

    Templates of routers do not say which `prefix` they are included under.
    """

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_secs, status, is_stream = perf_counter(), _GONE, False

        async def noting(message: Message) -> None:
            nonlocal status, is_stream
            if message["type"] == "http.response.start":
                status = message["status"]
                is_stream = Headers(raw=message["headers"]).get("content-type", "").startswith("text/event-stream")
            await send(message)

        try:
            await self.app(scope, receive, noting)
        finally:
            method = scope["method"] if scope["method"] in _METHODS else OTHER_METHOD
            route = self._template(scope)
            REQUESTS.labels(method, route, str(status)).inc()
            if not is_stream:  # it lasts for as long as somebody watches
                SECONDS.labels(method, route).observe(perf_counter() - began_secs)

    def _template(self, scope: Scope) -> str:
        route: str | None = getattr(scope.get("route"), "path", None)
        if route is None:
            return NO_ROUTE
        below = scope["path"].startswith(f"{self.prefix}/") and not route.startswith(self.prefix)
        return f"{self.prefix}{route}" if below else route
