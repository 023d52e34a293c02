"""The server of `/health`, `/ready`, `/live` and `/metrics`, as whoever asks sees it."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from dataflow.finding import Finding, Part
from dataflow.live import counts
from dataflow.live.health import HealthServer
from dataflow.live.progress import STUCK_SECS, Progress
from state.errors import RetryLater, StopProgram
from state.watch import Watch
from tests.nats_server import free_port, wait_until


class Fake:
    """Parts that are as they are told to be."""

    def __init__(self) -> None:
        self.ready = True
        self.now_secs = 0.0
        self.trouble: str | None = None
        self.watch = Watch("store", self.check, every_secs=0.01)

    def check(self) -> None:
        if self.trouble is not None:
            raise RetryLater(self.trouble)

    def server(self) -> HealthServer:
        self.progress = Progress(lambda: False, lambda: self.now_secs)
        self.progress.note()
        parts = {
            "flow": Part(lambda: Finding(self.progress.trouble, vital=True)),
            "store": Part(lambda: Finding(self.watch.trouble, details={"kind": "sqlite"}), self.watch),
        }
        return HealthServer(parts, lambda: {"ready": self.ready}, lambda: self.progress.trouble)


def test_the_server_says_what_its_parts_say() -> None:
    fake, port = Fake(), free_port()

    def get(path: str) -> tuple[int, Any]:
        answer = httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False)
        return answer.status_code, answer.json()

    with fake.server().serving("127.0.0.1", port):
        wait_until(lambda: get("/health")[1]["status"] == "healthy", "it to answer")
        assert (get("/ready")[0], get("/live")[0]) == (200, 200)
        fake.trouble = "refused"
        wait_until(lambda: get("/health")[1]["status"] == "degraded", "the store's trouble")
        assert get("/health")[1]["store"] == {"ok": False, "trouble": "refused", "kind": "sqlite"}
        fake.ready = False
        assert get("/ready") == (503, {"ready": False})
        fake.now_secs = STUCK_SECS + 1  # the worker does not come around
        assert get("/live") == (503, {"live": False, "trouble": "the flow has made no step for 61 s"})
        assert get("/health")[1]["status"] == "unhealthy"
        fake.progress.note()
        assert get("/live") == (200, {"live": True, "trouble": None})
        counts.BARS.inc(0)
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False)
        assert metrics.headers["content-type"].startswith("text/plain")
        assert "# TYPE ta_bars_total counter" in metrics.text
        assert "_created" not in metrics.text
        with pytest.raises(StopProgram, match=f"HEALTH_PORT: 127.0.0.1:{port} cannot be used"):
            Fake().server().serving("127.0.0.1", port).__enter__()
    assert not {"watch store", "health"} & {thread.name for thread in threading.enumerate()}


def test_on_port_0_nothing_is_served_or_watched() -> None:
    fake = Fake()
    with fake.server().serving("127.0.0.1", 0):
        assert "watch store" not in {thread.name for thread in threading.enumerate()}
