"""The API of the configuration beside a real MongoDB: how long a read takes while many come."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.propagation import Propagation, measure_propagation
from strategies.registry import STRATEGIES
from tests.api_server import ApiServer, running_api
from tests.mongo_server import MongoServer, mongo_database, running_mongod

READS_PER_SEC = 200
CONNECTIONS = 64

# What others have stored: everything for all symbols, and some symbols' own values of each strategy.
SYMBOLS = ("BTCUSDT", "ETHUSDT", "ADAUSDT")

# Reads before those that are timed: of code and connections that are cold.
WARM_UP_READS = 100


@dataclass(frozen=True)
class ApiExtent:
    """How much is measured."""

    seconds: float = 10.0
    changes: int = 300


API_QUICK = ApiExtent(seconds=3.0, changes=60)


@dataclass
class ApiMeasured:
    """Seconds from when a read was due to its answer, with what was read last, and with the store read each time.

    And how long changes take to come to bars.
    """

    cached_secs: list[float]
    stored_secs: list[float]
    propagation: Propagation


def measure_api(extent: ApiExtent) -> ApiMeasured:
    """Measure everything."""
    with TemporaryDirectory(prefix="ta-bot-bench-") as folder, running_mongod(Path(folder)) as mongod:
        cached = _measured(mongod, Path(folder, "cached"), extent, ttl_secs="60")
        stored = _measured(mongod, Path(folder, "stored"), extent, ttl_secs="0")
    with TemporaryDirectory(prefix="ta-bot-bench-") as folder:
        propagation = measure_propagation(Path(folder), extent.changes)
    return ApiMeasured(cached, stored, propagation)


def _measured(mongod: MongoServer, folder: Path, extent: ApiExtent, ttl_secs: str) -> list[float]:
    with _api(mongod, folder, ttl_secs) as api:
        paths = _fill(api)
        asyncio.run(_timed(api, paths, WARM_UP_READS))
        return asyncio.run(_timed(api, paths, int(extent.seconds * READS_PER_SEC)))


@contextmanager
def _api(mongod: MongoServer, folder: Path, ttl_secs: str) -> Iterator[ApiServer]:
    with mongo_database(mongod) as mongo:
        settings = {"MONGODB_URI": mongo.uri, "MONGODB_DATABASE": mongo.name, "CONFIG_CACHE_TTL_SECONDS": ttl_secs}
        with running_api(folder, **settings) as api:
            yield api


def _fill(api: ApiServer) -> list[str]:
    """Store something for every strategy and symbol; the paths of all that."""
    paths = []
    for strategy_id in STRATEGIES:
        api.get(f"/strategies/{strategy_id}/config")
        paths.append(f"/api/v1/strategies/{strategy_id}/config")
        for symbol in SYMBOLS:
            api.change(f"{strategy_id}/config/{symbol}", min_data_points=100)
            paths.append(f"/api/v1/strategies/{strategy_id}/config/{symbol}")
    return paths


async def _timed(api: ApiServer, paths: Sequence[str], reads: int) -> list[float]:
    """Read at a steady rate, whether earlier reads were answered or not, as far as there are connections."""
    due = iter(range(reads))
    started = time.perf_counter()

    async def reader() -> list[float]:
        stream, writer = await asyncio.open_connection("127.0.0.1", api.port)
        taken = []
        for number in due:
            due_secs = started + number / READS_PER_SEC
            await asyncio.sleep(due_secs - time.perf_counter())
            await _read(stream, writer, paths[number % len(paths)])
            taken.append(time.perf_counter() - due_secs)
        writer.close()
        await writer.wait_closed()
        return taken

    found = await asyncio.gather(*(reader() for _ in range(CONNECTIONS)))
    return [secs for taken in found for secs in taken]


async def _read(stream: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str) -> None:
    """Ask, and take the answer: without a library, which would take longer than what is measured."""
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await stream.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"{path}: {head!r}")
    await stream.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))
