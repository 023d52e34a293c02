"""Lets bars arrive on NATS as an exchange would send them, faster than time."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress

import orjson

from dataflow.local.series import Moment
from dataflow.nats.errors import HeldBack
from dataflow.nats.outgoing import Outgoing
from dataflow.nats.publisher import Publisher
from dataflow.stopping import Stop
from state.bar import Bar
from state.errors import StopProgram
from state.key import split_key

# How often a feeder that waits looks whether it is to stop.
LOOK_SECS = 0.02


class Feeder:
    """Publishes bars as kline events of the exchange, at `speed` times real time; with infinity, without a pause.

    What closes together is published together, and the next only when NATS has stored it: a key's bars stay in order,
    and none is lost, whatever happens to NATS. Ids are the bars' own, so that what is fed again soon (within the
    duplicate window of the stream) is stored once. When NATS was away, what should have come meanwhile comes at once.

    Raises:
        StopProgram: the speed is not above 0.
    """

    def __init__(self, publisher: Publisher, stop: Stop, speed: float) -> None:
        if not speed > 0:
            raise StopProgram(f"speed: expected a number above 0, got {speed:g}")
        self.publisher = publisher
        self.stop = stop
        self.speed = speed
        self.bars = 0
        """How many bars have been published."""
        self.close_ms: int | None = None
        """When the last of them closed, on the market's own clock."""

    def run(self, moments: Iterable[Moment]) -> None:
        """Feed the first moment now and each other one when it is due, until the last or until `stop` is requested."""
        started_secs, first_ms = time.monotonic(), None
        with suppress(HeldBack):  # it is to stop, and NATS is away: what was not stored has not happened
            for close_ms, bars in moments:
                first_ms = close_ms if first_ms is None else first_ms
                if not self._wait_until(started_secs + (close_ms - first_ms) / 1000 / self.speed):
                    return
                self.publisher.publish([event_of(key, bar) for key, bar in bars])
                self.bars += len(bars)
                self.close_ms = close_ms

    def _wait_until(self, due_secs: float) -> bool:
        """Whether the time came before the request to stop."""
        while not self.stop.requested:
            left_secs = due_secs - time.monotonic()
            if left_secs <= 0:
                return True
            time.sleep(min(left_secs, LOOK_SECS))
        return False


def event_of(key: str, bar: Bar) -> Outgoing:
    """The kline event of a closed bar: the exchange's own form, with numbers as texts."""
    symbol, timeframe = split_key(key)
    close_ms = timeframe.close_ms(bar.open_time_ms)
    numbers = {name: repr(value) for name, value in zip("ohlcv", bar[1:], strict=True)}
    kline = {"t": bar.open_time_ms, "T": close_ms - 1, "s": symbol, "i": timeframe.name, **numbers, "x": True}
    payload = orjson.dumps({"e": "kline", "E": close_ms, "s": symbol, "k": kline})
    return Outgoing(f"ta.klines.{symbol}.{timeframe.name}", f"{symbol}-{timeframe.name}-{bar.open_time_ms}", payload)
