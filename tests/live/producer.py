"""A program that publishes klines and takes no other answer than that they are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Future

import nats.errors

from tests.live.market import KeyedBar, Message
from tests.nats_server import Peer

TIMEOUT_SECS = 1.0
PAUSE_SECS = 0.05


def publish_until_stored(peer: Peer, bars: Iterable[KeyedBar], shape: Callable[[KeyedBar], Message]) -> Future[None]:
    """Publish each bar until it is acknowledged, under an id of its own, and each key's bars in their order."""
    lanes: dict[str, list[KeyedBar]] = {}
    for one in bars:
        lanes.setdefault(one.key, []).append(one)

    async def publish(lane: list[KeyedBar]) -> None:
        jetstream = peer.client.jetstream()
        for one in lane:
            subject, payload = shape(one)
            while True:
                try:
                    await jetstream.publish(subject, payload, TIMEOUT_SECS, headers={"Nats-Msg-Id": one.place})
                    break
                except (nats.errors.Error, TimeoutError, OSError):
                    await asyncio.sleep(PAUSE_SECS)

    async def publish_all() -> None:
        await asyncio.gather(*map(publish, lanes.values()))

    return asyncio.run_coroutine_threadsafe(publish_all(), peer.loop)
